//! What happens when a mail bounces, is delayed or is reported as spam: the provider's event is recorded once and applied to
//! the mail, and to the user whose invitation it is. No mail ever moves backwards.
//!
//! An event may come before the sender has recorded the provider's id of the mail it is about. It waits then: the sweep
//! looks for its mail until [`PENDING`] is over. So does an event of somebody else's mail, in vain.

use serde_json::json;

use crate::base::text_enum::text_enum;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement};
use crate::store::daily_figures;
use crate::store::outbox::is_latest_invitation;

/// The time an event waits for its mail, in milliseconds.
const PENDING: Millis = 3_600_000;
/// The same of a delivery: of these there is one for each mail, whoever else sends by the same account.
const PENDING_DELIVERY: Millis = 300_000;
/// The time an event is remembered, in milliseconds: longer than any signature is taken.
const REMEMBERED: Millis = 7 * 24 * 3_600_000;
/// Events that one run of the sweep brings to their mails.
const MANY: u32 = 500;
/// The longest id, of an event or a mail, in bytes.
const LONGEST_ID: usize = 512;

/// What an event says of its mail, as the column `outcome` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailEventKind {
    /// Nothing that is kept; but the event must not be told again with another content.
    Nothing,
    /// It has arrived: when is kept, and its state stays.
    Delivered,
    /// It has not arrived, for a reason that may pass: noted, and the mail stays sent.
    Delayed,
    /// It will not arrive.
    Bounced,
    /// It has arrived and was reported as spam.
    Complained,
}

text_enum!(MailEventKind {
    Nothing = "nothing",
    Delivered = "delivered",
    Delayed = "delayed",
    Bounced = "bounced",
    Complained = "complained",
});

/// An event of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailEvent {
    /// The provider's id of the event.
    pub id: String,
    /// The provider's id of the mail.
    pub message: String,
    /// The kind of event.
    pub kind: MailEventKind,
    /// The provider's word for the kind of bounce.
    pub class: String,
}

/// An event, as its key.
type Key = (String, String);

/// Records `events` and applies what is new to the mails it is about, in one round trip for each user store: only the
/// stores know whose mail it is. Returns how many found their mail.
///
/// # Errors
/// The database's. Recording them again does no harm.
pub async fn record(platform: &Platform, provider: &str, events: &[MailEvent]) -> Result<usize, DatabaseError> {
    let mut found = 0;
    for store in platform.all_stores() {
        found += record_in(&store, provider, events).await?;
    }
    Ok(found)
}

