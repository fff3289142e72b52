//! Values of attributes: from what a client sends to the one form documents hold (RFC 7643 sections 2.3 to 2.5).
//!
//! Real clients write `"False"` for a boolean, a bare string for an e-mail address, `null` for nothing, and names in
//! any case. Everything that can be meant in only one way is accepted here and put into the schema's form; the rest of
//! the engine sees nothing else.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Number, Value};

use crate::datetime::Instant;
use crate::error::Error;
use crate::fold;
use crate::schema::{Attribute, Mutability, PRIMARY, REF, TYPE, Type, VALUE};

/// Reads the value of an attribute. `None` means unassigned: null, an empty array, an object without anything in it.
///
/// # Errors
/// 400 `invalidValue` if the value does not fit the attribute, naming `path`.
pub(crate) fn read(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    read_values(attribute, value, path, names_each(attribute))
}

/// Reads what a client lists to select values by: it need not be complete.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_listed(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    read_values(attribute, value, path, false)
}

/// Whether each value is something that it names, as the members of a group are: their `value` is immutable, and alone
/// makes them what they are ([`identity`]).
fn names_each(attribute: &Attribute) -> bool {
    attribute.multi_valued && attribute.sub_attribute(VALUE).is_some_and(|sub| sub.mutability == Mutability::Immutable)
}

/// With `named`, a value that names nothing is an error: it would silently not be there, and a list of such values would
/// empty what it replaces.
fn read_values(attribute: &Attribute, value: Value, path: &str, named: bool) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        return read_one(attribute, value, path);
    }
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values,
        // One value without its brackets is a list of one.
        single => vec![single],
    };
    let mut read = Vec::with_capacity(values.len());
    for value in values {
        let value = read_one(attribute, value, path)?;
        if named && !value.as_ref().is_some_and(|value| value.get(VALUE).is_some() || value.get(REF).is_some()) {
            return Err(wrong(path, "must say the 'value' of each"));
        }
        read.extend(value);
    }
    let read = settle(attribute, read, |_| true);
    Ok(if read.is_empty() { None } else { Some(Value::Array(read)) })
}

/// Reads one value: of a single-valued attribute, or one of many.
fn read_one(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    match &value {
        Value::Null => return Ok(None),
        // RFC 7643 section 2.5 says so of any attribute.
        Value::Array(values) if values.is_empty() => return Ok(None),
        Value::Array(_) => return Err(wrong(path, "takes one value, not a list")),
        _ => {}
    }
    match attribute.data_type {
        Type::Complex => read_complex(attribute, value, path),
        Type::Boolean => read_boolean(attribute, &value, path).map(|flag| Some(Value::Bool(flag))),
        Type::String | Type::Reference => {
            read_text(value, path).map(|text| Some(Value::String(trimmed(attribute, text))))
        }
        Type::Integer => match value {
            Value::Number(number) if number.is_i64() => Ok(Some(Value::Number(number))),
            _ => Err(wrong(path, "must be a whole number")),
        },
        Type::Decimal => match value {
            Value::Number(number) => Ok(Some(Value::Number(number))),
            _ => Err(wrong(path, "must be a number")),
        },
        Type::DateTime => match read_text(value, path)? {
            text if Instant::parse(&text).is_some() => Ok(Some(Value::String(text))),
            _ => Err(wrong(path, "must be a date and time such as 2011-05-13T04:42:34Z")),
        },
        Type::Binary => match read_text(value, path)? {
            text if is_base64(&text) => Ok(Some(Value::String(text))),
            _ => Err(wrong(path, "must be base64")),
        },
    }
}

