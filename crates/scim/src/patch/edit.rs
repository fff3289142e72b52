//! One step of a PATCH on a document (RFC 7644 sections 3.5.2.1 to 3.5.2.3).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::filter::{Filter, Literal, Operator};
use crate::fold;
use crate::patch::list::{Changed, List, each_is_among};
use crate::patch::{Kind, Step, values};
use crate::resource::{Document, immutable};
use crate::schema::{Attribute, AttributePath, Mutability, PRIMARY, REF, ResourceType, TYPE, Type, VALUE};
use crate::value::{read, read_listed, same, settle, wrong};
use crate::work::{self, Work};

type Object = Map<String, Value>;

/// How much more than a look at them it takes to put the values of a list within a value in order.
const LIST_WITHIN: usize = 8;

/// The extension and the name of an attribute.
type Place = (Option<Arc<str>>, String);

/// A document while steps are applied to it. On error it may be half changed: the caller drops it.
pub(super) struct Editor<'a> {
    resource_type: &'a ResourceType,
    document: Document,
    /// The values of the multi-valued attributes that steps have been about, taken out of the document, by extension and
    /// name.
    lists: HashMap<Place, (AttributePath, List)>,
    work: &'a Work,
}

impl<'a> Editor<'a> {
    pub fn new(resource_type: &'a ResourceType, document: Document, work: &'a Work) -> Self {
        Self { resource_type, document, lists: HashMap::new(), work }
    }

    /// The document with all that has been applied.
    pub fn finish(mut self) -> Document {
        for (target, list) in self.lists.into_values() {
            set(self.resource_type, &mut self.document, &target, list.into_value());
        }
        self.document
    }

    /// Applies a step.
    pub fn apply(&mut self, step: &Step) -> Result<(), Error> {
        let Self { resource_type, document, lists, work } = self;
        let target = &step.path.target;
        let attribute = &target.attribute;
        work.check()?;
        if attribute.is_read_only() || target.sub.as_ref().is_some_and(|sub| sub.is_read_only()) {
            return check_unchanged(step, get(document, target), work);
        }
        // An extension may go as a whole; whether what is left of it is complete is seen at the end.
        let must_stay = attribute.required && target.extension.is_none();
        let is_immutable = attribute.mutability == Mutability::Immutable;
        if attribute.multi_valued {
            let (_, list) = lists.entry((target.extension.clone(), attribute.name.clone())).or_insert_with(|| {
                let values = match take(document, target) {
                    Some(Value::Array(values)) => values,
                    single => single.into_iter().collect(),
                };
                (whole(target), List::new(attribute, values))
            });
            let had_values = !list.is_empty();
            let before = if is_immutable { list.to_values() } else { Vec::new() };
            edit_list(step, list, work)?;
            if is_immutable && had_values {
                work.add(before.iter().map(work::of_value).sum());
                return if list.to_values() == before { Ok(()) } else { Err(immutable(attribute)) };
            }
            return if had_values && list.is_empty() && must_stay { Err(required(target)) } else { Ok(()) };
        }
        let before = take(document, target);
        let had_value = before.is_some();
        if is_immutable {
            work.add(before.as_ref().map_or(0, work::of_value));
        }
        let immutable_before = before.as_ref().filter(|_| is_immutable).cloned();
        let after = if attribute.data_type == Type::Complex {
            edit_complex(step, before, work)?
        } else {
            match (step.kind, &step.value) {
                (Kind::Remove, _) | (_, None) => None,
                (_, Some(value)) => read(attribute, value.clone(), &target.to_string())?,
            }
        };
        let after = match (immutable_before, after) {
            (Some(before), Some(after)) if same(attribute, &before, &after) => Some(before),
            (Some(_), _) => return Err(immutable(attribute)),
            (None, after) => after,
        };
        if had_value && after.is_none() && must_stay {
            return Err(required(target));
        }
        set(resource_type, document, target, after);
        Ok(())
    }
}

fn required(target: &AttributePath) -> Error {
    Error::mutability(format!("'{target}' is required and cannot be removed."))
}

/// Takes the value of an attribute out of a document, in which its place stays.
fn take(document: &mut Document, target: &AttributePath) -> Option<Value> {
    let object = match &target.extension {
        None => document,
        Some(urn) => document.get_mut(&**urn)?.as_object_mut()?,
    };
    object.get_mut(&target.attribute.name).map(Value::take)
}

fn get<'a>(document: &'a Document, target: &AttributePath) -> Option<&'a Value> {
    match &target.extension {
        None => document.get(&target.attribute.name),
        Some(urn) => document.get(&**urn)?.get(&target.attribute.name),
    }
}

