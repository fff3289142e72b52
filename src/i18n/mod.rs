//! Everything that is written in the language of a person: the pages, the mails, dates and durations.
//!
//! Each language is a folder that fills in one [`Catalogue`]; the compiler refuses a catalogue with a gap. To add a
//! language, copy the folder of one that is near to it, translate its files, and add one line to `languages!` below.

use crate::base::locale::is_written_alike;
use crate::i18n::catalogue::{Catalogue, Direction, MailCopies};
use crate::i18n::pages::PageTexts;
use crate::i18n::phrases::Phrases;
use crate::i18n::words::Words;

pub mod catalogue;
pub mod fill;
pub mod pages;
pub mod phrases;
pub mod time;
pub mod words;

/// Declares a language's folder and its variant of [`Language`].
macro_rules! languages {
    ($($variant:ident = $folder:ident, $name:literal;)+) => {
        $(mod $folder;)+

        /// The languages that pages and shipped mails are written in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Language {
            $(#[doc = $name] $variant,)+
        }

        impl Language {
            /// Every language, the default first.
            pub const ALL: [Self; [$(stringify!($variant)),+].len()] = [$(Self::$variant),+];

            fn catalogue(self) -> &'static Catalogue {
                match self {
                    $(Self::$variant => &$folder::CATALOGUE,)+
                }
            }
        }
    };
}

languages! {
    En = en, "English (`en_US`), the default";
    De = de, "German (`de_DE`)";
    Es = es, "Spanish (`es_ES`)";
    Fr = fr, "French (`fr_FR`)";
    PtBr = pt_br, "Brazilian Portuguese (`pt_BR`)";
    Ja = ja, "Japanese (`ja_JP`)";
    ZhCn = zh_cn, "Simplified Chinese (`zh_CN`)";
    Ar = ar, "Arabic (`ar`), written from right to left";
}

impl Language {
    /// The language for a locale: by its language part, since each is written once; else English.
    pub fn for_locale(locale: &str) -> Self {
        Self::find(locale).unwrap_or(Self::En)
    }

    /// The language for a locale, if it is among those, in the script that the locale means: Chinese is written in simplified
    /// characters, and is no language for who reads traditional ones.
    pub fn find(locale: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| is_written_alike(language.tag(), locale))
    }

    /// The locale that names this language, as WSO2 spells locales.
    pub fn locale(self) -> &'static str {
        self.catalogue().locale
    }

    /// The BCP 47 tag for the `lang` attribute: the language the text really is in, whatever was asked for.
    pub fn tag(self) -> &'static str {
        self.catalogue().tag
    }

    /// The writing direction for the `dir` attribute.
    pub fn dir(self) -> &'static str {
        match self.catalogue().direction {
            Direction::LeftToRight => "ltr",
            Direction::RightToLeft => "rtl",
        }
    }

    /// The side on which lines begin, for `text-align`.
    pub fn start(self) -> &'static str {
        match self.catalogue().direction {
            Direction::LeftToRight => "left",
            Direction::RightToLeft => "right",
        }
    }

    /// Returns the text that joins two lines of a mail's copy.
    pub fn line_joint(self) -> &'static str {
        self.catalogue().line_joint
    }

    /// Returns the text between a label and its value.
    pub fn colon(self) -> &'static str {
        self.catalogue().colon
    }

    /// The sentences of the pages.
    pub fn pages(self) -> &'static PageTexts {
        self.catalogue().pages
    }

    /// The sentences of the mails.
    pub fn phrases(self) -> &'static Phrases {
        self.catalogue().phrases
    }

    /// The words of dates and durations.
    pub fn words(self) -> &'static Words {
        self.catalogue().words
    }

    /// The copies of the shipped mails.
    pub fn mails(self) -> &'static MailCopies {
        &self.catalogue().mails
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fallback_goes_by_language_then_default() {
        assert_eq!(Language::for_locale("pt_PT"), Language::PtBr);
        assert_eq!(Language::for_locale("tlh"), Language::En);
        assert_eq!(Language::for_locale("zh_SG"), Language::ZhCn);
        for other in ["zh_TW", "zh-Latn", "zh_Hani", "ja-Latn", "zh-yue", "yue", ""] {
            assert_eq!(Language::find(other), None, "{other}");
        }
        for language in Language::ALL {
            assert_eq!(Language::for_locale(language.locale()), language);
            assert_eq!(Language::for_locale(language.tag()), language);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_language(locale in ".{0,20}") {
            Language::for_locale(&locale);
        }
    }
}
