//! What the eight callers do: one operation, chosen by chance among those that each may, and some that it may not.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::world::Chance;
use crate::scim2::client::{BULK, PASSWORD, PATCH, WSO2};
use crate::support::basic;

/// The extension of users that is registered anew now and then.
pub const BADGE: &str = "urn:scim:schemas:extension:custom:User";

/// What the walk knows when it chooses: ids as they are in the database, links as they were mailed.
#[derive(Default)]
pub struct Known {
    pub users: Vec<String>,
    pub groups: Vec<String>,
    pub links: Vec<String>,
    pub mails: Vec<String>,
}

/// One who calls.
pub struct Caller {
    pub name: &'static str,
    pub prefix: &'static str,
    pub authorization: String,
    pub does: &'static [Doing],
}

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Create,
    Put,
    Patch,
    Delete,
    Bulk,
    Import,
    Group,
    Members,
    Resend,
    ResendAll,
    Revoke,
    Redeem,
    Settings,
    Schema,
    Retry,
    SignIn,
    Read,
    /// The sender.
    Send,
    /// The seal, pending work and what else the sweep does.
    Sweep,
}

use Doing::{
    Bulk, Create, Delete, Group, Import, Members, Patch, Put, Read, Redeem, Resend, ResendAll, Retry, Revoke, Schema,
    Send, Settings, SignIn, Sweep,
};

/// What those do who may do everything.
pub const EVERYTHING: &[Doing] = &[
    Create, Create, Put, Patch, Patch, Delete, Bulk, Import, Group, Members, Members, Resend, ResendAll, Revoke,
    Settings, Schema, Retry, Read,
];
pub const PROVISIONING: &[Doing] =
    &[Create, Create, Put, Patch, Patch, Patch, Delete, Bulk, Group, Members, Members, Read];
pub const INVITING: &[Doing] = &[Create, Resend, Resend, Revoke, Import, ResendAll, Read, Delete];
pub const SETTING: &[Doing] = &[Settings, Schema, Schema, Read, Patch];
pub const PERSONAL: &[Doing] =
    &[Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, Redeem, SignIn, Read];
pub const SYSTEM: &[Doing] = &[Send, Send, Sweep];

const NAMES: [&str; 24] = [
    "ada", "Ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "joe", "kim", "liv", "max", "nia", "ole",
    "pia", "quin", "rosa", "sam", "tess", "uma", "ÉLAN", "élan",
];
const SIZES: [&str; 3] = ["S", "M", "L"];
const TEAMS: [&str; 8] = ["Staff", "staff", "Sales", "Ops", "Night", "Board", "Guests", "Interns"];

fn user_name(chance: &mut Chance) -> String {
    let store = if chance.once_in(3) { "ACME/" } else { "" };
    let name = chance.pick(&NAMES);
    if chance.once_in(2) { format!("{store}{name}{}", chance.below(3)) } else { format!("{store}{name}") }
}

fn address(chance: &mut Chance) -> String {
    format!("{}{}@example.com", chance.pick(&NAMES[..20]).to_lowercase(), chance.below(9))
}

fn user(chance: &mut Chance) -> Value {
    let mut body = json!({
        "userName": user_name(chance),
        "emails": [{ "value": address(chance), "primary": true, "type": "work" }],
        "displayName": format!("{} the {}th", chance.pick(&NAMES), chance.below(5)),
    });
    match chance.below(40) {
        0..=18 => body[WSO2] = json!({ "askPassword": true }),
        19..=26 => body[WSO2] = json!({ "verifyEmail": true }),
        27 => body["password"] = json!(PASSWORD),
        _ => {}
    }
    if chance.once_in(2) {
        let badge = json!({ "badge": format!("B{}", chance.below(30)), "shirt": chance.pick(&SIZES) });
        body[BADGE] = badge;
    }
    if chance.once_in(4) {
        body["externalId"] = json!(format!("x{}", chance.below(50)));
    }
    if chance.once_in(4) {
        let other = json!({ "value": address(chance), "type": "home" });
        body["emails"].as_array_mut().unwrap().push(other);
    }
    body
}

