//! The development inbox: the outbox's rows rendered again, newest first.

use std::cmp::Reverse;
use std::fmt;

use serde::Serialize;

use crate::base::text::rfc3339;
use crate::mail::custom::Templates;
use crate::mail::message::message;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Statement};
use crate::store::outbox::{COLUMNS, Mail};

/// A mail as `/dev/inbox.json` shows it.
#[derive(Clone, Serialize)]
pub struct InboxMail {
    /// The outbox row.
    pub id: String,
    /// Its recipient.
    pub to: String,
    /// Which mail.
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
    pub state: String,
    /// When it was queued.
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

/// The newest mails that the `inbox` provider took, at most 1,000 of each user store: of the tenant in the path, or of all of
/// them where the path names none.
///
/// # Errors
/// The database's.
pub async fn list(ctx: &Context) -> Result<Vec<InboxMail>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox o WHERE o.provider = 'inbox' AND o.state = 'sent' AND (?1 = 0 OR o.tenant = ?1) \
         ORDER BY o.created DESC, o.rowid DESC LIMIT 1000"
    );
    let mut mails = Vec::new();
    for store in ctx.platform.all_stores() {
        let rows = store.query(Statement::new(sql.clone(), vec![ctx.tenant.key()])).await?;
        mails.extend(rows.iter().map(Mail::from_row).collect::<Result<Vec<_>, _>>()?);
    }
    // Stable, so that each store's own order stands.
    mails.sort_by_key(|mail| Reverse(mail.created));
    let templates = match crate::store::mail_templates::read(mails.iter().filter_map(Mail::template_version)) {
        Some(statement) => crate::store::mail_templates::templates(&ctx.platform.query(statement).await?)?,
        None => Templates::default(),
    };
    Ok(mails.iter().filter_map(|mail| shown(ctx, mail, &templates)).collect())
}

fn shown(ctx: &Context, mail: &Mail, templates: &Templates) -> Option<InboxMail> {
    let fixed = mail.fixed.as_ref()?;
    let template = templates.get(mail.tenant, mail.template, fixed.template_version, &fixed.locale)?;
    let message = message(&ctx.deployment, mail, fixed, template)?;
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
        locale: fixed.locale.clone(),
        subject: message.subject,
        html: message.html,
        text: message.text,
        links,
        state: mail.state.clone(),
        queued: rfc3339(mail.created),
    })
}