fn set(resource_type: &ResourceType, document: &mut Document, target: &AttributePath, value: Option<Value>) {
    let name = &target.attribute.name;
    let object = match target.extension.as_deref().and_then(|urn| resource_type.extension(urn)) {
        None => document,
        Some(extension) => {
            match document.entry(&*extension.schema.id).or_insert_with(|| Value::Object(Object::new())) {
                Value::Object(object) => object,
                _ => return,
            }
        }
    };
    match value {
        Some(value) => {
            object.insert(name.clone(), value);
        }
        None => {
            object.shift_remove(name);
        }
    }
}

/// A read-only attribute accepts the value it has (interop sheet, P17), and nothing else (P24).
fn check_unchanged(step: &Step, current: Option<&Value>, work: &Work) -> Result<(), Error> {
    let target = &step.path.target;
    work.add(current.map_or(0, work::of_value));
    let says_the_same = match (step.kind, &step.value, &target.sub) {
        (Kind::Remove, ..) | (_, None, _) => false,
        (_, Some(value), None) => is_contained(&target.attribute, value, current, work),
        (_, Some(value), Some(sub)) => {
            step.path.filter.is_none()
                && is_contained(sub, value, current.and_then(|current| current.get(&sub.name)), work)
        }
    };
    work.check()?;
    if says_the_same { Ok(()) } else { Err(Error::mutability(format!("'{target}' is read-only."))) }
}

/// Whether everything a client says of an attribute is so already.
fn is_contained(attribute: &Attribute, said: &Value, current: Option<&Value>, work: &Work) -> bool {
    match (said, current) {
        (Value::Null, current) => current.is_none(),
        (Value::Array(said), current) if said.is_empty() => current.is_none(),
        (_, None) => false,
        (Value::Array(said), Some(Value::Array(current))) => {
            let holds = |said: &Value, current: &Value| is_contained(attribute, said, Some(current), work);
            each_is_among(attribute, said, current, work, holds)
        }
        (Value::Object(said), Some(Value::Object(current))) => said.iter().all(|(name, said)| {
            attribute.sub_attribute(name).is_none_or(|sub| is_contained(sub, said, current.get(&sub.name), work))
        }),
        (said, Some(current)) => same(attribute, said, current),
    }
}

/// A single complex value.
fn edit_complex(step: &Step, before: Option<Value>, work: &Work) -> Result<Option<Value>, Error> {
    let target = &step.path.target;
    let attribute = &*target.attribute;
    if let Some(filter) = &step.path.filter {
        // A value filter on a single value asks whether to go on.
        if !before.as_ref().is_some_and(|value| filter.selects(value, work)) {
            return if step.kind == Kind::Remove { Ok(before) } else { Err(no_target(step)) };
        }
    }
    let mut object = into_object(before);
    let earlier = Earlier::of(&object, step);
    match (&target.sub, given(step)) {
        (Some(sub), given) => write_part(&mut object, sub, given, step, work)?,
        (None, Some(given)) => lay_over(&mut object, given, step, work)?,
        (None, None) => clear(&mut object, attribute)?,
    }
    let object = complete(attribute, &earlier, object, target)?;
    Ok(if object.is_empty() { None } else { Some(Value::Object(object)) })
}

/// The values of a multi-valued attribute.
fn edit_list(step: &Step, list: &mut List, work: &Work) -> Result<(), Error> {
    if step.path.filter.is_none() && step.path.target.sub.is_none() {
        edit_whole_list(step, list)
    } else {
        edit_selected(step, list, work)
    }
}

/// A path that ends at the attribute: all values at once.
fn edit_whole_list(step: &Step, list: &mut List) -> Result<(), Error> {
    let attribute = &step.path.target.attribute;
    let given = match &step.value {
        None => None,
        Some(value) if step.kind == Kind::Remove => {
            read_listed(attribute, value.clone(), &step.path.target.to_string())?
        }
        Some(value) => read(attribute, value.clone(), &step.path.target.to_string())?,
    };
    let given = match given {
        Some(Value::Array(given)) => given,
        single => single.into_iter().collect(),
    };
    match step.kind {
        // P15: with a value, only what it lists is removed. An empty list lists nothing.
        Kind::Remove if step.value.is_some() => list.remove_listed(&given),
        Kind::Remove => list.clear(),
        Kind::Replace => *list = List::new(attribute, given),
        Kind::Add => list.add(given),
    }
    Ok(())
}

