//! What a unit of work costs the database.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::ports::{Database, DatabaseError, Outcome, Statement};

/// D1's cost of one unit of work, summed over its batches (DESIGN 8; shown as `Server-Timing` in development).
#[derive(Debug, Default)]
pub struct Meter {
    trips: AtomicU64,
    statements: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
}

impl Meter {
    fn add(&self, outcomes: &[Outcome]) {
        self.read.fetch_add(outcomes.iter().map(|o| o.rows_read).sum(), Ordering::Relaxed);
        self.written.fetch_add(outcomes.iter().map(|o| o.rows_written).sum(), Ordering::Relaxed);
    }

    /// Round trips so far.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }

    /// Statements so far: D1 lets an invocation run a thousand.
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
}

#[async_trait]
impl Database for Metered {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        self.meter.trips.fetch_add(1, Ordering::Relaxed);
        self.meter.statements.fetch_add(statements.len() as u64, Ordering::Relaxed);
        let outcomes = self.inner.batch(statements).await?;
        self.meter.add(&outcomes);
        Ok(outcomes)
    }
}
