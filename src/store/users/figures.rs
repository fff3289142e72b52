//! Figures on users and their mails, counted in indexes and no further than anybody wants to know.

use std::fmt;

use crate::model::context::{Context, StoreContext};
use crate::model::job::Job;
use crate::model::mail::MailState;
use crate::model::resource::USER;
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::daily_figures::{self, DailyFigures};
use crate::store::filter::Bindings;
use crate::store::jobs::attention::{self, AwaitedDeletion};
use crate::store::outbox::listing;
use crate::store::users::filter::{UserStatus, now};
use crate::store::users::walk::Walk;

/// The time within which an invitation expires soon, in milliseconds.
const SOON: Millis = 48 * 3_600_000;

/// A number that may have been counted up to a limit only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capped {
    number: i64,
    is_exact: bool,
}

impl Capped {
    /// So many are counted, and no more.
    pub(super) const LIMIT: u32 = 100;

    /// A number, of which it is known whether it was counted to the end.
    #[must_use]
    pub fn new(number: i64, is_exact: bool) -> Self {
        Self { number, is_exact: is_exact || number < i64::from(Self::LIMIT) }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.number == 0
    }

    /// Whether it is exactly one.
    #[must_use]
    pub fn is_one(self) -> bool {
        self.is_exact && self.number == 1
    }

    fn and(self, other: Self) -> Self {
        Self { number: self.number + other.number, is_exact: self.is_exact && other.is_exact }
    }
}

impl fmt::Display for Capped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = i64::from(Self::LIMIT) - 1;
        if self.is_exact { write!(f, "{}", self.number) } else { write!(f, "{most}+") }
    }
}

/// The figures of the first page.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Invitations that can be used.
    pub pending: Capped,
    /// Invitations whose time is over.
    pub expired: Capped,
    /// Invitations whose mail did not arrive.
    pub bounced: Capped,
    /// Invitations that were used.
    pub accepted: Capped,
    /// Invitations that expire within 48 hours.
    pub expiring: Capped,
    /// Mails that nobody took.
    pub failed: Capped,
    /// Mails of which nobody knows whether they were taken.
    pub in_doubt: Capped,
    /// Mails that are put off.
    pub deferred: Capped,
    /// Which provider did not take the newest of them, and what it said.
    pub put_off_by: Option<(String, String)>,
    /// Jobs that were stopped or have failed.
    pub halted: Vec<Job>,
    /// Users who are about to be deleted.
    pub deletions: Vec<AwaitedDeletion>,
    /// What became of invitations, by day and by import.
    pub daily: Vec<DailyFigures>,
}

/// The figures of all user stores, with a round trip for each.
///
/// # Errors
/// The database's.
pub async fn figures(ctx: &Context) -> Result<Figures, DatabaseError> {
    let mut sums = [Capped::new(0, true); 8];
    let (mut put_off_by, mut halted, mut awaited) = (None, Vec::new(), None);
    let mut daily = Vec::new();
    for store in std::iter::once(None).chain(ctx.deployment.user_stores.iter().map(|store| Some(store.number))) {
        let at_store = ctx.in_store(store);
        let mut batch = statements(&at_store);
        if store.is_none() {
            batch.extend(attention::statements(ctx));
        }
        let mut outcomes = at_store.platform.db.batch(batch).await?;
        for (sum, outcome) in sums.iter_mut().zip(&outcomes) {
            let number = outcome.rows.first().map_or(Ok(0), |row| row.read_integer("number"))?;
            *sum = sum.and(Capped::new(number, false));
        }
        if let Some(row) = outcomes.get(sums.len()).and_then(|outcome| outcome.rows.first()) {
            let text = |column: &str| row.read_optional_text(column).map(|text| text.unwrap_or_default().to_owned());
            put_off_by = Some((text("provider")?, text("last_error")?));
        }
        for outcome in outcomes.iter().skip(sums.len() + 1).take(2) {
            daily_figures::read(outcome, &mut daily)?;
        }
        if store.is_none() {
            awaited = outcomes.pop();
            halted = outcomes.last().map(attention::halted).transpose()?.unwrap_or_default();
        }
    }
    let deletions = match &awaited {
        Some(awaited) => attention::deletions(ctx, awaited).await?,
        None => Vec::new(),
    };
    let [pending, expired, bounced, accepted, expiring, failed, in_doubt, deferred] = sums;
    Ok(Figures {
        pending,
        expired,
        bounced,
        accepted,
        expiring,
        failed,
        in_doubt,
        deferred,
        put_off_by,
        halted,
        deletions,
        daily,
    })
}

fn statements(ctx: &StoreContext) -> Vec<Statement> {
    let status = |status: UserStatus| {
        let mut bindings = Bindings::default();
        let sql = Walk::Status(status).counted(ctx, Capped::LIMIT, &mut bindings).unwrap_or_default();
        Statement::new(sql, bindings.into_values())
    };
    let expiring = Statement::new(
        "SELECT COUNT(*) AS number FROM (SELECT 1 FROM resources r INDEXED BY resources_invitation \
         WHERE r.tenant = ?1 AND r.type = ?2 AND r.invitation = 'open' AND r.expiry_key > ?3 AND r.expiry_key <= ?4 LIMIT ?5)",
        vec![ctx.tenant.key(), USER.into(), now(ctx).into(), (now(ctx) + SOON).into(), Capped::LIMIT.into()],
    );
    let mails = |state| listing::counted(ctx, state, Capped::LIMIT);
    let [days, imports] = daily_figures::statements(ctx);
    vec![
        status(UserStatus::Pending),
        status(UserStatus::Expired),
        status(UserStatus::Bounced),
        status(UserStatus::Accepted),
        expiring,
        mails(MailState::Failed),
        mails(MailState::Unknown),
        mails(MailState::Deferred),
        listing::newest_deferred(ctx),
        days,
        imports,
    ]
}
