//! One batch and what became of it, also where the answer was lost on the way.

use std::collections::HashSet;

use serde_json::json;

use crate::base::text::without_values;
use crate::model::context::UnitOfWork;
use crate::ports::{DatabaseError, Outcome, Statement};
use crate::store::audit;

/// A write batch's random id. Its audit rows carry it, and the conditional statements that depend on its first.
#[derive(Clone, Debug)]
pub struct Operation(String);

/// What must not be so when a resource is written: a condition in SQL on the tenant, `?1`, the resource, `?2`, and one more
/// parameter.
#[derive(Clone, Debug)]
pub struct Unless {
    /// Makes the condition, given the name of its parameter.
    pub condition: fn(&str) -> String,
    /// The parameter's value.
    pub parameter: String,
}

/// The result of committing a batch.
#[derive(Debug)]
pub enum Committed {
    /// The database answered.
    Answered(Vec<Outcome>),
    /// An error came back although the batch was committed: its audit row is there, its outcomes are lost.
    Unanswered,
}

impl Committed {
    /// Whether the statement at `index` answered a row: whether it did what it was conditional on. Nothing of a lost
    /// batch has an audit row, so that one which was committed without an answer did.
    #[must_use]
    pub fn has_row(&self, index: usize) -> bool {
        match self {
            Self::Answered(outcomes) => outcomes.get(index).is_some_and(|outcome| !outcome.rows.is_empty()),
            Self::Unanswered => true,
        }
    }
}

impl Operation {
    /// A new operation.
    #[must_use]
    pub fn new(ctx: &impl UnitOfWork) -> Self {
        Self(ctx.platform().new_id().to_string())
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }

    /// Runs the batch, one of whose statements records this operation in the audit. After an error that may hide a
    /// commit the audit is asked, in one more round trip.
    ///
    /// # Errors
    /// The database's: nothing was written, unless the audit could not be asked either.
    pub fn commit(&self, ctx: &impl UnitOfWork, batch: Vec<Statement>) -> Result<Committed, DatabaseError> {
        match ctx.platform().db.batch(batch) {
            Ok(outcomes) => Ok(Committed::Answered(outcomes)),
            Err(error @ DatabaseError::Unique(_)) => Err(error),
            Err(error) => match audit::was_committed(ctx, &self.0) {
                Ok(true) => Ok(Committed::Unanswered),
                Ok(false) => Err(error),
                Err(check) => Err(in_doubt(ctx, error, &check)),
            },
        }
    }

    /// Runs a batch on many resources, each of them conditional, and answers the ids of those it wrote: the first statement
    /// answers them, and the batch records this operation in the audit for each. After an error that may hide a commit the
    /// audit is asked, in one more round trip.
    ///
    /// # Errors
    /// The database's: nothing was written, unless the audit could not be asked either.
    pub fn commit_each(&self, ctx: &impl UnitOfWork, batch: Vec<Statement>) -> Result<HashSet<String>, DatabaseError> {
        match ctx.platform().db.batch(batch) {
            Ok(outcomes) => {
                let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
                rows.iter().map(|row| row.read_text("id").map(str::to_owned)).collect()
            }
            Err(error @ DatabaseError::Unique(_)) => Err(error),
            Err(error) => match audit::targets(ctx, &self.0) {
                Ok(written) if !written.is_empty() => Ok(written),
                Ok(_) => Err(error),
                Err(check) => Err(in_doubt(ctx, error, &check)),
            },
        }
    }
}

/// The error of a batch of which nobody knows whether it was committed; that of the check goes to the log.
fn in_doubt(ctx: &impl UnitOfWork, error: DatabaseError, check: &DatabaseError) -> DatabaseError {
    let why = without_values(&check.to_string());
    ctx.platform().log.line(&json!({ "event": "check for a hidden commit", "error": why }).to_string());
    error
}
