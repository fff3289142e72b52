//! Whose mails are next: the tenants take turns, so that none waits for another's queue.
//!
//! A look at what is due goes from tenant to tenant by the index, one row each, however many mails they have. It begins at a
//! given tenant, goes on after the last one at the first, and takes the oldest mail of each, then the second oldest of each,
//! until it has as many as were asked for. Where more tenants wait than that, the next look begins where this one ended.

/// The condition of the partial index `outbox_due`, for a row `w`, spelled as it is there: the planner proves no other.
const WAITING: &str = "w.state IN ('queued', 'sending', 'deferred')";

/// The most tenants that one look passes from where it begins, and again from the first tenant on: each costs two rows.
const MAX_TENANTS: u32 = 500;

/// The common table expressions of a look at what is due at `?1`, `?2` mails at most, which begins at the tenant `?3`.
/// `picked` has the row number of each mail in `mail`, its place within its tenant's queue in `place` and its tenant's turn in
/// `turn`; `queues` has one row, of how many tenants have something due in `waiting`, and how many mails of each the look
/// takes at most in `share`.
#[must_use]
pub fn picked() -> String {
    let first = |bounds: &str| {
        format!(
            "SELECT tenant, due, 1 AS step FROM (SELECT w.tenant, w.due FROM outbox w INDEXED BY outbox_due \
             WHERE {WAITING} AND {bounds} ORDER BY w.tenant, w.due LIMIT 1)"
        )
    };
    let next = |table: &str, bounds: &str| {
        format!(
            "SELECT n.tenant, n.due, l.step + 1 FROM {table} l CROSS JOIN outbox n ON n.rowid = (SELECT w.rowid \
             FROM outbox w INDEXED BY outbox_due WHERE {WAITING} AND w.tenant > l.tenant{bounds} \
             ORDER BY w.tenant, w.due LIMIT 1) LIMIT {MAX_TENANTS}"
        )
    };
    // Four times an even share: those with more mail than others fill what the others leave.
    format!(
        "WITH RECURSIVE after_first(tenant, due, step) AS ({} UNION ALL {}), \
         before_first(tenant, due, step) AS ({} UNION ALL {}), \
         passed(tenant, due, step) AS (SELECT tenant, due, step FROM after_first \
         UNION ALL SELECT tenant, due, step + {MAX_TENANTS} FROM before_first), \
         queues(waiting, share) AS MATERIALIZED (SELECT count(*), \
         min(CAST(?2 AS INTEGER), max(1, 4 * CAST(?2 AS INTEGER) / max(1, count(*)))) FROM passed WHERE due <= ?1), \
         turns(tenant, turn) AS MATERIALIZED (SELECT tenant, step FROM passed WHERE due <= ?1 ORDER BY step LIMIT ?2), \
         picked(mail, place, turn) AS MATERIALIZED (SELECT o.rowid, \
         row_number() OVER (PARTITION BY t.tenant ORDER BY o.due, o.rowid) AS place, t.turn FROM turns t \
         CROSS JOIN outbox o ON o.rowid IN (SELECT w.rowid FROM outbox w INDEXED BY outbox_due WHERE {WAITING} \
         AND w.tenant = t.tenant AND w.due <= ?1 ORDER BY w.due, w.rowid LIMIT (SELECT share FROM queues)) \
         ORDER BY place, t.turn LIMIT ?2)",
        first("w.tenant >= ?3"),
        next("after_first", ""),
        first("w.tenant >= 0 AND w.tenant < ?3"),
        next("before_first", " AND w.tenant < ?3"),
    )
}
