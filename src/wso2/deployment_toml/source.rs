//! The file as text: every key with its line and its value, tables that occur twice included.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key and its value.
#[derive(Debug)]
pub struct Value {
    /// The line of the key, from 1.
    pub line: usize,
    /// The tables above it and the key itself, with dots between.
    pub key: String,
    /// A string, number or truth value as text; `None` for everything else.
    pub text: Option<String>,
}

/// The file is no TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What the parser makes of it, in its words.
    pub message: String,
}

/// The values of a file in its order.
///
/// TOML knows a table once. WSO2's page shows one twice, so each `[table]` is read as a document of its own.
pub fn values(text: &str) -> Result<Vec<Value>, SyntaxError> {
    // Editors on Windows put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut values = Vec::new();
    let mut section = 0;
    for start in headers(text) {
        // A line that looks like a header may be inside a list or a string: then what is before it is not complete.
        if let Ok(table) = DeTable::parse(&text[section..start]) {
            collect(&mut values, table.get_ref(), "", &text[..start], section);
            section = start;
        }
    }
    match DeTable::parse(&text[section..]) {
        Ok(table) => collect(&mut values, table.get_ref(), "", text, section),
        Err(error) => {
            let at = section + error.span().map_or(0, |span| span.start);
            return Err(SyntaxError { line: line_of(text, at), message: error.message().to_owned() });
        }
    }
    values.sort_by_key(|value| value.line);
    Ok(values)
}

/// Returns the starts of the lines that begin with a bracket.
fn headers(text: &str) -> impl Iterator<Item = usize> {
    let mut position = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = position;
        position += line.len();
        line.trim_start_matches([' ', '\t']).starts_with('[').then_some(start)
    })
}

fn collect(values: &mut Vec<Value>, table: &DeTable<'_>, above: &str, text: &str, section: usize) {
    for (key, value) in table.iter() {
        let name = match above {
            "" => key.get_ref().to_string(),
            above => format!("{above}.{}", key.get_ref()),
        };
        let line = line_of(text, section + key.span().start);
        walk(values, name, value, line, text, section);
    }
}

fn walk(values: &mut Vec<Value>, key: String, value: &Spanned<DeValue<'_>>, line: usize, text: &str, section: usize) {
    let found = match value.get_ref() {
        DeValue::Table(table) => return collect(values, table, &key, text, section),
        // `[[table]]`: its keys, as of a table.
        DeValue::Array(array) if !array.is_empty() && array.iter().all(|each| each.get_ref().is_table()) => {
            for table in array.iter().filter_map(|each| each.get_ref().as_table()) {
                collect(values, table, &key, text, section);
            }
            return;
        }
        DeValue::String(string) => Some(string.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Integer(number) => Some(
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
        ),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(_) | DeValue::Array(_) => None,
    };
    values.push(Value { line, key, text: found });
}

fn line_of(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}
