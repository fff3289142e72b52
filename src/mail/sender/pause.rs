//! The pauses between the attempts at a mail.

use crate::model::deployment::Deployment;
use crate::ports::{Millis, Platform};

/// The longest pause between two attempts, in milliseconds, unless the provider asks for a longer one.
const MAX_PAUSE: Millis = 15 * 60 * 1000;
/// The longest pause that a provider may ask for, in milliseconds.
const MAX_ASKED: Millis = 24 * 3_600_000;

/// Returns the milliseconds until retry `retry`, the first being 0: base x 2^retry, give or take a quarter, at most 15 minutes, and
/// never before what the provider asked for, within a day.
pub fn pause(platform: &Platform, deployment: &Deployment, retry: u32, retry_after: Option<u32>) -> Millis {
    let base = i64::from(deployment.mail_retry_base_seconds) * 1000;
    let planned = base.saturating_mul(1 << retry.min(32)).min(MAX_PAUSE);
    let mut random = [0; 1];
    platform.entropy.fill(&mut random);
    let spread = planned * 3 / 4 + planned / 2 * i64::from(random[0]) / 255;
    let asked = i64::from(retry_after.unwrap_or_default()) * 1000;
    spread.min(MAX_PAUSE).max(asked.min(MAX_ASKED))
}
