//! JSON: an array of objects whose members are named as the columns of a CSV file are.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::provision::import::encoding::utf8;
use crate::provision::import::row::{Column, Person, Row};
use crate::provision::import::{MAX_ROW_BYTES, MAX_ROWS, Unreadable};

/// The elements of an array as the texts they are, one at a time; an error is the last.
#[must_use]
pub fn elements(text: &str) -> Elements<'_> {
    Elements { rest: Some(text), first: true }
}

/// See [`elements`].
#[derive(Debug)]
pub struct Elements<'f> {
    /// What is left of the text, until its end has been seen.
    rest: Option<&'f str>,
    first: bool,
}

const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

impl<'f> Iterator for Elements<'f> {
    type Item = Result<&'f str, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?.trim_start_matches(WHITE);
        let first = std::mem::replace(&mut self.first, false);
        let Some(rest) = rest.strip_prefix(if first { '[' } else { ',' }) else {
            let detail = if first { "it is no array" } else { "after an element comes a comma, or the array's end" };
            return match rest.strip_prefix(']').filter(|_| !first) {
                Some(after) => ended(after),
                None => Some(Err(detail.to_owned())),
            };
        };
        let rest = rest.trim_start_matches(WHITE);
        if let Some(after) = rest.strip_prefix(']').filter(|_| first) {
            return ended(after);
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let (element, rest) = rest.split_at_checked(values.byte_offset())?;
                self.rest = Some(rest);
                Some(Ok(element))
            }
            Some(Err(error)) => Some(Err(error.to_string())),
            None => Some(Err("the array has no end".to_owned())),
        }
    }
}

fn ended<'f>(after: &str) -> Option<Result<&'f str, String>> {
    let nothing = after.trim_start_matches(WHITE).is_empty();
    (!nothing).then(|| Err("something follows the array".to_owned()))
}

/// A JSON text that is an array.
#[derive(Clone, Copy, Debug)]
pub struct List<'f> {
    text: &'f str,
}

impl<'f> List<'f> {
    /// Looks through a text once, without keeping its elements.
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn open(bytes: &'f [u8]) -> Result<Self, Unreadable> {
        let text = utf8(bytes)?;
        for (index, element) in elements(text).enumerate() {
            if let Err(why) = element {
                let detail = format!("The body is no array of JSON objects; at element {}: {why}.", index + 1);
                return Err(Unreadable::malformed(detail));
            }
            if index >= MAX_ROWS {
                return Err(Unreadable::TooManyRows);
            }
        }
        Ok(Self { text })
    }

    /// The elements as rows; the first is at line 1.
    pub fn rows(self) -> impl Iterator<Item = Row> + Send + 'f {
        elements(self.text).map_while(Result::ok).enumerate().map(|(index, element)| row(index + 1, element))
    }
}

/// The members of an object, in their order; of a name that occurs twice each.
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn row(line: usize, element: &str) -> Row {
    if element.len() > MAX_ROW_BYTES {
        return Row::unreadable(line, format!("The element has more than {MAX_ROW_BYTES} bytes."));
    }
    let members = match serde_json::from_str(element) {
        Ok(Members(members)) => members,
        Err(error) if error.is_data() => return Row::unreadable(line, "The element is not an object.".to_owned()),
        Err(error) => return Row::unreadable(line, format!("The element is not valid JSON: {error}.")),
    };
    let mut person = Person::default();
    let mut problems = Vec::new();
    let mut given = Vec::new();
    for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        let column = Column::parse(&name);
        if let Some(column) = column.filter(|column| given.contains(column)) {
            problems.push(format!("'{}' is given twice.", column.name()));
            continue;
        }
        given.extend(column);
        match (column, value) {
            (Some(column), Json::String(text)) => person.set(column, &text),
            (Some(Column::Groups), Json::Array(values)) if values.iter().all(Json::is_string) => {
                let names = values.iter().filter_map(Json::as_str).map(str::trim);
                person.groups = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
            }
            (Some(Column::Groups), _) => problems.push("'groups' must be a string or an array of strings.".to_owned()),
            (Some(column), _) => problems.push(format!("'{}' must be a string.", column.name())),
            (None, _) => {
                let name = crate::base::text::cut(&name, 80);
                problems.push(format!("There is no member '{name}': the members are {}.", Column::names()));
            }
        }
    }
    Row { line, person, problems }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[a\\\\\"\\[\\]{},é]{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Json::from),
                vec(("[a-z\"]{0,3}", inner), 0..4).prop_map(Json::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_array_is_taken_apart_into_its_elements(list in vec(json(), 0..6), pretty: bool) {
            let text = if pretty { format!(" {:#}\n", Json::from(list.clone())) } else { Json::from(list.clone()).to_string() };
            let read: Vec<Json> =
                elements(&text).map(|element| serde_json::from_str(element.expect("an element")).expect("JSON")).collect();
            prop_assert_eq!(read, list);
        }

        #[test]
        fn what_is_taken_for_an_array_is_one(text in "[\\[\\]{}:,\" 1a\n]{0,30}") {
            let fine = elements(&text).all(|element| element.is_ok());
            prop_assert_eq!(fine, serde_json::from_str::<Vec<IgnoredAny>>(&text).is_ok());
        }
    }
}
