//! The outbox's row as the sender and the inbox read it: the mail itself, and the content that its first lease froze.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::deployment::MAX_LEASE_SECONDS;
use crate::model::mail::{MailState, TemplateType};
use crate::ports::{DatabaseError, Millis, Row};
use crate::store::mail_templates::versions::VersionKey;

/// A mail in the outbox, whatever its state.
#[derive(Clone, Debug)]
pub struct QueuedMail {
    /// The tenant's number.
    pub tenant: u64,
    /// The row's id.
    pub id: String,
    /// The user it is about.
    pub user_id: String,
    /// Its type.
    pub template: TemplateType,
    /// The user's `seq` that it is for.
    pub seq: u32,
    /// 0, and one more each time a dead letter is tried again.
    pub generation: u32,
    /// Its recipient.
    pub recipient: String,
    /// The actor who asked for it.
    pub invited_by: Option<String>,
    /// Which reminder it is; 0 for a mail that the person asked for, `None` for one that a caller did.
    pub reminder: Option<u32>,
    /// When its link ends, in seconds, where that is not as the setting says.
    pub ends_at: Option<u64>,
    /// Further accounts of the address whose links it has: id, `seq` and user name.
    pub accounts: Vec<(String, u32, String)>,
    /// Its state.
    pub state: MailState,
    /// The number of attempts to send it.
    pub attempts: u32,
    /// The time since which an attempt may have been accepted unnoticed. A doubt is never forgotten: only a provider that
    /// still remembers the mail's key can tell.
    pub doubtful: Option<Millis>,
    /// The providers that have certainly refused it, and until when none of them is asked again.
    pub refused: BTreeMap<String, Millis>,
    /// The time it was queued.
    pub created: Millis,
    /// The time to try, or the end of the lease.
    pub due: Millis,
}

#[cfg(test)]
impl QueuedMail {
    /// An invitation to `recipient`, queued and due `now`.
    pub fn example(recipient: &str, now: Millis) -> Self {
        Self {
            tenant: 0,
            id: "m".to_owned(),
            user_id: "u".to_owned(),
            template: TemplateType::AskPassword,
            seq: 0,
            generation: 0,
            recipient: recipient.to_owned(),
            invited_by: None,
            reminder: None,
            ends_at: None,
            accounts: Vec::new(),
            state: MailState::Queued,
            attempts: 0,
            doubtful: None,
            refused: BTreeMap::new(),
            created: now,
            due: now,
        }
    }
}

/// A mail whose content a lease has frozen.
#[derive(Clone, Debug)]
pub struct LeasedMail {
    /// The mail.
    pub mail: QueuedMail,
    /// Its content.
    pub content: FrozenContent,
}

impl LeasedMail {
    /// The version of the template that it is written by, as `mail_templates::versions` finds it.
    #[must_use]
    pub fn template_version(&self) -> VersionKey {
        self.content.template_version_of(&self.mail)
    }
}

/// The content of a mail as its first lease freezes it, so that each attempt sends the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrozenContent {
    /// The provider that sends it.
    pub provider: String,
    /// The key that signs its link.
    pub kid: String,
    /// The time the link is issued, in seconds.
    pub issued_at: u64,
    /// The time the link expires, in seconds; 0 for never.
    pub expires_at: u64,
    /// The language.
    pub locale: String,
    /// The tenant's version of the template; 0 for the shipped one.
    pub template_version: u32,
    /// The facts that the template states about the person.
    pub facts: TemplateFacts,
}

/// The facts that a mail's template states about its person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFacts {
    /// The user name.
    pub user_name: String,
    /// `name.givenName`.
    pub given_name: String,
    /// `name.familyName`.
    pub family_name: String,
    /// The tenant's domain.
    pub tenant: String,
    /// The name of the organization.
    pub organization: String,
    /// The address that answers go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The address to write to for help, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<String>,
    /// The address to sign in at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<String>,
    /// The colour of buttons and links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// The version of the logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// The address that is to take the place of the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_email: Option<String>,
    /// After how many days whoever does not accept is reminded first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_after: Option<u32>,
    /// The person's claims by their names in lower case; none where a shipped template is used, which names none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// The columns of [`QueuedMail::from_row`] and [`FrozenContent::from_row`].