fn read_complex(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    let members = match value {
        Value::Object(members) => members,
        // A bare string stands for the `value`; an empty one clears it, as Entra ID does with a manager.
        Value::String(text) if attribute.sub_attribute(VALUE).is_some() => {
            Map::from_iter([(VALUE.to_owned(), Value::String(text))])
        }
        _ => return Err(wrong(path, "must be an object")),
    };
    let mut given: HashMap<&str, Value> = HashMap::with_capacity(members.len());
    for (name, value) in members {
        match attribute.sub_attribute(&name) {
            // What the service maintains is ignored on input (RFC 7644 section 3.3); what nobody defined, too.
            Some(sub) if !sub.is_read_only() => {
                given.insert(&sub.name, value);
            }
            _ => {}
        }
    }
    let mut object = Map::new();
    for sub in &attribute.sub_attributes {
        let path = Cow::Owned(format!("{path}.{}", sub.name));
        let value = match given.remove(sub.name.as_str()) {
            Some(Value::String(text)) if sub.name == VALUE && within(sub, &text).is_empty() => None,
            Some(value) => read(sub, value, &path)?,
            None => None,
        };
        match value {
            Some(value) => {
                object.insert(sub.name.clone(), value);
            }
            None if sub.required && !sub.is_read_only() => return Err(wrong(&path, "is required")),
            None => {}
        }
    }
    Ok(if object.is_empty() { None } else { Some(Value::Object(object)) })
}

fn read_boolean(attribute: &Attribute, value: &Value, path: &str) -> Result<bool, Error> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if attribute.lenient_boolean || text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(wrong(path, "must be true or false")),
    }
}

fn read_text(value: Value, path: &str) -> Result<String, Error> {
    match value {
        // SQLite's text functions stop at U+0000: such a value would be stored and then not be found.
        Value::String(text) if text.contains('\0') => Err(wrong(path, "must not contain the character U+0000")),
        Value::String(text) => Ok(text),
        _ => Err(wrong(path, "must be a string")),
    }
}

fn trimmed(attribute: &Attribute, text: String) -> String {
    match within(attribute, &text) {
        inner if inner.len() < text.len() => inner.to_owned(),
        _ => text,
    }
}

/// What counts of a text: where the attribute says so, white space of any kind around it does not.
pub(crate) fn within<'a>(attribute: &Attribute, text: &'a str) -> &'a str {
    if attribute.trimmed { text.trim() } else { text }
}

/// Base64 of either alphabet, with or without padding (RFC 7643 section 2.3.6, RFC 4648 sections 4 and 5).
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let alphabet = |extra: [u8; 2]| body.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte));
    (alphabet(*b"+/") || alphabet(*b"-_"))
        && body.len() % 4 != 1
        && (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4)))
}

pub(crate) fn wrong(path: &str, rule: &str) -> Error {
    Error::invalid_value(format!("'{path}' {rule}."))
}

/// Puts the values of a multi-valued attribute in order: equal ones become one, and at most one is `primary`
/// (RFC 7643 section 2.4). The `primary` of a value that is being written beats an older one; among several, the last
/// wins.
pub(crate) fn settle(attribute: &Attribute, values: Vec<Value>, is_written: impl Fn(usize) -> bool) -> Vec<Value> {
    let mut settled: Vec<Value> = Vec::with_capacity(values.len());
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(values.len());
    let mut written: Vec<bool> = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        match seen.entry(identity(attribute, &value)) {
            Entry::Vacant(vacant) => {
                vacant.insert(settled.len());
                settled.push(value);
                written.push(is_written(index));
            }
            Entry::Occupied(at) => {
                merge(attribute, &mut settled[*at.get()], value);
                written[*at.get()] |= is_written(index);
            }
        }
    }
    keep_one_primary(attribute, &mut settled, |index| written[index]);
    settled
}

/// Sets all but one `primary` to false. The last one among those `written` stays, else the last one.
fn keep_one_primary(attribute: &Attribute, values: &mut [Value], written: impl Fn(usize) -> bool) {
    if attribute.sub_attribute(PRIMARY).is_none() {
        return;
    }
    let is_primary = |value: &Value| value.get(PRIMARY) == Some(&Value::Bool(true));
    let last = |only_written: bool| {
        (0..values.len()).rev().find(|index| is_primary(&values[*index]) && (!only_written || written(*index)))
    };
    let Some(keep) = last(true).or_else(|| last(false)) else {
        return;
    };
    for (index, value) in values.iter_mut().enumerate() {
        if index != keep && is_primary(value) {
            value[PRIMARY] = Value::Bool(false);
        }
    }
}