async fn record_in(platform: &Platform, provider: &str, events: &[MailEvent]) -> Result<usize, DatabaseError> {
    let events = events.iter().filter(|event| {
        let named = !event.message.is_empty() || event.kind == MailEventKind::Nothing;
        named && !event.id.is_empty() && event.id.len() <= LONGEST_ID && event.message.len() <= LONGEST_ID
    });
    let rows: Vec<_> = events
        .map(|event| {
            json!({
                "provider": provider, "id": event.id, "message": event.message.trim_matches(['<', '>']),
                "outcome": event.kind.as_str(), "class": event.class,
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let now = platform.clock.now();
    let rows = json!(rows).to_string();
    let mut batch = vec![Statement::new(
        "INSERT OR IGNORE INTO webhook_events (provider, id, message, outcome, class, received, pending_until) \
         SELECT j.value ->> 'provider', j.value ->> 'id', j.value ->> 'message', j.value ->> 'outcome', \
         j.value ->> 'class', ?2, CASE j.value ->> 'outcome' WHEN 'nothing' THEN NULL WHEN 'delivered' THEN ?4 ELSE ?3 END FROM json_each(?1) j",
        vec![rows.as_str().into(), now.into(), (now + PENDING).into(), (now + PENDING_DELIVERY).into()],
    )];
    batch.extend(apply(&rows));
    let outcomes = platform.db.batch(batch).await?;
    Ok(outcomes.last().map_or(0, |outcome| outcome.rows.len()))
}

/// Brings events to mails that have turned up since, and forgets the old ones.
///
/// # Errors
/// The database's.
pub async fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    for store in platform.all_stores() {
        sweep_in(&store).await?;
    }
    Ok(())
}

async fn sweep_in(platform: &Platform) -> Result<(), DatabaseError> {
    let now = platform.clock.now();
    let found = platform
        .db
        .batch(vec![
            Statement::new(
                format!(
                    "SELECT w.provider, w.id FROM webhook_events w INDEXED BY webhook_events_pending \
                     CROSS JOIN outbox o INDEXED BY outbox_provider ON {ABOUT} WHERE w.pending_until > ?1 LIMIT ?2"
                ),
                vec![now.into(), MANY.into()],
            ),
            Statement::new(
                "DELETE FROM webhook_events INDEXED BY webhook_events_received WHERE received < ?1",
                vec![(now - REMEMBERED).into()],
            ),
        ])
        .await?;
    let key =
        |row: &Row| Ok::<Key, DatabaseError>((row.read_text("provider")?.to_owned(), row.read_text("id")?.to_owned()));
    let found = found.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let keys = found.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = keys.iter().map(|(provider, id)| json!({ "provider": provider, "id": id })).collect();
    platform.db.batch(apply(&json!(rows).to_string())).await.map(|_| ())
}

/// Providers write a mail's id with angle brackets in one place and without in another.
const ABOUT: &str = "o.provider = w.provider AND o.provider_id IN (w.message, '<' || w.message || '>')";

/// The events in the list `?1` that are still to be brought to their mails.
const PENDING_EVENTS: &str = "FROM json_each(?1) j CROSS JOIN webhook_events w ON w.provider = j.value ->> 'provider' \
    AND w.id = j.value ->> 'id' AND w.pending_until IS NOT NULL CROSS JOIN outbox o INDEXED BY outbox_provider";

/// The statements that bring the events in `rows` to their mails, then to the users whose latest invitation the mails
/// are, and settle them. The last one answers a row for each.
fn apply(rows: &str) -> Vec<Statement> {
    let is_latest = is_latest_invitation();
    vec![
        daily_figures::count_events(rows, &format!("{PENDING_EVENTS} ON {ABOUT}")),
        // The WHERE of the update sees what an event before it in the same list has made of the row.
        Statement::new(
            format!(
                "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due, last_error, \
                 reported_at) SELECT o.tenant, o.id, o.user_id, o.template, o.seq, o.recipient, \
                 CASE w.outcome WHEN 'delayed' THEN 'sent' ELSE w.outcome END, o.created, o.due, \
                 rtrim(w.outcome || ': ' || w.class, ': '), CASE w.outcome WHEN 'delayed' THEN NULL ELSE w.received END \
                 {PENDING_EVENTS} ON {ABOUT} WHERE w.outcome <> 'delivered' \
                 ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, reported_at = excluded.reported_at, \
                 last_error = CASE outbox.recipient WHEN '' THEN NULL ELSE excluded.last_error END \
                 WHERE outbox.state = 'sent' OR (outbox.state = 'bounced' AND excluded.state = 'complained')"
            ),
            vec![rows.into()],
        ),
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery) \
                 SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, o.state \
                 {PENDING_EVENTS} ON {ABOUT} AND o.state IN ('bounced', 'complained') \
                 CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id WHERE {is_latest} \
                 ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery"
            ),
            vec![rows.into()],
        ),
        Statement::new(
            format!(
                "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due, delivered_at) \
                 SELECT o.tenant, o.id, o.user_id, o.template, o.seq, o.recipient, o.state, o.created, o.due, w.received \
                 {PENDING_EVENTS} ON {ABOUT} WHERE w.outcome = 'delivered' \
                 ON CONFLICT (tenant, id) DO UPDATE SET delivered_at = excluded.delivered_at \
                 WHERE outbox.delivered_at IS NULL"
            ),
            vec![rows.into()],
        ),
        // An event may have come before the sender knew that the mail was taken.
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivered_at) \
                 SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, \
                 MAX(o.delivered_at, COALESCE(r.sent_at, 0)) {PENDING_EVENTS} ON {ABOUT} AND w.outcome = 'delivered' \
                 CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id WHERE {is_latest} \
                 ON CONFLICT (tenant, id) DO UPDATE SET delivered_at = excluded.delivered_at"
            ),
            vec![rows.into()],
        ),
        Statement::new(
            format!(
                "INSERT INTO webhook_events (provider, id, message, outcome, class, received) \
                 SELECT w.provider, w.id, w.message, w.outcome, w.class, w.received {PENDING_EVENTS} ON {ABOUT} \
                 WHERE TRUE ON CONFLICT (provider, id) DO UPDATE SET pending_until = NULL RETURNING id"
            ),
            vec![rows.into()],
        ),
    ]
}
