//! The life of a user: created, found, changed and shown, with an extension of the service's own.
//!
//! `cargo run -p latchkey-scim --example user`

use latchkey_scim::filter::Filter;
use latchkey_scim::projection::Projection;
use latchkey_scim::{Error, Registry, patch, resource};
use serde_json::{Value, json};

const BADGE: &str = "urn:example:badge";

fn main() -> Result<(), Error> {
    let registry = Registry::builder()
        .schema(json!({ "id": BADGE, "name": "Badge", "attributes": [{ "name": "number", "type": "integer" }] }))
        .extend(json!({ "name": "User", "schemaExtensions": [{ "schema": BADGE }] }))
        .build()?;
    let Some(user) = registry.resource_type("User") else { return Ok(()) };

    // What a client sends to POST /Users. Names are compared in any case, and the password is taken out for hashing.
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", BADGE],
        "USERNAME": "bjensen",
        "password": "correct horse battery staple",
        "emails": [{ "value": "bjensen@example.com", "type": "work", "primary": true }],
        BADGE: { "number": 7 },
    });
    let mut babs = resource::read(user, body)?;
    let secrets = resource::take_secrets(user, &mut babs);
    println!("secrets: {:?}", secrets.keys().collect::<Vec<_>>());

    // GET /Users?filter=...
    let filter = Filter::parse(user, &format!("emails[type eq \"work\"] and {BADGE}:number gt 5"))?;
    println!("found: {}", filter.matches(&babs));

    // PATCH /Users/{id}
    let request = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "add", "path": "name.givenName", "value": "Barbara" },
            { "op": "remove", "path": format!("{BADGE}:number") },
        ],
    });
    let mut changed = patch::apply(user, &babs, &request)?;

    // GET /Users/{id}?attributes=userName,name
    Projection::parse(user, Some("userName,name"), None)?.apply(&mut changed);
    println!("{:#}", Value::Object(changed));

    // What does not fit is an error with its SCIM type and a detail for the client.
    if let Err(error) = resource::read(user, json!({ "userName": 7 })) {
        println!("{:#}", error.to_json());
    }
    Ok(())
}
