//! The registry that this crate's tests use: a service provider's, with all that one can add.

use std::sync::LazyLock;

use serde_json::Value;

use crate::schema::Registry;

static EXAMPLE: LazyLock<Registry> = LazyLock::new(|| {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let mut builder = Registry::builder()
        .schema(json(include_str!("example/wso2-user.json")))
        .schema(json(include_str!("example/latchkey-invitation.json")));
    for document in json(include_str!("example/annotations.json")).as_array().into_iter().flatten() {
        builder = builder.annotate(document.clone());
    }
    for document in json(include_str!("example/extensions.json")).as_array().into_iter().flatten() {
        builder = builder.extend(document.clone());
    }
    builder.build().expect("the documents in example/ are valid")
});

impl Registry {
    /// RFC 7643's schemas and resource types with two extensions of the user and aliases of their attributes.
    pub(crate) fn example() -> &'static Self {
        &EXAMPLE
    }
}
