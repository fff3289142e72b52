//! Arabic (`ar`).

use crate::i18n::catalogue::{Catalogue, Direction, mail_copies};

mod pages;
mod phrases;
mod words;

pub(super) static CATALOGUE: Catalogue = Catalogue {
    locale: "ar",
    tag: "ar",
    direction: Direction::RightToLeft,
    line_joint: " ",
    colon: ":",
    pages: &pages::TEXTS,
    phrases: &phrases::PHRASES,
    words: &words::WORDS,
    mails: mail_copies!(),
};
