//! Reading what is due to be sent: the mails, their users and tenants as they are now, and the templates they may be written by.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::base::account::{Account, Lock, Onboarding};
use crate::base::ordered;
use crate::model::deployment::Deployment;
use crate::model::mail::MailState;
use crate::model::settings::{self, Settings};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement};
use crate::store::mail_templates::versions::{self, TemplateIndex};
use crate::store::outbox::outcome::Unattempted;
use crate::store::outbox::row::{COLUMNS, FrozenContent, QueuedMail, state_from_row};
use crate::store::outbox::turns;

/// What a mail may say about its person, of the user's document: no more of each than a mail shows, since a document may
/// be large and a batch reads a hundred of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The user name.
    pub user_name: Option<String>,
    /// `name.givenName`.
    pub given_name: Option<String>,
    /// `name.familyName`.
    pub family_name: Option<String>,
    /// An Accept-Language list (RFC 7643 section 4.1.1).
    pub preferred_language: Option<String>,
    /// `locale`.
    pub locale: Option<String>,
    /// The new address that the mail is about.
    pub new_email: Option<String>,
    /// The time the user was created.
    pub created: Option<Millis>,
    /// The time the user was last modified.
    pub modified: Option<Millis>,
    /// The whole document, where it is not too large.
    pub document: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A mail that is due, and its user as of now.
#[derive(Clone, Debug)]
pub struct DueMail {
    /// The mail.
    pub mail: QueuedMail,
    /// Its content, if an earlier lease has frozen it.
    pub content: Option<FrozenContent>,
    /// What its first lease is to freeze of the user; `None` when that has been done, or cannot be read.
    pub person: Option<Person>,
    /// What decides whether the mail is still wanted; `None` when the user has been deleted.
    pub account: Option<Account>,
    /// Whose user it is; `None` when the tenant is no more.
    pub tenant: Option<SendingTenant>,
}

/// A tenant, as its mails speak for it.
#[derive(Clone, Debug)]
pub struct SendingTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// The tenant's settings.
    pub settings: Arc<Settings>,
}

/// The mails that are due in one user store, as one run reads them.
#[derive(Clone, Debug)]
pub struct DueBatch {
    /// The mails: the oldest of each tenant, then the second oldest of each, and so on.
    pub due: Vec<DueMail>,
    /// The rows among them that this version cannot read.
    pub unreadable: Vec<Unattempted>,
    /// The tenants' own templates that they may be written by.
    pub templates: TemplateIndex,
    /// Whether more may be due than these.
    pub has_more: bool,
    /// The tenant at which the next look is to begin, where more tenants wait than this one has served.
    pub next_first: Option<u64>,
}

/// The mails due at `now`, at most `limit`, the tenant `first` and those after it first (`turns`). One round trip; at another
/// user store than PRIMARY, one more for what is PRIMARY's: the tenants and their templates.
///
/// # Errors
/// The database's.
pub async fn find_due(
    platform: &Platform,
    deployment: &Deployment,
    now: Millis,
    limit: u32,
    first: u64,
) -> Result<DueBatch, DatabaseError> {
    // A person is read once, for the first lease; what is no JSON must not fail the statement for everyone.
    let sql = format!(
        "{} SELECT {COLUMNS}, q.waiting, q.share, CASE WHEN o.facts IS NULL AND json_valid(r.document) THEN json_object(\
         'userName', substr(r.document ->> '$.userName', 1, 257), \
         'givenName', substr(r.document ->> '$.name.givenName', 1, 257), \
         'familyName', substr(r.document ->> '$.name.familyName', 1, 257), \
         'preferredLanguage', substr(r.document ->> '$.preferredLanguage', 1, 64), \
         'locale', substr(r.document ->> '$.locale', 1, 64), 'newEmail', o.new_email, \
         'created', r.created, 'modified', r.modified, \
         'document', CASE WHEN length(r.document) <= 16384 THEN json(r.document) END) END AS person, \
         r.seq_log, r.onboarding, r.lock, r.disabled, r.email_verified, r.pending_email, CASE t.active WHEN 1 THEN t.domain END AS domain, \
         (SELECT json_group_object(s.name, s.value) FROM settings s WHERE s.tenant = o.tenant) AS settings \
         FROM queues q CROSS JOIN picked p CROSS JOIN outbox o ON o.rowid = p.mail LEFT JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id \
         LEFT JOIN tenants t ON t.number = o.tenant ORDER BY p.place, p.turn",
        turns::picked()
    );
    let mails = Statement::new(sql, vec![now.into(), limit.into(), first.cast_signed().into()]);
    let is_primary = platform.store.is_none();
    let templates = is_primary.then(|| versions::select_for_due(now, limit, first));
    let outcomes = platform.db.batch(std::iter::once(mails).chain(templates).collect()).await?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let (mut senders, templates) = if is_primary {
        (HashMap::new(), TemplateIndex::from_rows(rows(1))?)
    } else {
        from_primary(platform, deployment, rows(0)).await?
    };
    let rows = rows(0);
    let mut due = Vec::with_capacity(rows.len());
    let mut unreadable = Vec::new();
    for row in rows {
        match due_from_row(deployment, row, &mut senders) {
            Ok(one) => due.push(one),
            // One such row, of a newer version perhaps, must not hold up all the others.
            Err(error) => unreadable.push(Unattempted {
                tenant: row.read_integer("tenant")?.unsigned_abs(),
                id: row.read_text("id")?.to_owned(),
                state: state_from_row(row)?,
                due: row.read_integer("due")?,
                new_state: MailState::Failed,
                why: format!("the row cannot be read: {error}"),
            }),
        }
    }
    let (has_more, next_first) = what_is_left(rows, limit)?;
    Ok(DueBatch { due, unreadable, templates, has_more, next_first })
}

