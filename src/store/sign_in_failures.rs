//! Failed sign-ins, as rows in PRIMARY: how many there were of an account from an address, and of all accounts from it.

use serde_json::json;

use crate::ports::{DatabaseError, Millis, Outcome, Platform, Row, Statement};

/// The time a failure counts, in milliseconds.
pub const COUNTED: Millis = 900_000;

/// The account that stands for all of them.
const ALL: &str = "";

/// The key under which the failures of an attempt are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureKey {
    /// The number of the tenant whose account it is.
    pub tenant: i64,
    /// Stands for the account: a digest, so that the rows tell no names.
    pub account: String,
    /// The address, or the network that counts as one; empty where it is not known.
    pub address: String,
}

/// A count, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFailures {
    /// Whether it is that of all accounts from the address.
    pub is_of_all: bool,
    /// The number of failures.
    pub failures: i64,
    /// The time of the last failure.
    pub last: Millis,
}

/// The statement that reads the counts of an attempt, for [`counts`].
#[must_use]
pub fn find(key: &FailureKey) -> Statement {
    Statement::new(
        "SELECT account, failures, last FROM signin_failures WHERE tenant = ?1 AND account = ?2 AND address = ?3 \
         UNION ALL SELECT account, failures, last FROM signin_failures \
         WHERE tenant = 0 AND account = '' AND address = ?3",
        vec![key.tenant.into(), key.account.as_str().into(), key.address.as_str().into()],
    )
}

/// Reads the counts that [`find`] asks for.
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn counts(outcome: Option<&Outcome>) -> Result<Vec<StoredFailures>, DatabaseError> {
    let read = |row: &Row| {
        Ok(StoredFailures {
            is_of_all: row.read_text("account")? == ALL,
            failures: row.read_integer("failures")?,
            last: row.read_integer("last")?,
        })
    };
    outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default().iter().map(read).collect()
}

/// Counts a failure at `now`, in one batch with the row that records it; answers the counts after it.
///
/// # Errors
/// The database's.
pub fn count(
    platform: &Platform,
    key: &FailureKey,
    now: Millis,
    record: Statement,
) -> Result<Vec<StoredFailures>, DatabaseError> {
    let rows = json!([[key.tenant, key.account], [0, ALL]]);
    let statement = Statement::new(
        "INSERT INTO signin_failures (tenant, account, address, failures, last) \
         SELECT j.value ->> 0, j.value ->> 1, ?2, 1, ?3 FROM json_each(?1) j WHERE TRUE \
         ON CONFLICT (tenant, account, address) DO UPDATE SET \
         failures = CASE WHEN last <= ?4 THEN 1 ELSE failures + 1 END, last = excluded.last \
         RETURNING account, failures",
        vec![rows.to_string().into(), key.address.as_str().into(), now.into(), (now - COUNTED).into()],
    );
    let outcomes = platform.db.batch(vec![statement, record])?;
    let counted = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default().iter();
    counted
        .map(|row| {
            let (is_of_all, failures) = (row.read_text("account")? == ALL, row.read_integer("failures")?);
            Ok(StoredFailures { is_of_all, failures, last: now })
        })
        .collect()
}

/// The statement that forgets the failures of the account from the address.
#[must_use]
pub fn delete(key: &FailureKey) -> Statement {
    Statement::new(
        "DELETE FROM signin_failures WHERE tenant = ?1 AND account = ?2 AND address = ?3",
        vec![key.tenant.into(), key.account.as_str().into(), key.address.as_str().into()],
    )
}

/// Deletes what does not count any more: a part of the sweep.
///
/// # Errors
/// The database's.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let statement = Statement::new(
        "DELETE FROM signin_failures INDEXED BY signin_failures_last WHERE last < ?1",
        vec![(platform.clock.now() - COUNTED).into()],
    );
    platform.query(statement).map(|_| ())
}
