//! Spanish (`es_ES`).

use crate::i18n::catalogue::{Catalogue, Direction, mail_copies};

mod pages;
mod phrases;
mod words;

pub(super) static CATALOGUE: Catalogue = Catalogue {
    locale: "es_ES",
    tag: "es",
    direction: Direction::LeftToRight,
    line_joint: " ",
    colon: ":",
    pages: &pages::TEXTS,
    phrases: &phrases::PHRASES,
    words: &words::WORDS,
    mails: mail_copies!(),
};
