//! A person's claims: what `{{user.claim.<name>}}` stands for, in a mail and in the preview of a template alike.
//!
//! A claim is an attribute of the SCIM user, by its name (`displayName`, `name.middleName`, `addresses.locality`,
//! `phoneNumbers.mobile`, `addresses.home.locality`, one of a schema of the tenant's own), with the schema's URN before it or not, or by the name of
//! WSO2's claim for it (`country`, `http://wso2.org/claims/country`). Case does not matter.
//! Of several values the primary one counts, else the first.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json, json};

use crate::base::text::{cut, rfc3339};
use crate::mail::render::problem::{Part, Problem};
use crate::mail::template::{CLAIM, Piece, Template, claim_key, pieces};
use crate::model::resource::WSO2_SCHEMA;
use crate::ports::Millis;
use scim::schema::{Attribute, Mutability, ResourceType, Returned, Type};

/// The prefix of a claim's name in a template.
pub const PREFIX: &str = CLAIM;
/// The most claims that are read of a person.
const MOST: usize = 400;
/// The most claims that are named as problems.
const MOST_NAMED: usize = 20;
/// The most characters of a claim's name.
const LONGEST_NAME: usize = 256;

/// What `urn:scim:wso2:schema` shows of an account, in lower case: no document has it.
const OF_THE_ACCOUNT: [&str; 5] = ["accountstate", "accountlocked", "emailverified", "lockedreason", "pendingemails"];

/// WSO2's names (`http://wso2.org/claims/...`), and where the value is: the first that has one counts.
const WSO2: &[(&str, &[&str])] = &[
    ("givenname", &["name.givenname"]),
    ("lastname", &["name.familyname"]),
    ("familyname", &["name.familyname"]),
    ("middlename", &["name.middlename"]),
    ("honorificprefix", &["name.honorificprefix"]),
    ("honorificsuffix", &["name.honorificsuffix"]),
    ("fullname", &["name.formatted", "displayname"]),
    ("formattedname", &["name.formatted"]),
    ("emailaddress", &["emails"]),
    ("email", &["emails"]),
    ("mobile", &["phonenumbers.mobile"]),
    ("telephone", &["phonenumbers.work", "phonenumbers"]),
    ("homephone", &["phonenumbers.home"]),
    ("fax", &["phonenumbers.fax"]),
    ("im", &["ims"]),
    ("photourl", &["photos"]),
    ("url", &["profileurl"]),
    ("country", &["addresses.country"]),
    ("region", &["addresses.region"]),
    ("stateorprovincename", &["addresses.region"]),
    ("locality", &["addresses.locality"]),
    ("streetaddress", &["addresses.streetaddress"]),
    ("postalcode", &["addresses.postalcode"]),
    ("local", &["locale"]),
    ("externalid", &["externalid"]),
    ("role", &["roles"]),
];

/// Returns the claims of a user by their names in lower case.
#[must_use]
pub fn values(document: &Map<String, Json>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let is_extension = |name: &str| name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    // The core's attributes first: where an extension has one of the same name, a name without a URN is the core's.
    for (name, value) in document.iter().filter(|(name, _)| !is_extension(name)) {
        add(&mut found, name, value);
    }
    let mut by_urn = BTreeMap::new();
    for (urn, extension) in document.iter().filter(|(name, _)| is_extension(name)) {
        for (name, value) in extension.as_object().into_iter().flatten() {
            add(&mut found, name, value);
            add(&mut by_urn, &format!("{urn}:{name}"), value);
        }
    }
    for (claim, places) in WSO2 {
        let value = places.iter().find_map(|place| found.get(*place)).cloned();
        if let Some(value) = value {
            found.entry((*claim).to_owned()).or_insert(value);
        }
    }
    for (name, value) in by_urn {
        found.entry(claim_key(&name)).or_insert(value);
    }
    found
}

/// Names of what the server makes of a user and a mail carries, each with an example.
const MADE: &[(&str, &str)] = &[
    ("id", "2819c223-7f76-453a-919d-413861904646"),
    ("userid", "2819c223-7f76-453a-919d-413861904646"),
    ("created", "2026-03-04T14:00:00Z"),
    ("meta.created", "2026-03-04T14:00:00Z"),
    ("modified", "2026-03-04T14:00:00Z"),
    ("meta.lastmodified", "2026-03-04T14:00:00Z"),
];

/// Returns the claims that the server makes of a user.
pub fn made(id: &str, created: Option<Millis>, modified: Option<Millis>) -> impl Iterator<Item = (String, String)> {
    let (created, modified) = (created.map(rfc3339), modified.map(rfc3339));
    MADE.iter().filter_map(move |(name, _)| {
        let value = match *name {
            "id" | "userid" => Some(id.to_owned()),
            "created" | "meta.created" => created.clone(),
            _ => modified.clone(),
        };
        Some(((*name).to_owned(), value?))
    })
}