/// Lays the sub-attributes of a value over those of an equal one. What is the same stays as it is spelled
/// (RFC 7644 section 3.5.2.1: adding what is there changes nothing), and so does what is immutable.
pub(crate) fn merge(attribute: &Attribute, into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else {
        return;
    };
    for (name, value) in from {
        let stays = into
            .get(&name)
            .zip(attribute.sub_attribute(&name))
            .is_some_and(|(before, sub)| sub.mutability == Mutability::Immutable || same(sub, before, &value));
        if !stays {
            into.insert(name, value);
        }
    }
}

/// What makes two values of a multi-valued attribute the same: type and value (RFC 7643 section 2.4). A `value` that
/// is immutable identifies by itself, as a group member's does; without a `value`, everything counts.
pub(crate) fn identity(attribute: &Attribute, value: &Value) -> String {
    let Some(sub) = attribute.sub_attribute(VALUE) else {
        return key_of(attribute, value);
    };
    match value.get(VALUE) {
        Some(own) if sub.mutability == Mutability::Immutable => key_of(sub, own),
        Some(own) => {
            let kind = attribute.sub_attribute(TYPE).zip(value.get(TYPE)).map(|(sub, kind)| key_of(sub, kind));
            // U+0000 is in no value, so that no two pairs look alike.
            format!("{}\0{}", key_of(sub, own), kind.unwrap_or_default())
        }
        None => format!("\0\0{value}"),
    }
}

/// Whether two values of an attribute are the same under its comparison rules.
pub(crate) fn same(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    let is_simple = |value: &Value| !value.is_array() && !value.is_object();
    one == other || (is_simple(one) && is_simple(other) && key_of(attribute, one) == key_of(attribute, other))
}

/// The key under which a simple value equals another one of the same attribute.
pub(crate) fn key_of(attribute: &Attribute, value: &Value) -> String {
    match value {
        Value::String(text) => match attribute.data_type {
            Type::DateTime => {
                Instant::parse(text).map_or_else(|| text.clone(), |at| format!("{}.{:09}", at.seconds, at.nanos))
            }
            // A value may have been stored before white space around it was cut.
            _ => fold::key(attribute.compares_exactly(), within(attribute, text)).into_owned(),
        },
        Value::Number(number) => canonical_number(number),
        other => other.to_string(),
    }
}

/// `1` and `1.0` are the same number.
fn canonical_number(number: &Number) -> String {
    match number.as_i64() {
        Some(whole) => whole.to_string(),
        None => {
            without_exponent(&number.as_f64().and_then(Number::from_f64).unwrap_or_else(|| number.clone()).to_string())
        }
    }
}

/// Returns a number as JSON spells it without its exponent and without a fraction of zero: `1e21` as 22 digits, `1.0` as `1`.
/// Stored keys are spelt so.
fn without_exponent(number: &str) -> String {
    let (sign, number) = if let Some(rest) = number.strip_prefix('-') { ("-", rest) } else { ("", number) };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{}", fraction.trim_end_matches('0'));
    // Where the point stands, counted from the first digit.
    let mut point = exponent.parse().unwrap_or(0_i32).saturating_add(i32::try_from(whole.len()).unwrap_or(0));
    while point <= 0 {
        digits.insert(0, '0');
        point = point.saturating_add(1);
    }
    let point = usize::try_from(point).unwrap_or(0);
    while digits.len() < point {
        digits.push('0');
    }
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{dot}{fraction}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use serde_json::Number;

    use super::canonical_number;

    proptest! {
        #[test]
        fn a_number_is_spelt_without_exponent(float in any::<f64>(), whole in any::<u64>()) {
            if let Some(number) = Number::from_f64(float) {
                assert_eq!(canonical_number(&number), float.to_string());
            }
            let expected = i64::try_from(whole).map_or_else(|_| (whole as f64).to_string(), |whole| whole.to_string());
            assert_eq!(canonical_number(&Number::from(whole)), expected);
        }
    }

    #[test]
    fn one_number_has_one_spelling() {
        for (sent, spelt) in [
            ("1", "1"),
            ("1.0", "1"),
            ("-0.0", "-0"),
            ("1e2", "100"),
            ("1.50", "1.5"),
            ("1e-7", "0.0000001"),
            ("1E21", "1000000000000000000000"),
        ] {
            let number: Number = serde_json::from_str(sent).expect("a number");
            assert_eq!(canonical_number(&number), spelt, "{sent}");
        }
    }
}
