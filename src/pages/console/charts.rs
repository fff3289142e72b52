//! The dashboard's charts: what became of invitations, each chart with the same figures as a table.

use maud::{Markup, html};

use crate::pages::console::Frame;

/// What is counted in each period, in its order.
pub const EVENTS: [&str; 5] = ["Sent", "Delivered", "Accepted", "Expired", "Bounced"];
/// The times that accepting takes, in their order.
pub const PAUSES: [&str; 5] = ["Within an hour", "Within a day", "Within 3 days", "Within a week", "Later"];

/// The width and the height of a chart, and the room above its highest bar.
const WIDTH: i64 = 600;
const HEIGHT: i64 = 100;
const ABOVE: i64 = 4;

/// A day or a week.
#[derive(Clone, Debug)]
pub struct Period {
    /// Its first day: `2026-11-30`.
    pub name: String,
    /// How many of [`EVENTS`].
    pub counts: [i64; EVENTS.len()],
    /// Those who were first invited in it.
    pub batch: Invited,
}

/// People who were invited together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invited {
    /// How many.
    pub invited: i64,
    /// How many of them have accepted, by [`PAUSES`].
    pub accepted: [i64; PAUSES.len()],
}

impl Invited {
    fn all_accepted(&self) -> i64 {
        self.accepted.iter().sum()
    }

    /// `62%`; a dash where nobody was invited.
    fn rate(&self) -> String {
        if self.invited == 0 { "–".to_owned() } else { format!("{}%", self.all_accepted() * 100 / self.invited) }
    }
}

/// An import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// When, in words.
    pub name: String,
    /// Its job's page, while there is one.
    pub path: Option<String>,
    /// Its people.
    pub people: Invited,
}

/// What the charts are drawn from.
#[derive(Clone, Debug)]
pub struct Charts {
    /// Whether the periods are days; else they are weeks.
    pub by_day: bool,
    /// The periods, oldest first, none left out.
    pub periods: Vec<Period>,
    /// The newest imports.
    pub imports: Vec<Imported>,
}

/// The section of the charts.
#[must_use]
pub fn charts(frame: &Frame, charts: &Charts) -> Markup {
    let unit = if charts.by_day { "Day" } else { "Week from" };
    let mut all = Invited::default();
    for period in &charts.periods {
        all.invited += period.batch.invited;
        all.accepted.iter_mut().zip(period.batch.accepted).for_each(|(sum, count)| *sum += count);
    }
    let choice = |by_day: bool, path: &str, word: &str| {
        html! { a href=(frame.at(path)) aria-current=[(by_day == charts.by_day).then_some("true")] { (word) } " " }
    };
    let names: Vec<_> = charts.periods.iter().map(|period| period.name.as_str()).collect();
    let rows: Vec<_> = charts.periods.iter().rev().map(|period| (period.name.as_str(), &period.counts[..])).collect();
    let pauses: Vec<_> = PAUSES.into_iter().zip(all.accepted.chunks(1)).collect();
    let since = names.first().copied().unwrap_or_default();
    html! {
        section aria-labelledby="charts" {
            h2 #charts { "Charts" }
            p.hint { "Invitations since " (since) ", in days that begin at midnight UTC." }
            p.pages { (choice(false, "/console", "By week")) (choice(true, "/console?by=day", "By day")) }
            div.charts {
                @for (index, event) in EVENTS.into_iter().enumerate() {
                    (chart(event, &names, &charts.periods.iter().map(|period| period.counts[index]).collect::<Vec<_>>()))
                }
            }
            (table("Invitations", unit, &EVENTS, &rows))
            h3 { "Acceptance" }
            @if all.invited == 0 { p { "Nobody has been invited by mail since " (since) "." } }
            @else {
                p {
                    "Acceptance rate: " strong { (all.rate()) } ". Of the " (all.invited)
                    " people who were first mailed since " (since) ", " (all.all_accepted()) " have accepted."
                }
            }
            div.charts { (chart("Time to accept", &PAUSES, &all.accepted)) }
            (table("From the first mail until the invitation was accepted", "Time", &["People"], &pauses))
            (batches(frame, charts, unit))
        }
    }
}

/// A chart of bars. Its name, and what its highest bar is, are its text; each bar says what it stands for.
fn chart(name: &str, names: &[&str], counts: &[i64]) -> Markup {
    let (sum, most) = (counts.iter().sum::<i64>(), counts.iter().copied().max().unwrap_or_default());
    let step = WIDTH / i64::try_from(names.len()).unwrap_or(1).max(1);
    let height = |count: i64| (count * (HEIGHT - ABOVE) / most.max(1)).max(1);
    let x = |index: usize| i64::try_from(index).unwrap_or_default() * step;
    let top = names.iter().zip(counts).find(|(_, count)| **count == most).map(|(name, _)| *name).unwrap_or_default();
    let id = name.split(' ').next().unwrap_or_default();
    html! {
        figure {
            figcaption { (name) ": " (sum) }
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{id}-title {id}-text")) {
                title id=(format!("{id}-title")) { (name) }
                desc id=(format!("{id}-text")) {
                    @if most == 0 { "None." } @else { (sum) " in all; the highest bar is " (most) ", " (top) "." }
                    " The table below has the figures."
                }
                path d=(format!("M0 {HEIGHT}H{WIDTH}")) {}
                @for (index, (name, count)) in names.iter().zip(counts).enumerate() {
                    @if *count > 0 {
                        rect x=(x(index) + 1) y=(HEIGHT - height(*count)) width=(step - 2) height=(height(*count)) {
                            title { (name) ": " (count) }
                        }
                    }
                }
            }
        }
    }
}

/// The figures of charts.
fn table(caption: &str, head: &str, columns: &[&str], rows: &[(&str, &[i64])]) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { th scope="col" { (head) } @for column in columns { th scope="col" { (column) } } } }
                tbody {
                    @for (name, counts) in rows {
                        tr { th scope="row" { (name) } @for count in *counts { td { (count) } } }
                    }
                }
            }
        }
    }
}

/// Who accepted of those who were invited together.
fn batches(frame: &Frame, charts: &Charts, unit: &str) -> Markup {
    let row = |name: Markup, people: &Invited| {
        html! {
            tr { th scope="row" { (name) } td { (people.invited) } td { (people.all_accepted()) } td { (people.rate()) } }
        }
    };
    html! {
        div.scroll role="region" aria-label="By batch" tabindex="0" {
            table {
                caption { "Acceptance by batch: people who were first mailed together. Those of an import are counted on their day too." }
                thead {
                    tr {
                        th scope="col" { "Batch" } th scope="col" { "Invited" } th scope="col" { "Accepted" }
                        th scope="col" { "Acceptance rate" }
                    }
                }
                tbody {
                    @for import in &charts.imports {
                        @let name = html! { "Import of " (import.name) };
                        @let name = match &import.path {
                            Some(path) => html! { a href=(frame.at(path)) { (name) } },
                            None => name,
                        };
                        (row(name, &import.people))
                    }
                    @for period in charts.periods.iter().rev().filter(|period| period.batch.invited > 0) {
                        (row(html! { (unit) " " (period.name) }, &period.batch))
                    }
                }
            }
        }
    }
}