fn add(found: &mut BTreeMap<String, String>, name: &str, value: &Json) {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "schemas" | "meta" | "password" | "groups") {
        return;
    }
    let mut set = |name: String, value: &Json| {
        if let Some(text) = to_text(value)
            && found.len() < MOST
        {
            found.entry(name).or_insert(text);
        }
    };
    match value {
        Json::Object(complex) => {
            for (sub, value) in complex {
                set(format!("{name}.{}", sub.to_ascii_lowercase()), value);
            }
            set(name, select_value(complex));
        }
        Json::Array(list) => {
            let is_primary = |value: &&Json| value["primary"] == true;
            let Some(first) = list.iter().find(is_primary).or(list.first()) else { return };
            let Some(complex) = first.as_object() else {
                let all: Vec<String> = list.iter().filter_map(to_text).collect();
                set(name, &json!(all.join(", ")));
                return;
            };
            for (sub, value) in complex {
                set(format!("{name}.{}", sub.to_ascii_lowercase()), value);
            }
            for value in list.iter().filter_map(Json::as_object) {
                if let Some(kind) = value.get("type").and_then(Json::as_str) {
                    let of_type = format!("{name}.{}", kind.to_ascii_lowercase());
                    set(of_type.clone(), select_value(value));
                    for (sub, value) in value {
                        set(format!("{of_type}.{}", sub.to_ascii_lowercase()), value);
                    }
                }
            }
            set(name, select_value(complex));
        }
        scalar => set(name, scalar),
    }
}

/// Returns the sub-attribute that represents a complex value as a whole.
fn select_value(complex: &Map<String, Json>) -> &Json {
    let named = ["displayName", "display", "formatted", "value"];
    // Of an address or a number, the value itself; of a manager, the name.
    let named =
        if complex.contains_key("displayName") { named } else { ["value", "formatted", "display", "displayName"] };
    named.iter().find_map(|name| complex.get(*name)).unwrap_or(&Json::Null)
}

fn to_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(cut(text, 256)),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether a user of this type may have such a claim.
#[must_use]
pub fn is_known(rt: &ResourceType, claim: &str) -> bool {
    if claim.chars().count() > LONGEST_NAME {
        return false;
    }
    let claim = claim_key(claim);
    WSO2.iter().any(|(known, _)| *known == claim)
        || MADE.iter().any(|(known, _)| *known == claim)
        || names(rt, &claim).iter().any(|(attribute, sub)| is_stored(attribute) && fills(attribute, *sub))
}

/// Whether it is something of a user that the server makes or keeps to itself: known, and in no mail.
fn is_not_carried(rt: &ResourceType, claim: &str) -> bool {
    if claim.chars().count() > LONGEST_NAME {
        return false;
    }
    let claim = claim_key(claim);
    let name = split(&claim).0;
    let is_made = matches!(name, "meta" | "schemas" | "groups");
    if is_made || OF_THE_ACCOUNT.contains(&name) {
        return true;
    }
    names(rt, &claim).iter().any(|(attribute, sub)| {
        let of_it = sub.map(|sub| attribute.sub_attribute(sub));
        of_it.map_or(!is_stored(attribute), |sub| sub.is_some_and(|sub| !is_stored(attribute) || !is_stored(sub)))
    })
}

/// The attributes that a claim may name, each with the part of it.
fn names<'a>(rt: &'a ResourceType, claim: &'a str) -> Vec<(&'a Attribute, Option<&'a str>)> {
    let (name, sub) = split(claim);
    let mut found: Vec<_> = rt.attribute(name).map(|attribute| (&**attribute, sub)).into_iter().collect();
    for extension in &rt.extensions {
        // The enterprise extension has them as other names of WSO2's.
        let has_them = [WSO2_SCHEMA, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
        if has_them.contains(&&*extension.schema.id) && OF_THE_ACCOUNT.contains(&name) {
            continue;
        }
        found.extend(extension.schema.attribute(name).map(|attribute| (&**attribute, sub)));
        let rest = claim.strip_prefix(&extension.schema.id.to_ascii_lowercase());
        if let Some((name, sub)) = rest.and_then(|rest| rest.strip_prefix(':')).map(split) {
            found.extend(extension.schema.attribute(name).map(|attribute| (&**attribute, sub)));
        }
    }
    found
}

/// An attribute's name, and that of a part of it.
fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(name, sub)| (name, Some(sub)))
}

/// Whether a user's document has it: it is written by clients, and shown to them.
fn is_stored(attribute: &Attribute) -> bool {
    attribute.mutability != Mutability::ReadOnly && attribute.returned != Returned::Never
}

fn fills(attribute: &Attribute, sub: Option<&str>) -> bool {
    let has = |name: &str| attribute.sub_attribute(name).is_some_and(|sub| is_stored(sub));
    match (attribute.data_type == Type::Complex, sub) {
        (false, sub) => sub.is_none(),
        (true, None) => ["value", "displayName", "display", "formatted"].into_iter().any(has),
        // Of values that have types, any type may be there, and a part of the value of that type.
        (true, Some(sub)) => {
            let of_type = sub.split_once('.').is_none_or(|(_, part)| has(part));
            has(sub) || (attribute.multi_valued && has("type") && of_type)
        }
    }
}

