//! A user's attributes on the console: what the schema lets one change is a form, the rest a table.

use std::sync::Arc;

use ::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use crate::http::console::submission::{self, Done};
use crate::http::console::user::{find_user, mails_said, path_of, user_page};
use crate::http::console::{Console, handed_over, read_form, user_type};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::invite::emails::find_address;
use crate::model::resource::{INVITATION_SCHEMA, Resource, WSO2_SCHEMA};
use crate::pages::console::Section;
use crate::pages::console::form::Problem;
use crate::pages::console::user_attributes::{Attribute, Group, Kind};
use crate::provision::{self, Budget, Expected};
use scim::resource::Document;
use scim::schema::{self, Mutability, ResourceType, Returned, Type};

/// What was typed into the form.
pub struct Typed<'a> {
    /// The form.
    pub form: &'a Form,
    /// Whether somebody has changed the user since the form was shown.
    pub is_outdated: bool,
}

/// Attributes that have buttons and forms of their own, or are the server's.
const ELSEWHERE: [&str; 8] = ["schemas", "id", "meta", "active", "password", "roles", "groups", "emails"];
/// What stands before the number of an address in the name of its field.
const EMAILS: &str = "emails.";
/// The field for one more address.
const NEW_EMAIL: &str = "emails.new";

/// An attribute that can be changed: its path, its label and the schema's words.
struct Editable<'a> {
    path: String,
    label: String,
    attribute: &'a schema::Attribute,
    /// Where its value is.
    place: Vec<&'a str>,
}

/// The attributes that can be changed, with the name of their schema.
fn editable(rt: &ResourceType) -> Vec<(&str, Editable<'_>)> {
    let mut found = Vec::new();
    for (extension, attribute) in rt.places() {
        let urn = extension.map(|extension| &*extension.schema.id);
        let is_servers = urn.is_some_and(|urn| urn == WSO2_SCHEMA || urn == INVITATION_SCHEMA);
        if is_servers || (urn.is_none() && ELSEWHERE.contains(&&*attribute.name)) || attribute.multi_valued {
            continue;
        }
        let schema = extension.map_or(rt.schema.name.as_str(), |extension| extension.schema.name.as_str());
        let prefix = urn.map(|urn| format!("{urn}:")).unwrap_or_default();
        let subs = attribute.sub_attributes.iter().map(|sub| (&**sub, Some(sub.name.as_str())));
        let simple = std::iter::once((&**attribute, None));
        let places = subs.chain(simple).filter(|(leaf, _)| leaf.data_type != Type::Complex && !leaf.multi_valued);
        for (leaf, sub) in places {
            let can_change = |attribute: &schema::Attribute| {
                matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable)
                    && attribute.returned != Returned::Never
            };
            if !can_change(leaf) || !can_change(attribute) {
                continue;
            }
            let path = match sub {
                Some(sub) => format!("{prefix}{}.{sub}", attribute.name),
                None => format!("{prefix}{}", attribute.name),
            };
            let label = label_of(&attribute.name, sub);
            let place = urn.into_iter().chain([attribute.name.as_str()]).chain(sub).collect();
            found.push((schema, Editable { path, label, attribute: leaf, place }));
        }
    }
    found
}

impl Editable<'_> {
    /// What a document has there.
    fn value<'d>(&self, document: &'d Document) -> Option<&'d Json> {
        let (first, rest) = self.place.split_first()?;
        rest.iter().try_fold(document.get(*first)?, |value, name| value.get(name))
    }

    fn text(&self, document: &Document) -> String {
        self.value(document).map(in_words).unwrap_or_default()
    }

    /// Whether a write could change it: what is immutable, once.
    fn is_open(&self, document: &Document) -> bool {
        self.attribute.mutability == Mutability::ReadWrite || self.value(document).is_none()
    }

    /// What was typed as the schema's type has it. What does not fit is left for the schema to refuse.
    fn read(&self, typed: &str) -> Json {
        match (self.attribute.data_type, typed) {
            (Type::Boolean, "true") => json!(true),
            (Type::Boolean, "false") => json!(false),
            (Type::Integer | Type::Decimal, number) => {
                serde_json::from_str::<serde_json::Number>(number).map_or_else(|_| json!(typed), Json::Number)
            }
            _ => json!(typed),
        }
    }
}

