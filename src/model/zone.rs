//! Times as they are typed and read in a tenant's time zone (`TIME_ZONE`). What a zone's clocks show is the platform's to say.

use crate::base::text::rfc3339;
use crate::ports::{Clock, Millis};
use scim::datetime::Instant;

const DAY: Millis = 86_400_000;

/// What the clocks of a zone show, as if it were UTC.
fn shown(clock: &dyn Clock, zone: &str, at: Millis) -> Option<Millis> {
    read(&clock.local(zone, at)?)
}

/// A date and a time of day as if it were UTC: `2026-11-30T19:04`, with seconds or without.
fn read(text: &str) -> Option<Millis> {
    let text = text.trim().replacen(' ', "T", 1);
    let whole = if text.len() == "2026-11-30T19:04".len() { format!("{text}:00Z") } else { format!("{text}Z") };
    Instant::parse(&whole)?.seconds.checked_mul(1000)
}

/// The zone, or UTC where the platform does not know it.
#[must_use]
pub fn known<'a>(clock: &dyn Clock, zone: &'a str) -> &'a str {
    if clock.local(zone, clock.now()).is_some() { zone } else { "UTC" }
}

/// The instant at which the clocks of a zone show what was typed, the first of two; `None` for none, or what is no time.
#[must_use]
pub fn instant(clock: &dyn Clock, zone: &str, typed: &str) -> Option<Millis> {
    let wanted = read(typed)?;
    // What the zone is ahead by changes by a day at most, and seldom.
    let candidates = [-DAY, DAY].into_iter().filter_map(|away| {
        let near = wanted.checked_add(away)?;
        let at = wanted - (shown(clock, zone, near)? - near);
        (shown(clock, zone, at)? == wanted).then_some(at)
    });
    candidates.min()
}

/// A time in words, in the zone and in UTC: `2026-11-30 20:04 Europe/Berlin (2026-11-30 19:04 UTC)`.
#[must_use]
pub fn in_words(clock: &dyn Clock, zone: &str, at: Millis) -> String {
    let minutes = |text: &str| text.get(..16).unwrap_or(text).replace('T', " ");
    let utc = minutes(&rfc3339(at));
    match clock.local(zone, at) {
        Some(local) if zone != "UTC" => format!("{} {zone} ({utc} UTC)", minutes(&local)),
        _ => format!("{utc} UTC"),
    }
}
