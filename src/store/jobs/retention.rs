//! Jobs that are old enough to go, a bounded number at a time.

use crate::ports::{DatabaseError, Millis, Platform, Statement};

/// How long a job is kept, in milliseconds.
pub const KEPT: Millis = 30 * 86_400_000;
/// The most rows that go at a time.
const ROWS: i64 = 2_000;

/// Removes some of what is kept no longer: a job's rows, and then the job.
///
/// # Errors
/// The database's.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let before = platform.clock.now() - KEPT;
    let oldest = "SELECT tenant, id FROM jobs INDEXED BY jobs_created WHERE created < ?1 AND state <> 'running' \
                  ORDER BY created LIMIT 1";
    let batch = vec![
        Statement::new(
            format!(
                "DELETE FROM job_rows WHERE (tenant, job) = ({oldest}) AND number IN (SELECT r.number FROM job_rows r \
                 WHERE (r.tenant, r.job) = ({oldest}) LIMIT ?2)"
            ),
            vec![before.into(), ROWS.into()],
        ),
        Statement::new(
            format!(
                "DELETE FROM jobs WHERE (tenant, id) = ({oldest}) AND NOT EXISTS \
                 (SELECT 1 FROM job_rows r WHERE r.tenant = jobs.tenant AND r.job = jobs.id)"
            ),
            vec![before.into()],
        ),
    ];
    platform.db.batch(batch).map(drop)
}
