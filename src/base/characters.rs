//! Characters that are not what they seem: those that do not show, and those that turn into ASCII punctuation on the way.
//!
//! One table each, by hand: Unicode's own tables are several times the size of everything that uses these.

/// Characters that do not show, or that change where their neighbours do: fillers, joiners, marks and overrides of the
/// writing direction, variation selectors, tags. White space and control characters are not among them: `char` knows those.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters that a name of a user or a group is told apart from another by, but not by the eye: Unicode's Cc, Cf, Zl, Zp and Zs, save
/// the plain space. Such a name passes for another's, or turns the direction of the text around it.
#[must_use]
pub fn is_barred_from_names(c: char) -> bool {
    // White space is Zs, Zl, Zp and some of Cc.
    c.is_control() || (c.is_whitespace() && c != ' ') || is_format(c)
}

/// Unicode's general category Cf.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
        | '\u{e0020}'..='\u{e007f}')
}

/// Of the invisible ones, those that names are written with and whose reach is one letter: joiners, plain marks of the
/// writing direction, variation selectors.
#[must_use]
pub fn is_part_of_a_name(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Characters that compatibility normalisation (NFKC) or the rules for domain names turn into ASCII punctuation or a
/// space, alone or among others: `，` into a comma, `＜` into `<`, `。` into a dot, `℀` into `a/c`. What is one address
/// before such a step may be two after it.
#[must_use]
pub fn is_punctuation_in_disguise(c: char) -> bool {
    matches!(c,
        '\u{a8}' | '\u{af}' | '\u{b4}' | '\u{b8}' | '\u{2d8}'..='\u{2dd}' | '\u{37a}' | '\u{37e}' | '\u{384}' | '\u{385}'
        | '\u{1fbd}' | '\u{1fbf}'..='\u{1fc1}' | '\u{1fcd}'..='\u{1fcf}' | '\u{1fdd}'..='\u{1fdf}'
        | '\u{1fed}'..='\u{1fef}' | '\u{1ffd}' | '\u{1ffe}'
        // leaders, the ellipsis, doubled marks
        | '\u{2017}' | '\u{2024}'..='\u{2026}' | '\u{203c}' | '\u{203e}' | '\u{2047}'..='\u{2049}'
        // superscripts and subscripts, a/c and its kin
        | '\u{207a}'..='\u{207e}' | '\u{208a}'..='\u{208e}' | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}'
        // (1) and 1. in one character, operators, CJK
        | '\u{2474}'..='\u{24b5}' | '\u{2a74}'..='\u{2a76}' | '\u{3002}' | '\u{309b}' | '\u{309c}'
        | '\u{3200}'..='\u{3243}' | '\u{33c2}' | '\u{33c7}' | '\u{33d8}'
        // presentation forms, small forms, full width forms
        | '\u{fb29}' | '\u{fc5e}'..='\u{fc63}' | '\u{fdfa}' | '\u{fdfb}' | '\u{fe10}'..='\u{fe19}'
        | '\u{fe30}'..='\u{fe6b}' | '\u{fe70}' | '\u{fe72}' | '\u{fe74}' | '\u{fe76}' | '\u{fe78}' | '\u{fe7a}'
        | '\u{fe7c}' | '\u{fe7e}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}'
        | '\u{ff5b}'..='\u{ff5e}' | '\u{ff61}' | '\u{ffe3}' | '\u{1f100}'..='\u{1f10a}' | '\u{1f110}'..='\u{1f129}')
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[test]
    fn whatever_normalises_to_ascii_punctuation_is_in_the_table() {
        let missing: Vec<char> = ('\u{80}'..=char::MAX)
            .filter(|c| !c.is_whitespace() && !is_punctuation_in_disguise(*c))
            .filter(|c| c.nfkc().any(|n| n.is_ascii() && !n.is_ascii_alphanumeric()))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn letters_of_real_names_are_in_no_table() {
        for c in "ÄöñçšŁΩжקاक漢字かカ한글ﾊ".chars() {
            assert!(!is_invisible(c) && !is_punctuation_in_disguise(c), "{c}");
        }
    }

    #[test]
    fn user_names_have_no_characters_of_unicodes_control_format_and_separator_categories() {
        // How many there are of Cc, Cf, Zl, Zp and Zs in Unicode 16, without the plain space.
        let barred = (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_barred_from_names(*c)).count();
        assert_eq!(barred, 65 + 170 + 1 + 1 + 16);
        assert!(!is_barred_from_names(' '));
        for c in "ÄöñçšŁΩжקاक漢字한\u{fe0f}\u{301}".chars() {
            assert!(!is_barred_from_names(c), "{c:?}");
        }
    }

    #[test]
    fn what_names_may_keep_is_invisible() {
        assert!((0..=0x10_ffff).filter_map(char::from_u32).all(|c| !is_part_of_a_name(c) || is_invisible(c)));
    }
}
