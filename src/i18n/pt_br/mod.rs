//! Brazilian Portuguese (`pt_BR`).

use crate::i18n::catalogue::{Catalogue, Direction, mail_copies};

mod pages;
mod phrases;
mod words;

pub(super) static CATALOGUE: Catalogue = Catalogue {
    locale: "pt_BR",
    tag: "pt-BR",
    direction: Direction::LeftToRight,
    line_joint: " ",
    colon: ":",
    pages: &pages::TEXTS,
    phrases: &phrases::PHRASES,
    words: &words::WORDS,
    mails: mail_copies!(),
};
