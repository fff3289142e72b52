//! The attempts at a write that depends on the version it has read, while others write the same resource.
//!
//! Writers of one isolate go one after another ([`Writers`](crate::model::caches::Writers)). One that loses to another isolate
//! reads again after a pause, which grows and is never the same for two, until it has tried for [`PATIENCE`].

use std::time::Duration;

use crate::model::caches::Ticket;
use crate::model::context::UnitOfWork;
use crate::ports::Millis;

/// The longest time that a write is tried for, in milliseconds.
pub const PATIENCE: Millis = 2_000;

/// Seconds after which a write that was given up may be sent again.
pub const RETRY_SECONDS: u32 = 1;

/// The pause after the first loss, and the longest one, in milliseconds.
const FIRST_PAUSE: u64 = 10;
const LONGEST_PAUSE: u64 = 250;

/// The pause for each writer that is before this one, in milliseconds, and the longest in all.
const PAUSE_IN_QUEUE: u64 = 3;
const LONGEST_IN_QUEUE: u64 = 50;

/// One write's attempts. Nobody else in this isolate writes the resource until they are dropped.
pub struct Attempts<'a> {
    until: Millis,
    losses: u32,
    _ticket: Option<Ticket<'a>>,
}

impl<'a> Attempts<'a> {
    /// Waits for the turn of a write. `None` when it did not come in time.
    pub fn begin(ctx: &'a impl UnitOfWork, id: &str) -> Option<Self> {
        let now = ctx.platform().clock.now();
        let until = now + PATIENCE;
        let resource = format!("{} {id}", ctx.tenant.number());
        let ticket = ctx.caches.writers.join(resource, now, until);
        if let Some(ticket) = &ticket {
            loop {
                let now = ctx.platform().clock.now();
                let ahead = u64::try_from(ticket.ahead(now)).unwrap_or(u64::MAX);
                if ahead == 0 {
                    break;
                }
                if now >= until {
                    return None;
                }
                pause(ctx, ahead.saturating_mul(PAUSE_IN_QUEUE).min(LONGEST_IN_QUEUE));
            }
        }
        Some(Self { until, losses: 0, _ticket: ticket })
    }

    /// The attempts of a write that waits for nobody, because it depends on nothing that others write.
    pub fn at_once(ctx: &impl UnitOfWork) -> Self {
        Self { until: ctx.platform().clock.now() + PATIENCE, losses: 0, _ticket: None }
    }

    /// Waits for the next attempt after one that lost. `false` when there is none any more.
    pub fn again(&mut self, ctx: &impl UnitOfWork) -> bool {
        let left = u64::try_from(self.until - ctx.platform().clock.now()).unwrap_or_default();
        if left == 0 {
            return false;
        }
        let most = FIRST_PAUSE.saturating_mul(1 << self.losses.min(16)).min(LONGEST_PAUSE);
        self.losses += 1;
        let mut random = [0];
        ctx.platform().entropy.fill(&mut random);
        // Between a half of it and all.
        let jittered = most / 2 + most * u64::from(random[0]) / 512;
        pause(ctx, jittered.clamp(1, left));
        true
    }
}

fn pause(ctx: &impl UnitOfWork, milliseconds: u64) {
    ctx.platform().clock.sleep(Duration::from_millis(milliseconds));
}
