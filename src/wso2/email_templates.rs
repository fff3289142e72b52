//! WSO2's e-mail template API: `/api/server/v2/email/template-types` and its older form below `v1`.
//!
//! A type's id is its name in base64url, a template's its locale. The shipped templates are there as WSO2's defaults are:
//! replacing one makes it the tenant's own, and deleting that brings the shipped one back.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};

use crate::base::locale::{MAX_LOCALE, normalise};
use crate::base::ordered;
use crate::i18n::Language;
use crate::mail::preview::warnings;
use crate::mail::render::addresses::LinkPolicy;
use crate::mail::render::shipped;
use crate::mail::render::validate::validate;
use crate::model::context::Context;
use crate::model::mail::TemplateType;
use crate::model::mail_template::{ContentType, TenantTemplate};
use crate::ports::DatabaseError;
use crate::store::mail_templates::{
    self, FoundTemplates, MOST_LOCALES, MOST_TYPES, Replace, Stored, TenantTemplateType,
};
use crate::wso2::error::Error;

/// Why a request about templates was not carried out.
#[derive(Debug)]
pub enum TemplateError {
    /// It is wrong.
    Invalid(Error),
    /// The database's failure.
    Database(DatabaseError),
}

impl From<Error> for TemplateError {
    fn from(error: Error) -> Self {
        Self::Invalid(error)
    }
}

impl From<DatabaseError> for TemplateError {
    fn from(failure: DatabaseError) -> Self {
        Self::Database(failure)
    }
}

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Templates lie in `templates` and are named by `id`.
    V1,
    /// Templates lie in `org-templates` and are named by `locale`.
    V2,
}

impl Version {
    fn types(self) -> &'static str {
        match self {
            Self::V1 => "/api/server/v1/email/template-types",
            Self::V2 => "/api/server/v2/email/template-types",
        }
    }

    fn templates(self) -> &'static str {
        match self {
            Self::V1 => "templates",
            Self::V2 => "org-templates",
        }
    }

    /// The member that holds a template's locale.
    fn locale(self) -> &'static str {
        match self {
            Self::V1 => "id",
            Self::V2 => "locale",
        }
    }
}

/// The resource that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateRoute {
    /// All types.
    Types,
    /// The type of this id.
    Type(String),
    /// The templates of the type.
    Templates(String),
    /// The type's template of this locale.
    Template(String, String),
    /// Templates of an application's own, which Latchkey has not.
    App,
}

fn no_type() -> Error {
    let description = "There is no template type of this id, which is the type's displayName in base64url.";
    Error::new(404, "ETM-50002", "Email Template Type does not exist.", description)
}

fn no_template() -> Error {
    let description = "The type has no template in this locale: add one with POST.";
    Error::new(404, "ETM-50003", "Email Template does not exist.", description)
}

fn template_exists() -> Error {
    let description = "The type has a template in this locale already: replace it with PUT.";
    Error::new(409, "ETM-50004", "Email Template already exists.", description)
}

fn type_exists() -> Error {
    let description = "There is a template type of this displayName already.";
    Error::new(409, "ETM-50005", "Email Template Type already exists.", description)
}

fn invalid(description: impl Into<String>) -> Error {
    Error::new(400, "ETM-50006", "Invalid attribute.", description)
}