/// The claims that a template names, with the part that does.
fn named(template: &Template) -> Vec<(Part, &str)> {
    let parts = [(Part::Subject, &template.subject), (Part::Html, &template.html), (Part::Text, &template.text)];
    let mut found = Vec::new();
    let mut known = HashSet::new();
    for (part, source) in parts {
        for piece in pieces(source) {
            let Piece::Placeholder { name, .. } = piece else { continue };
            if let Some(claim) = name.strip_prefix(PREFIX)
                && known.insert((part, claim))
            {
                found.push((part, claim));
            }
        }
    }
    found
}

/// Returns a problem for each claim of a template that no user can have.
#[must_use]
pub fn problems(rt: &ResourceType, template: &Template) -> Vec<Problem> {
    let unknown = named(template).into_iter().filter(|(_, claim)| !is_known(rt, claim));
    let problem = |(part, claim)| {
        let name = cut(claim, LONGEST_NAME);
        if is_not_carried(rt, claim) { Problem::NotCarried(part, name) } else { Problem::NoClaim(part, name) }
    };
    unknown.take(MOST_NAMED).map(problem).collect()
}

/// Returns made-up claims for the preview of a template: of Paul, and the name of an attribute where Paul has none.
#[must_use]
pub fn samples(rt: &ResourceType, template: &Template) -> BTreeMap<String, String> {
    let paul = json!({
        "userName": "paul",
        "name": { "formatted": "Paul Smith", "givenName": "Paul", "familyName": "Smith" },
        "displayName": "Paul Smith",
        "emails": [{ "value": "paul@example.com", "type": "work", "primary": true }],
        "phoneNumbers": [
            { "value": "+1 555 0100", "type": "work" },
            { "value": "+1 555 0199", "type": "mobile" },
        ],
        "addresses": [{
            "formatted": "1 Main Street, Springfield", "streetAddress": "1 Main Street", "locality": "Springfield",
            "region": "IL", "postalCode": "62701", "country": "US", "type": "work",
        }],
        "title": "Engineer",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Engineering", "organization": "Example", "employeeNumber": "1001",
            "manager": { "value": "1000" },
        },
    });
    let mut claims = paul.as_object().map(values).unwrap_or_default();
    claims.extend(MADE.iter().map(|(name, example)| ((*name).to_owned(), (*example).to_owned())));
    for (_, claim) in named(template) {
        if is_known(rt, claim) {
            claims.entry(claim_key(claim)).or_insert_with(|| claim.to_owned());
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_attributes_by_their_names_or_wso2s() {
        let user = json!({
            "schemas": ["urn:x"], "userName": "kim", "password": "secret", "displayName": "Kim D.",
            "name": { "givenName": "Kim", "familyName": "Doe", "middleName": "M." },
            "emails": [{ "value": "a@example.com", "type": "home" }, { "value": "b@example.com", "primary": true }],
            "phoneNumbers": [{ "value": "1", "type": "work" }, { "value": "2", "type": "mobile" }],
            "addresses": [
                { "country": "DE", "locality": "Bonn" }, { "type": "home", "country": "AT", "locality": "Graz" },
            ],
            "active": true,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": "R&D", "manager": { "value": "7", "displayName": "Ada" }, "displayName": "not the core's",
            },
            "urn:scim:schemas:extension:custom:User": { "favouriteColour": "blue", "devices": ["x", "y"], "floor": 3 },
        });
        let claims = user.as_object().map(values).unwrap_or_default();
        for (claim, value) in [
            ("username", "kim"),
            ("givenname", "Kim"),
            ("lastname", "Doe"),
            ("middlename", "M."),
            ("displayname", "Kim D."),
            ("emailaddress", "b@example.com"),
            ("emails", "b@example.com"),
            ("emails.home", "a@example.com"),
            ("mobile", "2"),
            ("telephone", "1"),
            ("phonenumbers.mobile", "2"),
            ("country", "DE"),
            ("locality", "Bonn"),
            ("addresses.country", "DE"),
            ("addresses.home.locality", "Graz"),
            ("department", "R&D"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department", "R&D"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:displayname", "not the core's"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager.displayname", "Ada"),
            ("urn:scim:schemas:extension:custom:user:floor", "3"),
            ("manager", "Ada"),
            ("manager.displayname", "Ada"),
            ("favouritecolour", "blue"),
            ("devices", "x, y"),
            ("floor", "3"),
            ("active", "true"),
            ("name.givenname", "Kim"),
        ] {
            assert_eq!(claims.get(claim).map(String::as_str), Some(value), "{claim}");
        }
        assert!(!claims.contains_key("password") && !claims.contains_key("schemas"));
    }
}