/// Whether more may be due than these rows, and the tenant whose turn is next if not all have had theirs.
fn what_is_left(rows: &[Row], limit: u32) -> Result<(bool, Option<u64>), DatabaseError> {
    let (Some(last), limit) = (rows.last(), i64::from(limit)) else { return Ok((false, None)) };
    let (waiting, share) = (last.read_integer("waiting")?, last.read_integer("share")?);
    let next = if waiting > limit { Some(last.read_integer("tenant")?.unsigned_abs() + 1) } else { None };
    let mut taken: HashMap<i64, i64> = HashMap::new();
    for row in rows {
        *taken.entry(row.read_integer("tenant")?).or_default() += 1;
    }
    let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    Ok((is_full || taken.values().any(|taken| *taken >= share), next))
}

fn due_from_row(
    deployment: &Deployment,
    row: &Row,
    senders: &mut HashMap<i64, Option<SendingTenant>>,
) -> Result<DueMail, DatabaseError> {
    let shape = |column: &str| DatabaseError::Shape(column.to_owned());
    let account = match row.read_optional_text("seq_log")? {
        None => None,
        Some(seq_log) => Some(Account {
            onboarding: Onboarding::parse(row.read_text("onboarding")?).ok_or_else(|| shape("onboarding"))?,
            lock: Lock::parse(row.read_text("lock")?).ok_or_else(|| shape("lock"))?,
            disabled: row.read_integer("disabled")? != 0,
            email_verified: row.read_integer("email_verified")? != 0,
            pending_email: row.read_optional_text("pending_email")?.map(str::to_owned),
            seq_log: seq_log.to_owned(),
            ..Account::default()
        }),
    };
    let person = row.read_optional_text("person")?.and_then(|person| serde_json::from_str(person).ok());
    let tenant = match senders.get(&row.read_integer("tenant")?) {
        Some(known) => known.clone(),
        None => {
            let sender = sender_from_row(deployment, row)?;
            senders.insert(row.read_integer("tenant")?, sender.clone());
            sender
        }
    };
    Ok(DueMail { mail: QueuedMail::from_row(row)?, content: FrozenContent::from_row(row)?, person, account, tenant })
}

/// The tenants of these rows of another store, and the templates that they may be written by.
async fn from_primary(
    platform: &Platform,
    deployment: &Deployment,
    rows: &[Row],
) -> Result<(HashMap<i64, Option<SendingTenant>>, TemplateIndex), DatabaseError> {
    let mut senders: HashMap<i64, Option<SendingTenant>> = HashMap::new();
    let mut waiting = Vec::with_capacity(rows.len());
    for row in rows {
        let tenant = row.read_integer("tenant")?;
        senders.insert(tenant, None);
        let is_fixed = row.read_optional_text("facts")?.is_some();
        let version = row.read_optional_integer("template_version")?.filter(|_| is_fixed);
        waiting.push((tenant, row.read_text("template")?, version));
    }
    if senders.is_empty() {
        return Ok((senders, TemplateIndex::default()));
    }
    let tenants = Statement::new(
        "SELECT t.number, CASE t.active WHEN 1 THEN t.domain END AS domain, \
         (SELECT json_group_object(s.name, s.value) FROM settings s WHERE s.tenant = t.number) AS settings \
         FROM json_each(?1) j CROSS JOIN tenants t ON t.number = j.value",
        vec![json!(senders.keys().collect::<Vec<_>>()).to_string().into()],
    );
    let outcomes = platform.in_store(None).db.batch(vec![tenants, versions::select_for(&waiting)]).await?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    for row in rows(0) {
        senders.insert(row.read_integer("number")?, sender_from_row(deployment, row)?);
    }
    Ok((senders, TemplateIndex::from_rows(rows(1))?))
}

/// The tenant of a row; `None` when it is not active.
fn sender_from_row(deployment: &Deployment, row: &Row) -> Result<Option<SendingTenant>, DatabaseError> {
    let Some(domain) = row.read_optional_text("domain")? else { return Ok(None) };
    let tenant = Tenant::from_domain(domain);
    let stored: HashMap<String, String> = serde_json::from_str(row.read_text("settings")?).unwrap_or_default();
    let overrides = stored.into_iter().filter_map(|(name, value)| Some((settings::stored(&name)?, value)));
    let overrides = ordered::map(overrides);
    let settings = Arc::new(deployment.settings_of(&tenant, &overrides));
    Ok(Some(SendingTenant { tenant, settings }))
}