/// A path with a value filter, a sub-attribute or both: some values, or parts of them.
fn edit_selected(step: &Step, list: &mut List, work: &Work) -> Result<(), Error> {
    let target = &step.path.target;
    let selected = list.select(step.path.filter.as_ref(), work)?;
    let mut more = None;
    if selected.is_empty() {
        if step.kind == Kind::Remove {
            return Ok(());
        }
        more = Some(Value::Object(new_value(step)?));
    }
    if target.sub.is_none() && (step.kind == Kind::Remove || is_nothing(step.value.as_ref())) {
        list.remove(&selected);
        return Ok(());
    }
    // What is left without anything in it, or with nothing but labels, is no value any more.
    let lost_value = target.sub.as_ref().is_some_and(|sub| sub.name == VALUE);
    let changed = target.sub.as_ref().map_or(Changed::Whole, |sub| Changed::Part(&sub.name));
    let size = work::CHANGE + step.value.as_ref().map_or(0, work::of_value);
    list.edit(&selected, more, changed, |value| {
        work.add(size);
        work.check()?;
        Ok(Some(edit_one(step, value, work)?).filter(|value| !is_hollow(value, lost_value)))
    })
}

/// One selected value of a list.
fn edit_one(step: &Step, value: Value, work: &Work) -> Result<Value, Error> {
    let target = &step.path.target;
    let attribute = &*target.attribute;
    if attribute.data_type != Type::Complex {
        // A list of simple values: the value itself is replaced.
        return match read(attribute, given(step).cloned().unwrap_or_default(), &target.to_string())? {
            Some(Value::Array(mut values)) if values.len() == 1 => Ok(values.remove(0)),
            _ => Err(wrong(&target.to_string(), "takes one value here")),
        };
    }
    let mut object = into_object(Some(value));
    let earlier = Earlier::of(&object, step);
    match (&target.sub, given(step)) {
        (Some(sub), given) => write_part(&mut object, sub, given, step, work)?,
        (None, Some(given)) => {
            // It is looked at as a whole.
            work.add(object.values().map(work::of_value).sum());
            if step.kind == Kind::Replace {
                let kept = step.path.filter.as_ref().map(equals).unwrap_or_default();
                object.retain(|name, _| kept.contains(&name.as_str()));
            }
            lay_over(&mut object, given, step, work)?;
        }
        (None, None) => {}
    }
    complete(attribute, &earlier, object, target).map(Value::Object)
}

/// The value a value filter that selects nothing makes, if it may make one.
fn new_value(step: &Step) -> Result<Object, Error> {
    match &step.path.filter {
        // Without a filter it is the list that is empty: `emails.value` begins one.
        None => Ok(Object::new()),
        Some(Filter::Compare(path, Operator::Eq, literal)) => {
            let sub = path.sub.as_ref().ok_or_else(|| no_target(step))?;
            let value = match literal {
                // P03: `emails[type eq "work"].value`, for the types the schema suggests.
                Literal::Text { key, .. } => sub
                    .canonical_values
                    .iter()
                    .find(|canonical| fold::key(sub.compares_exactly(), canonical) == key.as_str())
                    .map(|canonical| Value::from(canonical.as_str())),
                // Entra ID adds roles by `roles[primary eq "True"].value`.
                Literal::Boolean(true) if sub.name == PRIMARY && step.kind == Kind::Add => Some(Value::Bool(true)),
                _ => None,
            };
            let value = value.ok_or_else(|| no_target(step))?;
            Ok(Object::from_iter([(sub.name.clone(), value)]))
        }
        Some(_) => Err(no_target(step)),
    }
}

