//! The figures of the dashboard's charts, by day or by week.

use crate::base::text::rfc3339;
use crate::model::context::Context;
use crate::pages::console::charts::{Charts, Imported, Invited, Period};
use crate::pages::console::words;
use crate::ports::Millis;
use crate::store::daily_figures::{DAY, DAYS, DailyFigures, EVENTS, INVITED};
use crate::store::jobs::retention::KEPT;

/// The days of a chart by day.
const SHOWN_DAYS: i64 = 90;
/// The weeks of a chart by week: of [`DAYS`], as none is begun before them.
const SHOWN_WEEKS: i64 = DAYS / 7;

/// Charts of what is kept.
pub fn of(ctx: &Context, figures: &[DailyFigures], by_day: bool) -> Charts {
    let now = ctx.platform.clock.now();
    let today = now / DAY;
    let length = if by_day { 1 } else { 7 };
    // The first day since the epoch was a Thursday; weeks begin on Mondays.
    let first = if by_day { today - SHOWN_DAYS + 1 } else { today - (today + 3) % 7 - 7 * (SHOWN_WEEKS - 1) };
    let starts = (first..=today).step_by(length);
    let mut periods: Vec<_> =
        starts.map(|day| Period { name: name(day), counts: [0; EVENTS], batch: Invited::default() }).collect();
    let mut imports = Vec::new();
    for row in figures {
        if !row.batch.is_empty() {
            imports.push(imported(row, now));
            continue;
        }
        let place = usize::try_from(row.day - first).ok().map(|days| days / length);
        if let Some(period) = place.and_then(|place| periods.get_mut(place)) {
            period.counts.iter_mut().zip(row.counts).for_each(|(sum, count)| *sum += count);
            let people = people(row);
            period.batch.invited += people.invited;
            period.batch.accepted.iter_mut().zip(people.accepted).for_each(|(sum, count)| *sum += count);
        }
    }
    Charts { by_day, periods, imports }
}

/// `2026-11-30`
fn name(day: i64) -> String {
    rfc3339(day * DAY).get(..10).unwrap_or_default().to_owned()
}

fn people(row: &DailyFigures) -> Invited {
    let mut people = Invited { invited: row.counts[INVITED], ..Invited::default() };
    people.accepted.iter_mut().zip(&row.counts[INVITED + 1..]).for_each(|(count, kept)| *count = *kept);
    people
}

fn imported(row: &DailyFigures, now: Millis) -> Imported {
    // The job's id begins with its time.
    let begun =
        Millis::from_str_radix(&row.batch.replace('-', "").get(..12).unwrap_or_default(), 16).unwrap_or_default();
    Imported {
        name: words(&rfc3339(begun)),
        path: (now - begun < KEPT).then(|| format!("/console/jobs/{}", row.batch)),
        people: people(row),
    }
}
