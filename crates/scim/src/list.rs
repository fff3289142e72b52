//! The ListResponse (RFC 7644 section 3.4.2, RFC 9865 section 2), put together as text.
//!
//! A page of a hundred resources is stored as JSON already; it is copied into the answer, not parsed and written again.

use serde_json::Value;

/// The URN of a list response.
pub const LIST_RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The position of a page in the whole result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// By index: the 1-based index of the page's first resource (RFC 7644 section 3.4.2.4).
    Index(u64),
    /// By cursor: the cursor of the next page, none on the last (RFC 9865 section 2).
    Cursor {
        /// `nextCursor`.
        next: Option<String>,
    },
}

/// Writes a list response. Each resource is a complete JSON object as text. `total` may be unknown only where a
/// cursor is used.
#[must_use]
pub fn list_response<S: AsRef<str>>(total: Option<u64>, position: &Position, resources: &[S]) -> String {
    let size: usize = resources.iter().map(|resource| resource.as_ref().len() + 1).sum();
    let mut out = format!(r#"{{"schemas":["{LIST_RESPONSE_SCHEMA}"]"#);
    out.reserve(size + 160);
    let mut member = |name: &str, value: Value| {
        out.push_str(&format!(r#","{name}":{value}"#));
    };
    if let Some(total) = total {
        member("totalResults", total.into());
    }
    match position {
        Position::Index(start) => member("startIndex", (*start).into()),
        Position::Cursor { next: Some(next) } => member("nextCursor", next.as_str().into()),
        Position::Cursor { next: None } => {}
    }
    member("itemsPerPage", resources.len().into());
    // `Resources` is there even when it is empty: Entra ID and Okta look for it (interop sheet, P10).
    out.push_str(r#","Resources":["#);
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(resource.as_ref());
    }
    out.push_str("]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("a list response is JSON")
    }

    #[test]
    fn an_index_page_tells_where_it_starts() {
        let text = list_response(Some(12), &Position::Index(11), &[r#"{"id":"a"}"#, r#"{"id":"b"}"#]);
        assert_eq!(
            parsed(&text),
            json!({
                "schemas": [LIST_RESPONSE_SCHEMA], "totalResults": 12, "startIndex": 11, "itemsPerPage": 2,
                "Resources": [{ "id": "a" }, { "id": "b" }],
            })
        );
    }

    #[test]
    fn p10_no_match_is_an_empty_resources_array() {
        let text = list_response::<&str>(Some(0), &Position::Index(1), &[]);
        assert_eq!(parsed(&text)["Resources"], json!([]));
        assert_eq!(parsed(&text)["totalResults"], 0);
    }

    #[test]
    fn p31_the_last_cursor_page_has_no_next_cursor() {
        let page = parsed(&list_response(Some(1), &Position::Cursor { next: Some("a\"b".into()) }, &["{}"]));
        assert_eq!(page["nextCursor"], "a\"b");
        let last = parsed(&list_response(None, &Position::Cursor { next: None }, &["{}"]));
        assert_eq!(last.get("nextCursor"), None);
        assert_eq!(last.get("startIndex"), None);
        assert_eq!(last.get("totalResults"), None);
    }
}
