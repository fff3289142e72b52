//! Simplified Chinese (`zh_CN`).

use crate::i18n::catalogue::{Catalogue, Direction, mail_copies};

mod pages;
mod phrases;
mod words;

pub(super) static CATALOGUE: Catalogue = Catalogue {
    locale: "zh_CN",
    tag: "zh-Hans",
    direction: Direction::LeftToRight,
    line_joint: "",
    colon: "\u{ff1a}",
    pages: &pages::TEXTS,
    phrases: &phrases::PHRASES,
    words: &words::WORDS,
    mails: mail_copies!(),
};