fn patch_user(chance: &mut Chance) -> Value {
    let operation = match chance.below(11) {
        0 => json!({ "op": "replace", "path": "active", "value": chance.once_in(2) }),
        1 => json!({ "op": "replace", "path": "userName", "value": user_name(chance) }),
        2 => json!({ "op": "replace", "path": "emails", "value": [{ "value": address(chance), "primary": true }] }),
        3 => json!({ "op": "replace", "path": "displayName", "value": chance.pick(&NAMES) }),
        4 => json!({ "op": "replace", "path": format!("{BADGE}:badge"), "value": format!("B{}", chance.below(30)) }),
        5 => json!({ "op": "remove", "path": format!("{BADGE}:badge") }),
        6 => json!({ "op": "add", "path": "emails", "value": [{ "value": address(chance), "type": "other" }] }),
        7 => json!({ "op": "replace", "path": format!("{WSO2}:accountLocked"), "value": chance.once_in(2) }),
        8 => json!({ "op": "replace", "value": { (WSO2): { "askPassword": true } } }),
        9 => json!({ "op": "remove", "path": "emails[type eq \"other\"]" }),
        _ => json!({ "op": "replace", "path": "externalId", "value": format!("x{}", chance.below(50)) }),
    };
    json!({ "schemas": [PATCH], "Operations": [operation] })
}

fn member(chance: &mut Chance, known: &Known) -> Value {
    let from = if chance.once_in(3) { &known.groups } else { &known.users };
    match from.is_empty() {
        true => json!({ "value": "nobody" }),
        false => json!({ "value": chance.pick(from) }),
    }
}

fn members(chance: &mut Chance, known: &Known) -> Vec<Value> {
    (0..chance.below(4)).map(|_| member(chance, known)).collect()
}

fn patch_members(chance: &mut Chance, known: &Known) -> Value {
    let operation = match chance.below(6) {
        0..=2 => json!({ "op": "add", "path": "members", "value": members(chance, known) }),
        3 => {
            let path = format!("members[value eq {}]", member(chance, known)["value"]);
            json!({ "op": "remove", "path": path })
        }
        4 => json!({ "op": "replace", "path": "members", "value": members(chance, known) }),
        _ => json!({ "op": "replace", "path": "displayName", "value": chance.pick(&TEAMS) }),
    };
    json!({ "schemas": [PATCH], "Operations": [operation] })
}

fn bulk(chance: &mut Chance, known: &Known) -> Value {
    let mut operations = vec![
        json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": user(chance) }),
        json!({ "method": "POST", "path": "/Users", "bulkId": "b", "data": user(chance) }),
    ];
    let mut team = json!({ "displayName": chance.pick(&TEAMS), "members": members(chance, known) });
    team["members"].as_array_mut().unwrap().push(json!({ "value": "bulkId:a" }));
    operations.push(json!({ "method": "POST", "path": "/Groups", "bulkId": "c", "data": team }));
    if !known.users.is_empty() {
        let path = format!("/Users/{}", chance.pick(&known.users));
        operations.push(json!({ "method": "PATCH", "path": path, "data": patch_user(chance) }));
        let path = format!("/Users/{}", chance.pick(&known.users));
        operations.push(json!({ "method": "DELETE", "path": path }));
    }
    if !known.groups.is_empty() {
        let path = format!("/Groups/{}", chance.pick(&known.groups));
        operations.push(json!({ "method": "PATCH", "path": path, "data": patch_members(chance, known) }));
    }
    json!({ "schemas": [BULK], "failOnErrors": if chance.once_in(3) { 1 } else { 0 }, "Operations": operations })
}

/// The schema in one of its forms: what is unique, and what is indexed, comes and goes.
pub fn schema(form: u64) -> Value {
    let unique = if form & 1 == 0 { "server" } else { "none" };
    json!({
        "id": BADGE, "name": "Badge",
        "attributes": [
            { "name": "badge", "type": "string", "uniqueness": unique },
            { "name": "shirt", "type": "string", "indexed": form & 2 == 0 },
        ],
    })
}