pub const COLUMNS: &str = "o.tenant, o.id, o.user_id, o.template, o.seq, o.generation, o.recipient, \
    substr(o.invited_by, 1, 257) AS invited_by, o.state, o.attempts, o.doubtful, o.created, o.due, o.provider, o.kid, o.issued_at, o.expires_at, o.locale, o.facts, \
    COALESCE(o.template_version, 0) AS template_version, o.refused, o.reminder, o.ends_at, o.accounts";

impl QueuedMail {
    /// Reads a row of [`COLUMNS`].
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            tenant: large(row, "tenant")?,
            id: row.read_text("id")?.to_owned(),
            user_id: row.read_text("user_id")?.to_owned(),
            template: TemplateType::parse(row.read_text("template")?).ok_or_else(|| shape("template"))?,
            seq: small(row, "seq")?,
            generation: small(row, "generation")?,
            recipient: row.read_text("recipient")?.to_owned(),
            invited_by: row.read_optional_text("invited_by")?.map(str::to_owned),
            reminder: row.read_optional_integer("reminder")?.and_then(|number| u32::try_from(number).ok()),
            ends_at: row.read_optional_integer("ends_at")?.and_then(|at| u64::try_from(at).ok()),
            accounts: match row.read_optional_text("accounts")? {
                None => Vec::new(),
                Some(accounts) => serde_json::from_str(accounts).map_err(|_| shape("accounts"))?,
            },
            state: state_from_row(row)?,
            attempts: small(row, "attempts")?,
            doubtful: row.read_optional_integer("doubtful")?,
            refused: match row.read_optional_text("refused")? {
                None => BTreeMap::new(),
                Some(refused) => serde_json::from_str(refused).map_err(|_| shape("refused"))?,
            },
            created: row.read_integer("created")?,
            due: row.read_integer("due")?,
        })
    }

    /// Since when an attempt may have been accepted unnoticed: as stored, or because the run that held the row died
    /// without a word, not longer ago than the longest lease before the lease's end.
    #[must_use]
    pub fn in_doubt_since(&self) -> Option<Millis> {
        let died_with_it = self.state == MailState::Sending;
        self.doubtful.or_else(|| died_with_it.then(|| self.due - i64::from(MAX_LEASE_SECONDS) * 1000))
    }

    /// Until when the provider, having refused it, is not to be asked again: 0 for one that has not.
    #[must_use]
    pub fn refused_until(&self, provider: &str) -> Millis {
        self.refused.get(provider).copied().unwrap_or_default()
    }

    /// The key under which a provider sends this mail at most once.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let key = format!("{}/{}/{}", self.template.name(), self.user_id, self.seq);
        if self.generation == 0 { key } else { format!("{key}/{}", self.generation) }
    }
}

impl FrozenContent {
    /// Reads a row of [`COLUMNS`]; `None` for a mail that has not been leased yet.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Option<Self>, DatabaseError> {
        let Some(facts) = row.read_optional_text("facts")? else { return Ok(None) };
        Ok(Some(Self {
            provider: row.read_text("provider")?.to_owned(),
            kid: row.read_text("kid")?.to_owned(),
            issued_at: large(row, "issued_at")?,
            expires_at: large(row, "expires_at")?,
            locale: row.read_text("locale")?.to_owned(),
            template_version: small(row, "template_version")?,
            facts: serde_json::from_str(facts).map_err(|_| shape("facts"))?,
        }))
    }

    /// The version of the template that `mail` is written by.
    #[must_use]
    pub fn template_version_of(&self, mail: &QueuedMail) -> VersionKey {
        (mail.tenant, mail.template, self.template_version)
    }
}

/// Reads the state of a row.
pub(super) fn state_from_row(row: &Row) -> Result<MailState, DatabaseError> {
    MailState::parse(row.read_text("state")?).ok_or_else(|| shape("state"))
}

fn small(row: &Row, column: &str) -> Result<u32, DatabaseError> {
    u32::try_from(row.read_integer(column)?).map_err(|_| shape(column))
}

fn large(row: &Row, column: &str) -> Result<u64, DatabaseError> {
    u64::try_from(row.read_integer(column)?).map_err(|_| shape(column))
}

fn shape(column: &str) -> DatabaseError {
    DatabaseError::Shape(column.to_owned())
}