/// `First name`, `Display name`, `Manager value`.
fn label_of(name: &str, sub: Option<&str>) -> String {
    match (name, sub) {
        ("userName", None) => "Username".to_owned(),
        ("name", Some("givenName")) => "First name".to_owned(),
        ("name", Some("familyName")) => "Last name".to_owned(),
        ("name", Some("formatted")) => "Full name".to_owned(),
        ("name", Some(sub)) | (sub, None) => spelt_out(sub),
        (name, Some(sub)) => format!("{} {}", spelt_out(name), spelt_out(sub).to_lowercase()),
    }
}

/// `Display name` of `displayName`.
fn spelt_out(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for (at, char) in name.trim_start_matches('$').char_indices() {
        match char {
            first if at == 0 => words.extend(first.to_uppercase()),
            upper if upper.is_uppercase() => {
                words.push(' ');
                words.extend(upper.to_lowercase());
            }
            other => words.push(other),
        }
    }
    words
}

/// A value as people read it.
fn in_words(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(values) => values.iter().map(in_words).collect::<Vec<_>>().join("; "),
        Json::Object(members) => {
            let main = members.get("value").or_else(|| members.get("formatted")).map(in_words);
            let more = members.iter().filter(|(name, _)| !["value", "formatted", "$ref"].contains(&name.as_str()));
            let more: Vec<String> = more.map(|(name, value)| format!("{name}: {}", in_words(value))).collect();
            match (main, more.is_empty()) {
                (Some(main), true) => main,
                (Some(main), false) => format!("{main} ({})", more.join(", ")),
                (None, _) => more.join(", "),
            }
        }
        other => other.to_string(),
    }
}

/// The attributes of a user: those that can be changed, where the caller may, and the others.
pub fn shown(
    rt: &ResourceType,
    document: &Document,
    may_write: bool,
    typed: Option<&Typed>,
) -> (Vec<Group>, Vec<(String, String)>) {
    let all = editable(rt);
    let mut groups: Vec<Group> = Vec::new();
    let mut fields: Vec<&str> = Vec::new();
    if may_write {
        for (schema, one) in all.iter().filter(|(_, one)| one.is_open(document)) {
            let kind = match one.attribute.data_type {
                Type::Boolean => Kind::Flag,
                _ if one.text(document).contains(['\n', '\r']) => Kind::Lines,
                _ => Kind::Text,
            };
            let attribute = field(one.path.clone(), one.label.clone(), kind, one.text(document), typed);
            match groups.iter_mut().find(|group| group.name == **schema) {
                Some(group) => group.attributes.push(attribute),
                None => groups.push(Group { name: (*schema).to_owned(), attributes: vec![attribute] }),
            }
            fields.push(&one.path);
        }
        if let Some(core) = groups.first_mut() {
            core.attributes.extend(email_fields(document, typed));
        }
    }
    let mut others = Vec::new();
    for (_, one) in all.iter().filter(|(_, one)| !fields.contains(&one.path.as_str())) {
        push(&mut others, &one.label, one.value(document));
    }
    let editable_at = |place: &[&str]| all.iter().any(|(_, one)| one.place.starts_with(place));
    for (name, value) in document {
        let is_extension = name.contains(':');
        if is_extension {
            for (inner, value) in value.as_object().into_iter().flatten() {
                if !editable_at(&[name, inner]) {
                    push(&mut others, &spelt_out(inner), Some(value));
                }
            }
        } else if name == "emails" && !may_write {
            push(&mut others, "Email Address", Some(value));
        } else if !ELSEWHERE.contains(&name.as_str()) && !editable_at(&[name]) {
            push(&mut others, &spelt_out(name), Some(value));
        }
    }
    push(&mut others, "Id", document.get("id"));
    for (label, name) in [("Created", "created"), ("Last changed", "lastModified")] {
        push(&mut others, label, document.get("meta").and_then(|meta| meta.get(name)));
    }
    (groups, others)
}