/// Refuses what WSO2's API refuses: paging, sorting, and picking attributes.
///
/// # Errors
/// ETM-55011, ETM-55012 and ETM-50006.
pub fn check_query<'q>(names: impl Iterator<Item = (&'q str, &'q str)>) -> Result<(), Error> {
    const ATTRIBUTES: &[&str] = &["templates", "contentType", "id", "subject", "body", "footer"];
    for (name, value) in names.filter(|(_, value)| !value.is_empty()) {
        match name {
            "limit" | "offset" => {
                let description = "Leave limit and offset out: the answer holds everything.";
                return Err(Error::new(501, "ETM-55011", "Pagination is not supported.", description));
            }
            "sortBy" | "sortOrder" => {
                let description = "Leave sortBy and sortOrder out.";
                return Err(Error::new(501, "ETM-55012", "Sorting is not supported.", description));
            }
            "requiredAttributes" => {
                let known = |name: &str| ATTRIBUTES.contains(&name.strip_prefix("templates.").unwrap_or(name));
                if !value.split(',').all(|name| known(name.trim())) {
                    return Err(invalid("requiredAttributes names something that a template has not."));
                }
                let description = "Leave requiredAttributes out and read the templates by their self.";
                return Err(Error::new(501, "", "requiredAttributes is not supported.", description));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the id of a type.
fn id_of(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

/// Returns the type of an id, in whichever base64.
fn type_of(id: &str) -> Result<TenantTemplateType, Error> {
    let bare = id.trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare));
    let name = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(no_type)?;
    Ok(TenantTemplateType::named(&name))
}

/// The longest name of a type, in characters.
const LONGEST_NAME: usize = 64;

fn new_type(body: &Json) -> Result<TenantTemplateType, Error> {
    let name = body["displayName"].as_str().ok_or_else(|| invalid("displayName is missing or not text."))?.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(invalid("displayName has 1 to 64 letters, digits, spaces, '-', '_' or '.'."));
    }
    Ok(TenantTemplateType::named(name))
}

fn locale_of(text: &str) -> Result<String, Error> {
    normalise(text)
        .filter(|locale| locale.len() <= MAX_LOCALE)
        .ok_or_else(|| invalid("A locale is a language and, if need be, its script and region, such as pt_BR."))
}

/// Returns where links of the tenant's templates may lead.
fn policy(ctx: &Context) -> LinkPolicy {
    LinkPolicy::new(&ctx.deployment, &ctx.settings())
}

/// Reads a template and looks it over.
fn new_template(kind: Option<TemplateType>, body: &Json, policy: &LinkPolicy) -> Result<TenantTemplate, Error> {
    let text = |name: &str| match &body[name] {
        Json::Null => Ok(String::new()),
        Json::String(text) => Ok(text.clone()),
        _ => Err(invalid(format!("{name} is not text."))),
    };
    let content_type = match text("contentType")?.as_str() {
        "" => ContentType::Html,
        named => ContentType::parse(named).ok_or_else(|| invalid("contentType is text/html or text/plain."))?,
    };
    let template = TenantTemplate {
        content_type,
        subject: text("subject")?,
        body: text("body")?,
        footer: text("footer")?,
        text: text("text")?,
    };
    let refused: Vec<String> =
        validate(kind, &template, policy).iter().filter(|problem| problem.refuses()).map(ToString::to_string).collect();
    if refused.is_empty() { Ok(template) } else { Err(invalid(refused.join(" "))) }
}

/// Reads a template with its locale.
fn new_located(
    version: Version,
    kind: Option<TemplateType>,
    body: &Json,
    policy: &LinkPolicy,
) -> Result<(String, TenantTemplate), Error> {
    let member = version.locale();
    let locale = body[member].as_str().ok_or_else(|| invalid(format!("{member} is missing or not text.")))?;
    Ok((locale_of(locale)?, new_template(kind, body, policy)?))
}

/// Reads a list of templates with their locales.
fn new_list(
    version: Version,
    kind: Option<TemplateType>,
    body: &Json,
    policy: &LinkPolicy,
) -> Result<Vec<(String, TenantTemplate)>, Error> {
    let list = body.as_array().ok_or_else(|| invalid("The templates are not a list."))?;
    let mut templates: Vec<(String, TenantTemplate)> = Vec::with_capacity(list.len());
    for template in list {
        let (locale, template) = new_located(version, kind, template, policy)?;
        if templates.iter().any(|(known, _)| *known == locale) {
            return Err(invalid(format!("The templates name the locale {locale} twice.")));
        }
        templates.push((locale, template));
    }
    Ok(templates)
}

/// Returns the shipped template, where there is one in exactly this locale.
fn shipped_in(kind: Option<TemplateType>, locale: &str) -> Option<TenantTemplate> {
    Language::ALL.iter().find(|language| language.locale() == locale)?;
    let shipped = TenantTemplate::from(shipped(kind?, locale));
    // As WSO2's templates: the text part is made from the HTML.
    Some(TenantTemplate { text: String::new(), ..shipped })
}

/// Returns the locales that a type has templates in, in order.
fn locales(found: &FoundTemplates, kind: Option<TemplateType>) -> Vec<String> {
    let shipped = kind.map_or(&[][..], |_| &Language::ALL[..]).iter().map(|language| language.locale().to_owned());
    let mut locales: Vec<String> = found.own.iter().map(|own| own.locale.clone()).chain(shipped).collect();
    ordered::sort(&mut locales);
    locales.dedup();
    locales
}

/// Returns where a type is, as WSO2 says it in bodies: with the tenant, without the origin.
fn type_path(ctx: &Context, version: Version, name: &str) -> String {
    format!("/t/{}{}/{}", ctx.tenant.domain(), version.types(), id_of(name))
}

fn show_type(ctx: &Context, version: Version, name: &str) -> Json {
    json!({ "id": id_of(name), "displayName": name, "self": type_path(ctx, version, name) })
}

fn show_located(ctx: &Context, version: Version, name: &str, locale: &str) -> Json {
    let path = format!("{}/{}/{locale}", type_path(ctx, version, name), version.templates());
    json!({ version.locale(): locale, "self": path })
}

fn show_list(ctx: &Context, version: Version, found: &FoundTemplates, kind: &TenantTemplateType) -> Json {
    locales(found, kind.kind).iter().map(|locale| show_located(ctx, version, &kind.name, locale)).collect()
}

fn show_template(version: Version, locale: &str, template: &TenantTemplate) -> Json {
    let mut shown = json!({
        version.locale(): locale,
        "contentType": template.content_type.as_str(),
        "subject": template.subject,
        "body": template.body,
        "footer": template.footer,
    });
    if !template.text.is_empty() {
        shown["text"] = json!(template.text);
    }
    shown
}

/// Returns what is there.
///
/// # Errors
/// [`TemplateError`]
pub fn read(ctx: &Context, version: Version, route: &TemplateRoute) -> Result<Json, TemplateError> {
    match route {
        TemplateRoute::App => Err(no_app_templates().into()),
        TemplateRoute::Types => {
            let own = mail_templates::find_types(ctx)?;
            let shipped = TemplateType::ALL.iter().map(|kind| show_type(ctx, version, kind.name()));
            Ok(shipped.chain(own.iter().map(|name| show_type(ctx, version, name))).collect())
        }
        TemplateRoute::Type(id) => {
            let (found, kind) = find(ctx, id, None)?;
            let mut shown = show_type(ctx, version, &kind.name);
            if version == Version::V1 {
                shown["templates"] = show_list(ctx, version, &found, &kind);
            }
            Ok(shown)
        }
        TemplateRoute::Templates(id) => {
            let (found, kind) = find(ctx, id, None)?;
            Ok(show_list(ctx, version, &found, &kind))
        }
        TemplateRoute::Template(id, locale) => {
            let locale = locale_of(locale)?;
            let (found, kind) = find(ctx, id, Some(&locale))?;
            let template = found.template.or_else(|| shipped_in(kind.kind, &locale)).ok_or_else(no_template)?;
            Ok(show_template(version, &locale, &template))
        }
    }
}

fn find(ctx: &Context, id: &str, locale: Option<&str>) -> Result<(FoundTemplates, TenantTemplateType), TemplateError> {
    let found = mail_templates::find(ctx, &type_of(id)?, locale)?;
    let kind = found.kind.clone().ok_or_else(no_type)?;
    Ok((found, kind))
}

fn no_app_templates() -> Error {
    let description = "Templates are an organization's here: use org-templates.";
    Error::new(501, "", "Templates of applications are not supported.", description)
}

/// What was added: where it is, and how it is shown.
pub struct Added {
    /// Its path, below the tenant's prefix.
    pub path: String,
    /// Its body.
    pub body: Json,
}

/// Adds a type, or a template to one.
///
/// # Errors
/// [`TemplateError`]
pub fn add(ctx: &Context, version: Version, route: &TemplateRoute, body: &Json) -> Result<Added, TemplateError> {
    match route {
        TemplateRoute::Types => {
            let kind = new_type(body)?;
            let templates = match &body["templates"] {
                Json::Null => Vec::new(),
                list => new_list(version, kind.kind, list, &policy(ctx))?,
            };
            match mail_templates::add_type(ctx, &kind, &templates)? {
                Stored::Done => {}
                Stored::TooMany => return Err(invalid(format!("No more than {MOST_TYPES} types can be added.")).into()),
                Stored::Exists | Stored::NoType => return Err(type_exists().into()),
            }
            let path = format!("{}/{}", version.types(), id_of(&kind.name));
            Ok(Added { path, body: show_type(ctx, version, &kind.name) })
        }
        TemplateRoute::Type(id) | TemplateRoute::Templates(id) => {
            let (_, kind) = find(ctx, id, None)?;
            let (locale, template) = new_located(version, kind.kind, body, &policy(ctx))?;
            if shipped_in(kind.kind, &locale).is_some() {
                return Err(template_exists().into());
            }
            stored(mail_templates::store(ctx, &kind, &[(locale.clone(), template)], Replace::Nothing)?)?;
            let path = format!("{}/{}/{}/{locale}", version.types(), id_of(&kind.name), version.templates());
            Ok(Added { path, body: show_located(ctx, version, &kind.name, &locale) })
        }
        TemplateRoute::Template(..) | TemplateRoute::App => Err(no_app_templates().into()),
    }
}

fn stored(stored: Stored) -> Result<(), Error> {
    match stored {
        Stored::Done => Ok(()),
        Stored::Exists => Err(template_exists()),
        Stored::NoType => Err(no_type()),
        Stored::TooMany => Err(invalid(format!("A type has templates in no more than {MOST_LOCALES} locales."))),
    }
}

/// Replaces a template, or with a list all templates of a type: those that the list does not name go back to what is
/// shipped. Answers what else to know of them, a sentence each.
///
/// # Errors
/// [`TemplateError`]
pub fn replace(
    ctx: &Context,
    version: Version,
    route: &TemplateRoute,
    body: &Json,
) -> Result<Vec<String>, TemplateError> {
    match route {
        TemplateRoute::Template(id, locale) => {
            let locale = locale_of(locale)?;
            let (found, kind) = find(ctx, id, Some(&locale))?;
            if found.template.is_none() && shipped_in(kind.kind, &locale).is_none() {
                return Err(no_template().into());
            }
            let named = &body[version.locale()];
            if !named.is_null() && named.as_str().and_then(normalise).as_ref() != Some(&locale) {
                return Err(invalid(format!("{} is not the locale in the address.", version.locale())).into());
            }
            let template = new_template(kind.kind, body, &policy(ctx))?;
            let warnings = warnings(ctx, &kind, &template)?;
            if found.template.as_ref() != Some(&template) {
                stored(mail_templates::store(ctx, &kind, &[(locale, template)], Replace::Same)?)?;
            }
            Ok(warnings)
        }
        TemplateRoute::Type(id) => {
            let (_, kind) = find(ctx, id, None)?;
            let templates = new_list(version, kind.kind, body, &policy(ctx))?;
            let mut all = Vec::new();
            for (locale, template) in &templates {
                let of_one = warnings(ctx, &kind, template)?;
                all.extend(of_one.into_iter().map(|warning| format!("{locale}: {warning}")));
            }
            stored(mail_templates::store(ctx, &kind, &templates, Replace::All)?)?;
            Ok(all)
        }
        TemplateRoute::Types | TemplateRoute::Templates(_) | TemplateRoute::App => Err(no_app_templates().into()),
    }
}

/// Deletes a type that the tenant has added, or templates of its own. What is not there is deleted already, as in WSO2.
///
/// # Errors
/// [`TemplateError`]
pub fn remove(ctx: &Context, route: &TemplateRoute) -> Result<(), TemplateError> {
    match route {
        TemplateRoute::Type(id) => match type_of(id) {
            Ok(kind) => Ok(mail_templates::remove_type(ctx, &kind)?),
            Err(_) => Ok(()),
        },
        TemplateRoute::Templates(id) => match type_of(id) {
            Ok(kind) => Ok(mail_templates::remove(ctx, &kind, None)?),
            Err(_) => Ok(()),
        },
        TemplateRoute::Template(id, locale) => match (type_of(id), locale_of(locale)) {
            (Ok(kind), Ok(locale)) => Ok(mail_templates::remove(ctx, &kind, Some(&locale))?),
            _ => Ok(()),
        },
        TemplateRoute::Types | TemplateRoute::App => Err(no_app_templates().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_name_in_any_base64() {
        assert_eq!(id_of("AskPassword"), "QXNrUGFzc3dvcmQ");
        for id in ["QXNrUGFzc3dvcmQ", "QXNrUGFzc3dvcmQ=", "YXNrcGFzc3dvcmQ"] {
            assert_eq!(type_of(id).map(|kind| kind.name), Ok("AskPassword".to_owned()), "{id}");
        }
        for id in ["!", "A", "_w", ""] {
            assert!(type_of(id).map_or(true, |kind| kind.kind.is_none()), "{id}");
        }
    }
}
