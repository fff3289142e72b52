//! Previews: of a template with made-up values, for whoever edits it, and of the mail that somebody is about to get.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::mail::claims;
use crate::mail::message::render_with;
use crate::mail::render::addresses::LinkPolicy;
use crate::mail::render::buffer::TooLarge;
use crate::mail::render::problem::Problem;
use crate::mail::render::validate::validate;
use crate::mail::render::{self, Rendered, shipped};
use crate::mail::sender::plan::Planner;
use crate::mail::template::Template;
use crate::mail::template_choice::select_template;
use crate::mail::templates::Templates;
use crate::model::context::Context;
use crate::model::mail::MailState;
use crate::model::mail_template::{ContentType, TenantTemplate};
use crate::model::new_resource::NewResource;
use crate::model::resource::{Resource, USER};
use crate::ports::DatabaseError;
use crate::store::mail_templates::versions::{self, TemplateIndex};
use crate::store::mail_templates::{self, TenantTemplateType};
use crate::store::outbox::due::{Person, SendingTenant};
use crate::store::outbox::row::{LeasedMail, QueuedMail};
use crate::store::registrations;

/// What stands for the code of a link that is only shown.
const PREVIEW_CODE: &str = "lk1.preview";

/// What is being edited. What is left out is as it is now.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What `body` is; HTML when left out.
    pub content_type: Option<ContentType>,
    /// The subject line.
    pub subject: Option<String>,
    /// The body. With a new body, a text part that is left out is made from it.
    pub body: Option<String>,
    /// The footer below the body.
    pub footer: Option<String>,
    /// The text part.
    pub text: Option<String>,
    /// The user to whom it is written; somebody made up when left out.
    pub person: Option<Resource>,
}

/// A template, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The mail.
    pub mail: Rendered,
    /// What is wrong with the template, a sentence each: what keeps it from being stored, and what else to know.
    pub problems: Vec<String>,
}

/// Why there is no preview.
#[derive(Debug)]
pub enum PreviewError {
    /// There is no such type.
    NoType,
    /// The mail would be too large.
    TooLarge(TooLarge),
    /// The database's failure.
    Database(DatabaseError),
}

impl From<DatabaseError> for PreviewError {
    fn from(failure: DatabaseError) -> Self {
        Self::Database(failure)
    }
}

