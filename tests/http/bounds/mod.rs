//! Every bound of docs/limits.md: the largest that is allowed, and the smallest that is refused.

mod addresses;
mod console;
mod imports;
mod invitations;
mod jobs;
mod mail;
mod reads;
mod recovery;
mod requests;
mod schemas;
mod statements;
mod templates;
mod writes;

use std::collections::BTreeSet;

/// A row of the table in docs/limits.md.
pub struct Bound {
    /// Its first column.
    pub name: &'static str,
    /// Asserts that the largest is allowed.
    pub largest_allowed: fn(),
    /// Asserts that the smallest above it is refused, as the last column says.
    pub smallest_refused: fn(),
}

fn bounds() -> impl Iterator<Item = &'static Bound> {
    [
        addresses::BOUNDS,
        console::BOUNDS,
        imports::BOUNDS,
        invitations::BOUNDS,
        jobs::BOUNDS,
        mail::BOUNDS,
        reads::BOUNDS,
        recovery::BOUNDS,
        requests::BOUNDS,
        schemas::BOUNDS,
        templates::BOUNDS,
        writes::BOUNDS,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn each_bound_in_the_documentation_is_tried_here() {
    let text = include_str!("../../../docs/limits.md");
    let table = text.split("<!-- bounds -->").nth(1).unwrap();
    let documented: BTreeSet<_> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.split('|').nth(1).unwrap().trim())
        .collect();
    let tried: BTreeSet<_> = bounds().map(|bound| bound.name).collect();
    assert_eq!(documented, tried);
}

#[test]
fn the_largest_is_allowed() {
    for bound in bounds() {
        println!("{}", bound.name);
        (bound.largest_allowed)();
    }
}

#[test]
fn the_smallest_above_it_is_refused() {
    for bound in bounds() {
        println!("{}", bound.name);
        (bound.smallest_refused)();
    }
}
