//! What became of invitations, counted by day in the batches that write it: the charts' figures.
//!
//! A day's row counts the mails and acceptances of that day, and, apart from them, the people who were first mailed on it
//! with the time that accepting took them. An import has rows of its own for its people, besides.

use serde_json::json;

use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis, Outcome, Platform, Row, Statement, Value};
use crate::store::outbox::invitations;

/// A day, in milliseconds.
pub const DAY: Millis = 86_400_000;
/// The days that are read at most: 13 weeks, of which the last may have just begun.
pub const DAYS: i64 = 91;
/// The rows of imports that are read at most, and the days that an import is looked for.
const IMPORT_ROWS: u32 = 60;
/// The columns of a row, in the order of [`DailyFigures::counts`].
const COLUMNS: [&str; 11] = [
    "sent",
    "delivered",
    "accepted",
    "expired",
    "bounced",
    "invited",
    "in_hour",
    "in_day",
    "in_three_days",
    "in_week",
    "later",
];
/// The figures of a day's events: sent, delivered, accepted, expired, bounced.
pub const EVENTS: usize = 5;
/// The place of those who were first invited on the day, before those of them who have accepted.
pub const INVITED: usize = EVENTS;
/// The times by which those are told apart, in milliseconds.
const PAUSES: [Millis; 4] = [3_600_000, DAY, 3 * DAY, 7 * DAY];

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DailyFigures {
    /// The import whose people are counted; empty: everybody.
    pub batch: String,
    /// The day, since the epoch; of an import the first.
    pub day: i64,
    /// The figures: [`EVENTS`], who was [`INVITED`], and who of these accepted within an hour, a day, three days, a week, and later.
    pub counts: [i64; COLUMNS.len()],
}

/// The statement that adds what `select` answers, as tenant, batch, day and these columns.
fn add(columns: &[&str], select: &str) -> String {
    let names = columns.join(", ");
    let sums: Vec<_> = columns.iter().map(|name| format!("{name} = {name} + excluded.{name}")).collect();
    let sums = sums.join(", ");
    format!(
        "INSERT INTO daily_figures (tenant, batch, day, {names}) {select} \
         ON CONFLICT (tenant, batch, day) DO UPDATE SET {sums}"
    )
}

/// The statement that counts the invitations in the list `rows` which the run `lease` has sent, and those of their people who had
/// not been mailed before. It runs before the rows are recorded.
#[must_use]
pub fn count_sent(rows: &str, lease: &str) -> Statement {
    let from = "FROM json_each(?1) j CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' \
                AND o.lease = ?2 AND j.value ->> 'is_invitation' = 1 AND j.value ->> 'sent_at' IS NOT NULL";
    let day = format!("(j.value ->> 'sent_at') / {DAY}");
    let first = format!(
        "{from} CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id AND r.seq = o.seq WHERE r.invited_at IS NULL"
    );
    let select = format!(
        "SELECT tenant, batch, day, SUM(sent), SUM(invited) FROM \
         (SELECT o.tenant, '' AS batch, {day} AS day, 1 AS sent, 0 AS invited {from} \
         UNION ALL SELECT o.tenant, '', {day}, 0, 1 {first} \
         UNION ALL SELECT o.tenant, r.import, {day}, 0, 1 {first} AND r.import IS NOT NULL) \
         WHERE TRUE GROUP BY tenant, batch, day"
    );
    Statement::new(add(&["sent", "invited"], &select), vec![rows.into(), lease.into()])
}

/// The statement that counts the acceptance of a user's invitation, for the batch of `operation` that redeems it.
#[must_use]
pub fn count_accepted(ctx: &StoreContext, user_id: &str, operation: &str) -> Statement {
    let now = ctx.platform.clock.now();
    let [hour, day, three_days, week] = PAUSES;
    let from = "FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 AND r.operation = ?3";
    let taken = format!("r.invited_at / {DAY}, 0, MAX(0, ?5 - r.invited_at) {from} AND r.invited_at IS NOT NULL");
    let select = format!(
        "SELECT ?1, batch, day, SUM(accepted), SUM(pause BETWEEN 0 AND {hour}), SUM(pause > {hour} AND pause <= {day}), \
         SUM(pause > {day} AND pause <= {three_days}), SUM(pause > {three_days} AND pause <= {week}), SUM(pause > {week}) \
         FROM (SELECT '' AS batch, ?4 AS day, 1 AS accepted, -1 AS pause {from} \
         UNION ALL SELECT '', {taken} UNION ALL SELECT r.import, {taken} AND r.import IS NOT NULL) \
         WHERE TRUE GROUP BY batch, day"
    );
    let columns = ["accepted", "in_hour", "in_day", "in_three_days", "in_week", "later"];
    Statement::new(
        add(&columns, &select),
        vec![ctx.tenant.key(), user_id.into(), operation.into(), (now / DAY).into(), now.into()],
    )
}

