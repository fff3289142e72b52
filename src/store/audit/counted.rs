//! How often something was done to somebody lately, by the audit: a condition of the statement that does it once more.

use crate::base::limits::Limit;
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis, Statement};

/// What is counted: the rows of the audit about the target `?2` of the tenant `?1`.
#[derive(Clone, Copy, Debug)]
pub struct Counted(&'static str);

impl Counted {
    /// The resends of an invitation: not those that the person asked for by the button of an expired link, which has limits
    /// of its own.
    pub const RESENDS: Self = Self(
        "FROM audit INDEXED BY audit_resends WHERE tenant = ?1 AND target = ?2 \
         AND action = 'invitation.resend' AND actor <> 'user:' || ?2",
    );

    /// The changes of address that users asked for themselves.
    pub const ADDRESS_CHANGES: Self = Self(
        "FROM audit INDEXED BY audit_address_changes WHERE tenant = ?1 AND target = ?2 AND action = 'user.address'",
    );

    /// The test mails that somebody has sent themselves.
    pub const TEST_MAILS: Self =
        Self("FROM audit INDEXED BY audit_test_mails WHERE tenant = ?1 AND target = ?2 AND action = 'mail.test'");

    /// The condition that these limits let one more through, in a statement whose parameter `now` is the time.
    #[must_use]
    pub fn within(self, limits: &[Limit], now: &str) -> String {
        let conditions: Vec<String> = limits
            .iter()
            .map(|limit| {
                let since = i64::from(limit.seconds) * 1000;
                format!("(SELECT count(*) {} AND time > {now} - {since}) < {}", self.0, limit.count)
            })
            .collect();
        conditions.join(" AND ")
    }

    /// The same about the resource whose id is `target` in the statement, such as `r.id`.
    #[must_use]
    pub fn within_of(self, target: &str, limits: &[Limit], now: &str) -> String {
        self.within(limits, now).replace("?2", target)
    }

    /// The seconds until these limits let one more through; `None` where they do.
    ///
    /// # Errors
    /// The database's.
    pub fn seconds_left(
        self,
        ctx: &StoreContext,
        target: &str,
        limits: &[Limit],
    ) -> Result<Option<u32>, DatabaseError> {
        let now = ctx.platform.clock.now();
        let period = |limit: &Limit| i64::from(limit.seconds) * 1000;
        let oldest_of_them = |limit: &Limit| {
            Statement::new(
                format!("SELECT time {} AND time > ?3 ORDER BY time DESC LIMIT 1 OFFSET ?4", self.0),
                vec![ctx.tenant.key(), target.into(), (now - period(limit)).into(), (limit.count - 1).into()],
            )
        };
        let outcomes = ctx.platform.db.batch(limits.iter().map(oldest_of_them).collect())?;
        let mut until: Option<Millis> = None;
        for (limit, outcome) in limits.iter().zip(&outcomes) {
            if let Some(row) = outcome.rows.first() {
                until = until.max(Some(row.read_integer("time")? + period(limit)));
            }
        }
        Ok(until.map(|until| u32::try_from((until - now).max(1).cast_unsigned().div_ceil(1000)).unwrap_or(u32::MAX)))
    }
}
