//! What a unit of work costs the database.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ports::{Database, DatabaseError, Outcome, Statement};

/// The statements after which an invocation begins nothing more: D1 lets it run a thousand, and an operation that others interfere
/// with takes many.
const ENOUGH_STATEMENTS: u64 = 800;

/// D1's cost of one unit of work, summed over its batches (DESIGN 8; shown as `Server-Timing` in development).
#[derive(Debug, Default)]
pub struct Meter {
    trips: AtomicU64,
    /// Shared with the meter of what this unit of work is a part of.
    statements: Arc<AtomicU64>,
    is_live: bool,
    read: AtomicU64,
    written: AtomicU64,
}

impl Meter {
    fn add(&self, outcomes: &[Outcome]) {
        self.read.fetch_add(outcomes.iter().map(|o| o.rows_read).sum(), Ordering::Relaxed);
        self.written.fetch_add(outcomes.iter().map(|o| o.rows_written).sum(), Ordering::Relaxed);
    }

    /// Whether the invocation has run so many that it begins nothing more.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.statements() >= ENOUGH_STATEMENTS
    }

    pub(super) const fn is_live(&self) -> bool {
        self.is_live
    }

    /// Round trips so far.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }

    /// A meter of a part of what this one meters, if it does: their statements are counted together.
    #[must_use]
    pub(super) fn of_part(&self) -> Self {
        let statements = if self.is_live { self.statements.clone() } else { Arc::default() };
        Self { statements, is_live: true, ..Self::default() }
    }

    /// Statements so far, of all that the invocation does: D1 lets it run a thousand.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "trips={} read={} written={}",
            self.trips(),
            self.read.load(Ordering::Relaxed),
            self.written.load(Ordering::Relaxed)
        )
    }
}

/// A database that counts what passes through it.
pub(super) struct Metered {
    pub(super) inner: Arc<dyn Database>,
    pub(super) meter: Arc<Meter>,
    /// Whether nobody below counts the statements already.
    pub(super) is_whole: bool,
}
impl Database for Metered {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        self.meter.trips.fetch_add(1, Ordering::Relaxed);
        if self.is_whole {
            self.meter.statements.fetch_add(statements.len() as u64, Ordering::Relaxed);
        }
        let outcomes = self.inner.batch(statements)?;
        self.meter.add(&outcomes);
        Ok(outcomes)
    }
}