/// The statement that counts the invitations of which the events in the list `rows` are the first to say that they were
/// delivered, or have bounced. `events` is where the events `w` and their mails `o` come from. It runs before they are applied.
#[must_use]
pub fn count_events(rows: &str, events: &str) -> Statement {
    let invitations = invitations();
    let select = format!(
        "SELECT tenant, '', day, SUM(outcome = 'delivered'), SUM(outcome = 'bounced') FROM \
         (SELECT o.tenant, w.outcome, MIN(w.received) / {DAY} AS day {events} WHERE o.template IN ({invitations}) \
         AND CASE w.outcome WHEN 'delivered' THEN o.delivered_at IS NULL WHEN 'bounced' THEN o.state = 'sent' END \
         GROUP BY o.tenant, o.id, w.outcome) WHERE TRUE GROUP BY tenant, day"
    );
    Statement::new(add(&["delivered", "bounced"], &select), vec![rows.into()])
}

/// Counts the invitations that have expired since it was last done, in each user store: a part of the sweep. Of two runs at
/// a time one counts.
///
/// # Errors
/// The database's.
pub async fn count_expired(platform: &Platform) -> Result<(), DatabaseError> {
    for store in platform.all_stores() {
        count_expired_in(&store).await?;
    }
    Ok(())
}

async fn count_expired_in(store: &Platform) -> Result<(), DatabaseError> {
    let now = store.clock.now();
    let found = store
        .db
        .batch(vec![
            Statement::new("SELECT until FROM expiries_counted WHERE id = 1", Vec::new()),
            Statement::new(
                format!(
                    "SELECT r.tenant, r.expiry_key / {DAY} AS day, COUNT(*) AS number FROM expiries_counted e \
                     CROSS JOIN counters t ON t.type = 'User' CROSS JOIN resources r INDEXED BY resources_invitation \
                     ON r.tenant = t.tenant AND r.type = 'User' AND r.invitation = 'open' AND r.expiry_key > e.until \
                     AND r.expiry_key <= ?1 WHERE e.id = 1 GROUP BY 1, 2"
                ),
                vec![now.into()],
            ),
        ])
        .await?;
    let rows = |index: usize| found.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let Some(before) = rows(0).first().map(|row| row.read_integer("until")).transpose()? else {
        let begin = "INSERT INTO expiries_counted (id, until) VALUES (1, ?1) ON CONFLICT DO NOTHING";
        return store.query(Statement::new(begin, vec![now.into()])).await.map(drop);
    };
    if rows(1).is_empty() {
        return Ok(());
    }
    let count = |row: &Row| {
        Ok::<_, DatabaseError>(json!([
            row.read_integer("tenant")?,
            row.read_integer("day")?,
            row.read_integer("number")?
        ]))
    };
    let counts = rows(1).iter().map(count).collect::<Result<Vec<_>, _>>()?;
    let is_next = "(SELECT until FROM expiries_counted WHERE id = 1) = ?2";
    let select = format!("SELECT j.value ->> 0, '', j.value ->> 1, j.value ->> 2 FROM json_each(?1) j WHERE {is_next}");
    let moved = "UPDATE expiries_counted SET until = ?1 WHERE id = 1 AND until = ?2";
    let batch = vec![
        Statement::new(add(&["expired"], &select), vec![json!(counts).to_string().into(), before.into()]),
        Statement::new(moved, vec![now.into(), before.into()]),
    ];
    store.db.batch(batch).await.map(drop)
}

/// The statements for [`read`]: the last [`DAYS`] days, and what was imported in them.
#[must_use]
pub fn statements(ctx: &StoreContext) -> [Statement; 2] {
    let since = ctx.platform.clock.now() / DAY - DAYS + 1;
    // Ids begin with their time.
    let time = format!("{:012x}", since * DAY);
    let (high, low) = time.split_at(8);
    let sums: Vec<_> = COLUMNS.iter().map(|name| format!("SUM({name}) AS {name}")).collect();
    let rows = "FROM daily_figures d WHERE d.tenant = ?1 AND d.batch";
    let parameters = |from: Value, more: Option<Value>| [vec![ctx.tenant.key(), from], Vec::from_iter(more)].concat();
    [
        Statement::new(format!("SELECT d.* {rows} = '' AND d.day >= ?2"), parameters(since.into(), None)),
        Statement::new(
            format!(
                "SELECT batch, MIN(day) AS day, {} FROM (SELECT d.* {rows} >= ?2 ORDER BY d.batch DESC, d.day DESC LIMIT ?3) \
                 GROUP BY batch ORDER BY batch DESC",
                sums.join(", ")
            ),
            parameters(format!("{high}-{low}").into(), Some(IMPORT_ROWS.into())),
        ),
    ]
}

/// Adds what the statements have answered in a user store to that of the others.
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn read(outcome: &Outcome, into: &mut Vec<DailyFigures>) -> Result<(), DatabaseError> {
    for row in &outcome.rows {
        let (batch, day) = (row.read_text("batch")?, row.read_integer("day")?);
        let mut counts = [0; COLUMNS.len()];
        for (count, name) in counts.iter_mut().zip(COLUMNS) {
            *count = row.read_integer(name)?;
        }
        let same = |other: &&mut DailyFigures| other.batch == batch && (other.day == day || !batch.is_empty());
        match into.iter_mut().find(same) {
            Some(other) => {
                other.day = other.day.min(day);
                other.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            None => into.push(DailyFigures { batch: batch.to_owned(), day, counts }),
        }
    }
    Ok(())
}