/// The request of an operation that is one.
pub fn request(doing: Doing, caller: &Caller, chance: &mut Chance, known: &Known) -> Request<Bytes> {
    let one = |chance: &mut Chance, from: &[String]| match from.is_empty() {
        true => "nobody".to_owned(),
        false => chance.pick(from).clone(),
    };
    let mut media_type = "application/scim+json";
    let mut authorization = caller.authorization.clone();
    let (method, path, body) = match doing {
        Create => ("POST", "/scim2/Users".to_owned(), user(chance).to_string()),
        Put => ("PUT", format!("/scim2/Users/{}", one(chance, &known.users)), user(chance).to_string()),
        Patch => ("PATCH", format!("/scim2/Users/{}", one(chance, &known.users)), patch_user(chance).to_string()),
        Delete if chance.once_in(3) => {
            ("DELETE", format!("/scim2/Groups/{}", one(chance, &known.groups)), String::new())
        }
        Delete => ("DELETE", format!("/scim2/Users/{}", one(chance, &known.users)), String::new()),
        Bulk => ("POST", "/scim2/Bulk".to_owned(), bulk(chance, known).to_string()),
        Import => {
            media_type = "text/csv";
            let rows: Vec<String> = (0..1 + chance.below(4))
                .map(|_| format!("{},{},{}\r\n", user_name(chance), address(chance), chance.pick(&TEAMS)))
                .collect();
            ("POST", "/api/invitations/import".to_owned(), format!("userName,email,groups\r\n{}", rows.concat()))
        }
        Group => {
            let body = json!({ "displayName": chance.pick(&TEAMS), "members": members(chance, known) });
            ("POST", "/scim2/Groups".to_owned(), body.to_string())
        }
        Members if chance.once_in(5) => {
            let body = json!({ "displayName": chance.pick(&TEAMS), "members": members(chance, known) });
            ("PUT", format!("/scim2/Groups/{}", one(chance, &known.groups)), body.to_string())
        }
        Members => {
            let path = format!("/scim2/Groups/{}", one(chance, &known.groups));
            ("PATCH", path, patch_members(chance, known).to_string())
        }
        Resend => ("POST", format!("/api/invitations/{}/resend", one(chance, &known.users)), String::new()),
        ResendAll => (
            "POST",
            "/api/invitations/resend".to_owned(),
            json!({ "kid": if chance.once_in(2) { "k1" } else { "k2" } }).to_string(),
        ),
        Revoke => ("POST", format!("/api/invitations/{}/revoke", one(chance, &known.users)), String::new()),
        Redeem => {
            authorization.clear();
            let link = one(chance, &known.links);
            let link = if link.starts_with('/') { link } else { "/invite/none".to_owned() };
            let form = if link.contains("/verify/") {
                "intent=confirm-email".to_owned()
            } else if chance.once_in(10) {
                format!("password={0}&confirm={0}", PASSWORD.replace(' ', "+"))
            } else {
                match chance.below(3) {
                    0 => "intent=new-mail".to_owned(),
                    1 => "password=short&confirm=short".to_owned(),
                    _ => String::new(),
                }
            };
            if form.is_empty() {
                return Request::get(link).body(Bytes::new()).unwrap();
            }
            let request = Request::post(link).header("content-type", "application/x-www-form-urlencoded");
            return request.body(Bytes::from(form)).unwrap();
        }
        Settings => {
            let body = match chance.below(6) {
                0 => json!({ "LOCK_ON_CREATION": chance.once_in(2) }),
                1 => json!({ "ASK_PASSWORD_EMAIL_VALIDITY": chance.below(3_000) }),
                2 => json!({ "ORGANIZATION_NAME": chance.pick(&TEAMS) }),
                3 => json!({ "EMAIL_UPDATE_VERIFICATION": chance.once_in(2) }),
                4 => json!({ "AUDIT_RETENTION_DAYS": 30, "ORGANIZATION_NAME": null }),
                _ => json!({ "PASSWORD_MIN_LENGTH": chance.below(20) }),
            };
            ("PATCH", "/api/settings".to_owned(), body.to_string())
        }
        Schema if chance.once_in(3) => ("DELETE", format!("/api/schemas/{BADGE}"), String::new()),
        Schema => ("POST", "/api/schemas".to_owned(), schema(chance.below(4)).to_string()),
        Retry if chance.once_in(2) => ("POST", "/api/mail/retry".to_owned(), json!({ "state": "failed" }).to_string()),
        Retry => ("POST", format!("/api/mail/{}/retry", one(chance, &known.mails)), String::new()),
        SignIn => {
            let password = if chance.once_in(6) { PASSWORD } else { "wrong" };
            authorization = basic(&user_name(chance), password);
            ("GET", "/scim2/Me".to_owned(), String::new())
        }
        Read | Send | Sweep => match chance.below(5) {
            0 => ("GET", "/scim2/Users?count=20".to_owned(), String::new()),
            1 => ("GET", format!("/scim2/Users/{}", one(chance, &known.users)), String::new()),
            2 => ("GET", format!("/scim2/Groups/{}", one(chance, &known.groups)), String::new()),
            3 => {
                let filter = format!("/scim2/Users?filter={BADGE}:badge%20eq%20%22B{}%22", chance.below(30));
                ("GET", filter, String::new())
            }
            _ => ("GET", "/api/invitations?count=20".to_owned(), String::new()),
        },
    };
    if media_type != "text/csv" && path.starts_with("/api/") {
        media_type = "application/json";
    }
    let request = Request::builder().method(method).uri(format!("{}{path}", caller.prefix));
    let request = if authorization.is_empty() { request } else { request.header("authorization", authorization) };
    request.header("content-type", media_type).body(Bytes::from(body)).unwrap()
}