/// The sub-attributes a filter compares by `eq`, so that it says what every value it selects has there.
fn equals(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::And(operands) => operands.iter().flat_map(equals).collect(),
        Filter::Compare(path, Operator::Eq, _) => path.sub.iter().map(|sub| sub.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Lays the sub-attributes a client gives over those of a complex value; the others stay
/// (RFC 7644 section 3.5.2.3).
fn lay_over(object: &mut Object, given: &Value, step: &Step, work: &Work) -> Result<(), Error> {
    let attribute = &*step.path.target.attribute;
    let must_be_object = || wrong(&step.path.target.to_string(), "must be an object");
    match given {
        Value::Array(list) if list.len() == 1 && !list[0].is_array() => lay_over(object, &list[0], step, work),
        // P05: an empty string clears a manager.
        given if is_nothing(Some(given)) => clear(object, attribute),
        Value::String(_) => {
            write_part(object, attribute.sub_attribute(VALUE).ok_or_else(must_be_object)?, Some(given), step, work)
        }
        Value::Object(members) => members.iter().try_for_each(|(name, given)| match attribute.sub_attribute(name) {
            Some(sub) if !sub.is_read_only() => write_part(object, sub, Some(given), step, work),
            _ => Ok(()),
        }),
        _ => Err(must_be_object()),
    }
}

/// Writes, or with `None` removes, one sub-attribute of a complex value.
fn write_part(
    object: &mut Object,
    sub: &Attribute,
    given: Option<&Value>,
    step: &Step,
    work: &Work,
) -> Result<(), Error> {
    let path = || format!("{}.{}", whole(&step.path.target), sub.name);
    let given = given.filter(|given| !(sub.name == VALUE && given.as_str() == Some("")));
    let before = object.get(&sub.name);
    let mut after = match given {
        Some(given) => read(sub, given.clone(), &path())?,
        None => None,
    };
    if step.kind == Kind::Add
        && let (Some(Value::Array(before)), Some(Value::Array(added))) = (before, after.as_mut())
    {
        let old = before.len();
        // A list within a value is put in order anew.
        work.add(before.iter().map(work::of_value).sum::<usize>() * LIST_WITHIN);
        work.check()?;
        let all = before.iter().cloned().chain(std::mem::take(added)).collect();
        *added = settle(sub, all, |index| index >= old);
    }
    if sub.mutability == Mutability::Immutable {
        match (before, &after) {
            (Some(before), Some(after)) if same(sub, before, after) => return Ok(()),
            (Some(_), _) => return Err(immutable(sub)),
            _ => {}
        }
    }
    match after {
        Some(after) => {
            object.insert(sub.name.clone(), after);
        }
        None if before.is_some() && sub.required => {
            return Err(Error::mutability(format!("'{}' is required and cannot be removed.", path())));
        }
        None => {
            object.shift_remove(&sub.name);
        }
    }
    Ok(())
}

fn clear(object: &mut Object, attribute: &Attribute) -> Result<(), Error> {
    let kept = attribute
        .sub_attributes
        .iter()
        .find(|sub| sub.mutability == Mutability::Immutable && object.contains_key(&sub.name));
    object.clear();
    kept.map_or(Ok(()), |sub| Err(immutable(sub)))
}

/// What an edit that writes the `value` of a complex value must know of it: the `value` as it was, and what described it.
#[derive(Default)]
struct Earlier {
    value: Option<Value>,
    described: Vec<(String, Value)>,
}

impl Earlier {
    fn of(object: &Object, step: &Step) -> Self {
        let target = &step.path.target;
        if target.sub.as_ref().is_some_and(|sub| sub.name != VALUE) || !object.contains_key(VALUE) {
            return Self::default();
        }
        let describes =
            |name: &str| name == REF || target.attribute.sub_attribute(name).is_some_and(|sub| sub.is_read_only());
        let described = object.iter().filter(|(name, _)| describes(name));
        Self {
            value: object.get(VALUE).cloned(),
            described: described.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// A complex value after an edit: what its schema requires is there, what described an earlier `value` is not, and all is
/// in schema order.
fn complete(
    attribute: &Attribute,
    earlier: &Earlier,
    mut object: Object,
    target: &AttributePath,
) -> Result<Object, Error> {
    let has_new_value = earlier.value.is_some() && earlier.value.as_ref() != object.get(VALUE);
    let mut ordered = Object::new();
    let mut missing = None;
    for sub in &attribute.sub_attributes {
        let is_stale = has_new_value
            && earlier.described.iter().any(|(name, value)| *name == sub.name && object.get(name) == Some(value));
        match object.swap_remove_entry(&sub.name).filter(|_| !is_stale) {
            Some((name, value)) => {
                ordered.insert(name, value);
            }
            None if sub.required && !sub.is_read_only() => missing = Some(&sub.name),
            None => {}
        }
    }
    // A value without anything in it lacks nothing either: it is about to be dropped.
    match missing {
        Some(missing) if !ordered.is_empty() => Err(wrong(&format!("{}.{missing}", whole(target)), "is required")),
        _ => Ok(ordered),
    }
}

/// What a step writes; nothing when it removes.
fn given(step: &Step) -> Option<&Value> {
    step.value.as_ref().filter(|_| step.kind != Kind::Remove)
}

/// The path without its sub-attribute.
fn whole(target: &AttributePath) -> AttributePath {
    AttributePath { sub: None, ..target.clone() }
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        _ => false,
    }
}

fn is_hollow(value: &Value, lost_value: bool) -> bool {
    let Value::Object(object) = value else {
        return value.is_null();
    };
    object.is_empty()
        || (lost_value && !object.contains_key(VALUE) && object.keys().all(|name| name == TYPE || name == PRIMARY))
}

fn into_object(value: Option<Value>) -> Object {
    match value {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    }
}

fn no_target(step: &Step) -> Error {
    values::no_target(&step.path.target)
}
