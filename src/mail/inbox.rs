//! The development inbox: the outbox's rows rendered again, newest first.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::base::text::rfc3339;
use crate::mail::message::compose;
use crate::mail::render::addresses::LinkPolicy;
use crate::mail::templates::Templates;
use crate::model::context::Context;
use crate::model::tenant::Tenant;
use crate::ports::DatabaseError;
use crate::store::mail_templates::versions;
use crate::store::outbox::row::LeasedMail;
use crate::store::outbox::sent::find_in_inbox;

/// A mail as `/dev/inbox.json` shows it.
#[derive(Clone, Serialize)]
pub struct InboxMail {
    /// The outbox row.
    pub id: String,
    /// Its recipient.
    pub to: String,
    /// Its type.
    pub template: &'static str,
    /// The language it is in.
    pub locale: String,
    /// Its subject.
    pub subject: String,
    /// Its HTML part.
    pub html: String,
    /// Its text part.
    pub text: String,
    /// The links in it.
    pub links: Vec<String>,
    /// The state of its row.
    pub state: &'static str,
    /// The time it was queued.
    #[serde(skip)]
    pub queued: String,
}

// The parts hold a link.
impl fmt::Debug for InboxMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxMail")
            .field("id", &self.id)
            .field("to", &self.to)
            .field("template", &self.template)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The mails that the `inbox` provider took, rendered again, newest first, at most 1,000 of each user store: of the tenant in
/// the path, or of all of them where the path names none.
///
/// # Errors
/// The database's.
pub fn list(ctx: &Context) -> Result<Vec<InboxMail>, DatabaseError> {
    let mails = find_in_inbox(ctx)?;
    let mut templates = Templates::default();
    if let Some(statement) = versions::select_versions(mails.iter().map(LeasedMail::template_version)) {
        let read = versions::versions_from_rows(&ctx.platform.query(statement)?)?;
        let domains: HashMap<_, _> =
            mails.iter().map(|leased| (leased.mail.tenant, &leased.content.facts.tenant)).collect();
        templates.extend(read, |tenant| {
            let tenant = domains.get(&tenant).map_or_else(Tenant::super_tenant, |domain| Tenant::from_domain(domain));
            // As the isolate last knew them, which is soon enough on a development machine.
            LinkPolicy::new(&ctx.deployment, &ctx.caches.settings.last_read(&ctx.deployment, &tenant))
        });
    }
    Ok(mails.iter().filter_map(|leased| render_again(ctx, leased, &templates)).collect())
}

fn render_again(ctx: &Context, leased: &LeasedMail, templates: &Templates) -> Option<InboxMail> {
    let LeasedMail { mail, content } = leased;
    let chosen = templates.choose(leased.template_version(), &content.locale);
    let message = compose(&ctx.deployment, leased, chosen.template).ok()?;
    let links = message
        .text
        .split_whitespace()
        .filter(|word| word.starts_with("https://") || word.starts_with("http://"))
        .map(str::to_owned)
        .collect();
    Some(InboxMail {
        id: mail.id.clone(),
        to: message.to,
        template: mail.template.name(),
        locale: content.locale.clone(),
        subject: message.subject,
        html: message.html,
        text: message.text,
        links,
        state: mail.state.as_str(),
        queued: rfc3339(mail.created),
    })
}