/// Renders the template that a person who reads `locale` would get, with the draft's parts in place of its own.
///
/// # Errors
/// [`PreviewError`]
pub fn preview(ctx: &Context, kind: &TenantTemplateType, locale: &str, draft: Draft) -> Result<Preview, PreviewError> {
    let found = mail_templates::find(ctx, kind, Some(locale))?;
    let kind = found.kind.ok_or(PreviewError::NoType)?;
    let settings = ctx.settings();
    let choice = select_template(&[locale.to_owned()], &settings.default_locale, &found.own);
    let own = match found.own.iter().find(|own| own.version == choice.version) {
        Some(own) if own.locale != locale => mail_templates::find(ctx, &kind, Some(&own.locale))?.template,
        Some(_) => found.template,
        None => None,
    };
    let present = own.or_else(|| kind.kind.map(|kind| TenantTemplate::from(render::shipped(kind, &choice.locale))));
    let edited = match (draft.body, present) {
        (None, Some(present)) => TenantTemplate {
            content_type: draft.content_type.unwrap_or(present.content_type),
            subject: draft.subject.unwrap_or(present.subject),
            footer: draft.footer.unwrap_or(present.footer),
            text: draft.text.unwrap_or(present.text),
            ..present
        },
        (body, present) => TenantTemplate {
            content_type: draft.content_type.unwrap_or(ContentType::Html),
            subject: draft.subject.or(present.map(|present| present.subject)).unwrap_or_default(),
            body: body.unwrap_or_default(),
            footer: draft.footer.unwrap_or_default(),
            text: draft.text.unwrap_or_default(),
        },
    };
    let template = Template::from(&edited);
    let is_made_up = draft.person.is_none();
    let mut values = match &draft.person {
        None => render::sample_values(&choice.locale, &settings.organization_name),
        Some(person) => {
            let document = person.attributes();
            let (of_document, user_name) = (claims::values(&document), person.user_name());
            let name =
                |part: &str| document.get("name").and_then(|name| name[part].as_str()).unwrap_or_default().to_owned();
            let (given, family) = (name("givenName"), name("familyName"));
            let mut claims = vec![("givenname", given.as_str()), ("lastname", family.as_str())];
            claims.extend(of_document.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            render::values_for(&choice.locale, &settings.organization_name, &user_name, &claims)
        }
    };
    let color = settings.brand_color.map(|color| color.to_string()).unwrap_or_default();
    render::set_brand(&mut values, &color, settings.logo.as_ref(), &ctx.base());
    let mut problems = validate(kind.kind, &edited, &LinkPolicy::new(&ctx.deployment, &settings));
    if let Some(rt) = registrations::load_registry(ctx)?.resource_type(USER) {
        for (claim, value) in claims::samples(rt, &template).into_iter().filter(|_| is_made_up) {
            values.set(format!("{}{claim}", claims::PREFIX), value);
        }
        problems.extend(claims::problems(rt, &template));
    }
    Ok(Preview {
        mail: render::render(&shipped::with_logo(&template, settings.logo.as_ref()), &values)
            .map_err(PreviewError::TooLarge)?,
        problems: problems.iter().map(ToString::to_string).collect(),
    })
}

/// What keeps a template from being stored; nothing where all is well.
#[must_use]
pub fn refusals(ctx: &Context, kind: &TenantTemplateType, own: &TenantTemplate) -> Vec<Problem> {
    let mut problems = validate(kind.kind, own, &LinkPolicy::new(&ctx.deployment, &ctx.settings()));
    problems.retain(Problem::refuses);
    problems
}

/// What else to know of a template that may be stored, a sentence each.
///
/// # Errors
/// The database's.
pub fn warnings(ctx: &Context, kind: &TenantTemplateType, own: &TenantTemplate) -> Result<Vec<String>, DatabaseError> {
    let template = Template::from(own);
    let mut problems = validate(kind.kind, own, &LinkPolicy::new(&ctx.deployment, &ctx.settings()));
    problems.retain(|problem| !problem.refuses());
    if let Some(rt) = registrations::load_registry(ctx)?.resource_type(USER) {
        problems.extend(claims::problems(rt, &template));
    }
    Ok(problems.iter().map(ToString::to_string).collect())
}

/// Renders the mail that a user who is about to be created will get, as the sender will write it: by the same template, in
/// the same language. Its link has a code that opens nothing. `None` where no mail is due. At most two round trips.
///
/// # Errors
/// [`PreviewError`]
pub fn preview_invitation(ctx: &Context, new: &NewResource) -> Result<Option<Rendered>, PreviewError> {
    let Some(mail) = &new.mail else { return Ok(None) };
    let tenant = ctx.tenant.number();
    let (settings, now) = (ctx.settings(), ctx.platform.clock.now());
    let in_force = versions::select_for(&[(tenant.cast_signed(), mail.template.name(), None)]);
    let index = TemplateIndex::from_rows(&ctx.platform.query(in_force)?)?;
    let document = new.resource.attributes();
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let person = Person {
        user_name: document.get("userName").and_then(text),
        given_name: document.get("name").and_then(|name| text(&name["givenName"])),
        family_name: document.get("name").and_then(|name| text(&name["familyName"])),
        preferred_language: document.get("preferredLanguage").and_then(text),
        locale: document.get("locale").and_then(text),
        new_email: None,
        created: Some(now),
        modified: Some(now),
        document: Some(document),
    };
    let queued = QueuedMail {
        tenant,
        id: String::new(),
        user_id: new.resource.id.clone(),
        template: mail.template,
        seq: 0,
        generation: 0,
        recipient: mail.recipient.as_str().to_owned(),
        reminder: None,
        ends_at: mail.ends_at,
        accounts: Vec::new(),
        invited_by: mail.invited_by.clone(),
        state: MailState::Queued,
        attempts: 0,
        doubtful: None,
        refused: BTreeMap::new(),
        created: now,
        due: now,
    };
    let sender = SendingTenant { tenant: ctx.tenant.clone(), settings: settings.clone() };
    let Some(content) = Planner::new(&ctx.deployment, &index, now).freeze(&sender, &queued, &person) else {
        return Ok(None);
    };
    let leased = LeasedMail { mail: queued, content };
    let mut own = Templates::default();
    if let Some(select) = versions::select_versions(std::iter::once(leased.template_version())) {
        let read = versions::versions_from_rows(&ctx.platform.query(select)?)?;
        own.extend(read, |_| LinkPolicy::new(&ctx.deployment, &settings));
    }
    let template = own.choose(leased.template_version(), &leased.content.locale).template;
    render_with(&ctx.deployment, &leased, template, PREVIEW_CODE).map(Some).map_err(PreviewError::TooLarge)
}
