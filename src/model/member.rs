//! A member of a group, and how a document shows it.

use serde_json::{Value as Json, json};

use scim::projection::Projection;
use scim::resource::Document;

/// A member as stored. A group may have very many, so that none is kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of a user or a group.
    pub id: String,
    /// Whether it is a group.
    pub is_group: bool,
    /// The name that the client gave it, or else its own.
    pub display: Option<String>,
}

impl Member {
    /// The value of `members` (RFC 7643 section 4.2), with an address below `base`.
    #[must_use]
    pub fn to_json(&self, base: &str) -> Json {
        let (folder, name) = if self.is_group { ("Groups", "Group") } else { ("Users", "User") };
        let mut member =
            json!({ "value": self.id, "$ref": format!("{base}/scim2/{folder}/{}", self.id), "type": name });
        if let Some(display) = &self.display {
            member["display"] = json!(display);
        }
        member
    }
}

/// The most members that are JSON at once: as text they are a tenth as large.
const AT_ONCE: usize = 1_000;

/// The JSON text of a group's `members` as a projection shows them; `None` where it shows none.
pub(super) fn render(members: &[Member], base: &str, projection: &Projection) -> Option<String> {
    const AROUND: usize = r#"{"value":"","$ref":"/scim2/Groups/","type":"Group","display":""},"#.len();
    let size =
        |member: &Member| AROUND + base.len() + 2 * member.id.len() + member.display.as_ref().map_or(0, String::len);
    let mut text = String::with_capacity(members.iter().map(size).sum());
    for some in members.chunks(AT_ONCE) {
        let values: Vec<Json> = some.iter().map(|member| member.to_json(base)).collect();
        let mut document = Document::from_iter([("members".to_owned(), Json::from(values))]);
        projection.apply(&mut document);
        for shown in document.get("members").and_then(Json::as_array).into_iter().flatten() {
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&shown.to_string());
        }
    }
    (!text.is_empty()).then(|| text + "]")
}