fn push(rows: &mut Vec<(String, String)>, label: &str, value: Option<&Json>) {
    if let Some(text) = value.map(in_words).filter(|text| !text.is_empty()) {
        rows.push((label.to_owned(), text));
    }
}

/// A field as typed, or else as stored.
fn field(path: String, label: String, kind: Kind, stored: String, typed: Option<&Typed>) -> Attribute {
    let value = typed.and_then(|typed| typed.form.read_text(&path));
    let differs = value.as_deref().is_some_and(|value| !is_same(value, &stored));
    let is_outdated = typed.is_some_and(|typed| typed.is_outdated);
    let (value, stored) = match value {
        Some(value) => (value, (differs && is_outdated).then_some(stored)),
        None => (stored, None),
    };
    Attribute { path, label, kind, value, stored }
}

/// Whether what came back is what was shown: a browser sends line ends of its own, and white space at the ends is not typed.
fn is_same(typed: &str, stored: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned();
    plain(typed) == plain(stored)
}

/// The addresses of a document.
fn emails(document: &Document) -> &[Json] {
    document.get("emails").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn email_fields(document: &Document, typed: Option<&Typed>) -> Vec<Attribute> {
    let counted = find_address(document);
    let stored = emails(document).iter().enumerate().map(|(number, email)| {
        let address = email["value"].as_str().unwrap_or_default().to_owned();
        let label = match email["type"].as_str() {
            _ if Some(&address) == counted.as_ref() => "Email Address".to_owned(),
            Some(kind) => format!("Email Address {} ({kind})", number + 1),
            None => format!("Email Address {}", number + 1),
        };
        (format!("{EMAILS}{number}"), label, address)
    });
    let is_first = emails(document).is_empty();
    let label = if is_first { "Email Address" } else { "Another Email Address" };
    let new = (NEW_EMAIL.to_owned(), label.to_owned(), String::new());
    stored.chain([new]).map(|(path, label, address)| field(path, label, Kind::Email, address, typed)).collect()
}

/// The addresses as the form has them; `None` where they are as they were.
fn read_emails(form: &Form, document: &Document) -> Option<Vec<Json>> {
    let mut changed = false;
    let mut kept: Vec<Json> = Vec::new();
    for (number, email) in emails(document).iter().enumerate() {
        let stored = email["value"].as_str().unwrap_or_default();
        match form.read_text(&format!("{EMAILS}{number}")) {
            Some(typed) if !is_same(&typed, stored) => {
                changed = true;
                if !typed.trim().is_empty() {
                    kept.push(with_address(email, typed.trim()));
                }
            }
            _ => kept.push(email.clone()),
        }
    }
    if let Some(new) = form.read_text(NEW_EMAIL).filter(|new| !new.trim().is_empty()) {
        changed = true;
        kept.push(json!({ "value": new.trim() }));
    }
    changed.then_some(kept)
}

/// The same e-mail entry with another address.
pub fn with_address(email: &Json, address: &str) -> Json {
    let mut entry = email.as_object().cloned().unwrap_or_else(Map::new);
    entry.insert("value".to_owned(), json!(address));
    Json::Object(entry)
}

/// The operation that gives an attribute this value, or takes it away.
pub fn operation(path: &str, value: Option<Json>) -> Json {
    match value {
        Some(value) => json!({ "op": "replace", "path": path, "value": value }),
        None => json!({ "op": "remove", "path": path }),
    }
}

/// A PATCH of these operations.
pub fn patch(operations: Vec<Json>) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// The operations that make the stored user what was typed, and the labels of what they change.
fn changes(rt: &ResourceType, form: &Form, document: &Document) -> (Vec<Json>, Vec<String>) {
    let (mut operations, mut labels) = (Vec::new(), Vec::new());
    for (_, one) in editable(rt).into_iter().filter(|(_, one)| one.is_open(document)) {
        let Some(typed) = form.read_text(&one.path).filter(|typed| !is_same(typed, &one.text(document))) else {
            continue;
        };
        let typed = typed.trim();
        operations.push(operation(&one.path, (!typed.is_empty()).then(|| one.read(typed))));
        labels.push(one.label);
    }
    if let Some(emails) = read_emails(form, document) {
        operations.push(operation("emails", (!emails.is_empty()).then(|| Json::Array(emails))));
        labels.push("Email Address".to_owned());
    }
    (operations, labels)
}

/// The field that a room's words are about; empty for none.
fn field_of(rt: &ResourceType, form: &Form, detail: &str) -> String {
    if detail.contains("emails") || detail.contains("e-mail") {
        return "emails.0".to_owned();
    }
    let mut all = editable(rt).into_iter().map(|(_, one)| one);
    let named = all.find(|one| {
        let is_named = detail.split(|c: char| !c.is_alphanumeric()).any(|word| word == one.attribute.name);
        is_named && form.read_text(&one.path).is_some()
    });
    named.map(|one| one.path).unwrap_or_default()
}

/// `POST /console/users/{id}`: changes the attributes, if nobody has since the form was shown.
pub fn save(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Users);
    // A stored user has 256 KiB, which an encoded form may treble.
    let form = read_form(sent)?;
    let version: i64 = form.read_text("version").and_then(|text| text.parse().ok()).unwrap_or_default();

    submission::once(&console, &form, || {
        let ctx = &console.ctx;
        let user = find_user(ctx, params.raw("id"))?;
        if user.version != version {
            return conflict(&console, &user, &form).map(Err);
        }
        let rt: Arc<ResourceType> = user_type(ctx)?;
        let document = user.whole(&ctx.in_store_of(&user.id), &rt);
        let (operations, labels) = changes(&rt, &form, &document);
        if operations.is_empty() {
            return Ok(Ok(Done::then(path_of(&user), "Nothing was changed.")));
        }
        let expected = Expected::OneOf(vec![version]);
        let body = patch(operations);
        let found =
            match provision::modify(ctx, &Budget::new(state.gate.clone()), &rt, &user.id, &body, expected, false) {
                Ok(found) => found,
                Err(error) => {
                    let error = ApiError::from(error);
                    if error.status() == StatusCode::PRECONDITION_FAILED {
                        let now = find_user(ctx, &user.id)?;
                        return conflict(&console, &now, &form).map(Err);
                    }
                    return refused(&console, &user, &rt, &form, error).map(Err);
                }
            };
        let mut message = format!("Saved: {}.", labels.join(", "));
        if let Some(code) = &found.code {
            let response = handed_over(&console, StatusCode::OK, &found.resource, code);
            return Ok(Ok(Done::shown(&path_of(&user), &message, response)));
        }
        if let Some(mails) = mails_said(&user, &found.resource) {
            message = format!("{message} {mails}");
        }
        Ok(Ok(Done::then(path_of(&user), message)))
    })
}

fn conflict(console: &Console, user: &Resource, form: &Form) -> Result<Response, ApiError> {
    let text = "Somebody has changed this user since you opened the form: beside what you typed stands what is stored now. \
                Saving again stores what the fields say.";
    let typed = Typed { form, is_outdated: true };
    user_page(console, user, StatusCode::CONFLICT, Some(&typed), &[Problem::general(text)])
}

fn refused(
    console: &Console,
    user: &Resource,
    rt: &ResourceType,
    form: &Form,
    error: ApiError,
) -> Result<Response, ApiError> {
    let problem = match (error.status(), error.detail()) {
        (StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::PAYLOAD_TOO_LARGE, Some(detail)) => {
            Problem::of(field_of(rt, form, detail), detail)
        }
        _ => return Err(error),
    };
    let typed = Typed { form, is_outdated: false };
    user_page(console, user, StatusCode::UNPROCESSABLE_ENTITY, Some(&typed), &[problem])
}
