//! The stored document, made and limited in one place, whichever way it comes in.

use serde_json::Value as Json;

use scim::error::Error as ScimError;
use scim::resource::Document;

/// The largest document that is stored, in bytes: as large as a body may be.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// The most values that an attribute has in a stored document. A group's members are not in its document.
pub const MAX_VALUES: usize = 1_000;

/// Returns a document as it is stored. `before` is the stored one that it replaces: what is above a limit already may be made
/// smaller bit by bit, and may not grow.
///
/// # Errors
/// 413, saying what there is too much of.
pub fn stored_text(document: Document, before: Option<&str>) -> Result<String, ScimError> {
    if let Some((name, count)) = longest_list(&document).filter(|(_, count)| *count > MAX_VALUES) {
        let before: Document = before.and_then(|before| serde_json::from_str(before).ok()).unwrap_or_default();
        if longest_list(&before).is_none_or(|(_, had)| count > had) {
            let detail = format!("An attribute has at most {MAX_VALUES} values, and '{name}' would have {count}.");
            return Err(ScimError::payload_too_large(detail));
        }
    }
    let text = Json::Object(document).to_string();
    if text.len() > MAX_DOCUMENT.max(before.map_or(0, str::len)) {
        let detail = format!("A resource has at most {MAX_DOCUMENT} bytes, and this one would have {}.", text.len());
        return Err(ScimError::payload_too_large(detail));
    }
    Ok(text)
}

/// The list in a document with the most values: the name of its attribute or sub-attribute, and their number.
fn longest_list(document: &Document) -> Option<(&str, usize)> {
    document.iter().filter_map(|(name, value)| longest(name, value)).max_by_key(|(_, count)| *count)
}

fn longest<'a>(name: &'a str, value: &'a Json) -> Option<(&'a str, usize)> {
    match value {
        Json::Array(values) => {
            let within = values.iter().filter_map(|value| longest(name, value)).max_by_key(|(_, count)| *count);
            within.into_iter().chain([(name, values.len())]).max_by_key(|(_, count)| *count)
        }
        Json::Object(parts) => longest_list(parts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{MAX_DOCUMENT, MAX_VALUES, stored_text};
    use scim::resource::Document;

    fn document(value: Json) -> Document {
        Document::from_iter([("a".to_owned(), value)])
    }

    fn values(count: usize) -> Json {
        Json::from_iter(0..count)
    }

    #[test]
    fn a_document_of_the_most_bytes_is_stored_and_one_of_another_is_not() {
        let most = "x".repeat(MAX_DOCUMENT - r#"{"a":""}"#.len());
        assert_eq!(stored_text(document(json!(most)), None).map(|text| text.len()), Ok(MAX_DOCUMENT));
        assert_eq!(stored_text(document(json!(format!("{most}x"))), None).expect_err("too large").status, 413);
    }

    #[test]
    fn each_list_has_its_most_values_wherever_it_is() {
        for within in [|list: Json| list, |list| json!({ "b": list }), |list| json!([{ "b": list }])] {
            stored_text(document(within(values(MAX_VALUES))), None).expect("the most");
            let refused = stored_text(document(within(values(MAX_VALUES + 1))), None).expect_err("too many");
            assert_eq!(refused.status, 413, "{}", refused.detail);
        }
    }

    #[test]
    fn what_is_above_a_limit_may_shrink_and_not_grow() {
        let before = Json::Object(document(values(1_200))).to_string();
        for (count, stored) in [(1_100, true), (1_200, true), (1_201, false)] {
            assert_eq!(stored_text(document(values(count)), Some(&before)).is_ok(), stored, "{count}");
        }
        let before = Json::Object(document(json!("x".repeat(MAX_DOCUMENT)))).to_string();
        for (length, stored) in [(MAX_DOCUMENT, true), (MAX_DOCUMENT + 1, false)] {
            assert_eq!(stored_text(document(json!("x".repeat(length))), Some(&before)).is_ok(), stored, "{length}");
        }
    }
}
