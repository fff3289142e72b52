//! WSO2's claims: the names of attributes in its files and in Asgardeo's, as headers (`mobile`, or with the dialect
//! `http://wso2.org/claims/mobile`), or before the value in a cell (`http://wso2.org/claims/mobile=+49...`).

use serde_json::{Value as Json, json};

use crate::provision::import::row::Column;

/// The dialect of WSO2's own claims.
const DIALECT: &str = "http://wso2.org/claims/";
/// The claim that asks for an invitation.
const ASK_PASSWORD: &str = "identity/askpassword";
/// The extension for people who work somewhere.
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Local names in lower case, and the columns they are.
const CLAIMS: &[(&str, Column)] = &[
    ("username", Column::UserName),
    ("emailaddress", Column::Email),
    ("givenname", Column::GivenName),
    ("lastname", Column::FamilyName),
    ("local", Column::Locale),
    ("groups", Column::Groups),
    ("country", Column::More("addresses.country")),
    ("costcenter", Column::More("enterprise.costCenter")),
    ("department", Column::More("enterprise.department")),
    ("displayname", Column::More("displayName")),
    ("division", Column::More("enterprise.division")),
    ("employeenumber", Column::More("enterprise.employeeNumber")),
    ("externalid", Column::More("externalId")),
    ("fax", Column::More("phoneNumbers.fax")),
    ("formattedname", Column::More("name.formatted")),
    ("fullname", Column::More("name.formatted")),
    ("homephone", Column::More("phoneNumbers.home")),
    ("honorificprefix", Column::More("name.honorificPrefix")),
    ("honorificsuffix", Column::More("name.honorificSuffix")),
    ("locality", Column::More("addresses.locality")),
    ("middlename", Column::More("name.middleName")),
    ("mobile", Column::More("phoneNumbers.mobile")),
    ("nickname", Column::More("nickName")),
    ("organization", Column::More("enterprise.organization")),
    ("postalcode", Column::More("addresses.postalCode")),
    ("preferredlanguage", Column::More("preferredLanguage")),
    ("region", Column::More("addresses.region")),
    ("role", Column::More("roles")),
    ("roles", Column::More("roles")),
    ("stateorprovincename", Column::More("addresses.region")),
    ("streetaddress", Column::More("addresses.streetAddress")),
    ("telephone", Column::More("phoneNumbers.work")),
    ("timezone", Column::More("timezone")),
    ("title", Column::More("title")),
    ("url", Column::More("profileUrl")),
    ("usertype", Column::More("userType")),
];

/// The attributes that a column may be besides those of docs/import.md's first table, each once.
pub fn more() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for (_, column) in CLAIMS {
        if let Column::More(name) = column
            && !names.contains(name)
        {
            names.push(name);
        }
    }
    names
}

/// The column of a claim by its local name in lower case.
#[must_use]
pub fn local(name: &str) -> Option<Column> {
    CLAIMS.iter().find(|(known, _)| *known == name).map(|(_, column)| *column)
}

/// The column of a claim by its URI, whose case does not matter.
#[must_use]
pub fn of_uri(uri: &str) -> Option<Column> {
    local(uri.trim().to_ascii_lowercase().strip_prefix(DIALECT)?)
}

/// What a cell says that names a claim.
#[derive(Debug)]
pub enum Said<'a> {
    /// The value of a column.
    Value(Column, &'a str),
    /// Whether the user is to be asked for a password.
    AskPassword(bool),
    /// Something of a claim that nobody knows: its URI.
    Unknown(&'a str),
}

/// Reads `claimuri=value`; `None` where the cell names no claim. What follows the first `=` is the value.
#[must_use]
pub fn said(cell: &str) -> Option<Said<'_>> {
    let cell = cell.trim();
    let lower = cell.get(..8)?.to_ascii_lowercase();
    if !["http://", "https://", "urn:"].iter().any(|start| lower.starts_with(start)) {
        return None;
    }
    let (uri, value) = cell.split_once('=')?;
    let name = uri.trim().to_ascii_lowercase();
    if name.strip_prefix(DIALECT) == Some(ASK_PASSWORD) {
        return Some(Said::AskPassword(value.trim().eq_ignore_ascii_case("true")));
    }
    Some(of_uri(uri).map_or(Said::Unknown(uri), |column| Said::Value(column, value)))
}

/// Puts the value of an attribute of [`more`] into a SCIM user.
pub fn put(user: &mut Json, attribute: &str, text: &str) {
    match attribute.split_once('.') {
        Some(("name", part)) => user["name"][part] = json!(text),
        Some(("enterprise", part)) => user[ENTERPRISE][part] = json!(text),
        Some(("addresses", part)) => {
            if user["addresses"].is_null() {
                user["addresses"] = json!([{ "type": "home" }]);
            }
            user["addresses"][0][part] = json!(text);
        }
        Some((list, kind)) => push(user, list, json!({ "value": text, "type": kind })),
        None if attribute == "roles" => {
            // The old console of WSO2 separates them by ':'.
            for role in text.split(['|', ':']).map(str::trim).filter(|role| !role.is_empty()) {
                push(user, attribute, json!({ "value": role }));
            }
        }
        None => user[attribute] = json!(text),
    }
}

fn push(user: &mut Json, list: &str, value: Json) {
    match user[list].as_array_mut() {
        Some(values) => values.push(value),
        None => user[list] = json!([value]),
    }
}
