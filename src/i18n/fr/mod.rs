//! French (`fr_FR`).

use crate::i18n::catalogue::{Catalogue, Direction, mail_copies};

mod pages;
mod phrases;
mod words;

pub(super) static CATALOGUE: Catalogue = Catalogue {
    locale: "fr_FR",
    tag: "fr",
    direction: Direction::LeftToRight,
    line_joint: " ",
    colon: "\u{a0}:",
    pages: &pages::TEXTS,
    phrases: &phrases::PHRASES,
    words: &words::WORDS,
    mails: mail_copies!(),
};
