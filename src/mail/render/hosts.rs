//! Host names in what people call themselves: mail programs make links of them, with a scheme or without one.

use crate::base::characters::is_part_of_a_name;

/// Titles before which and a name some people leave out the space: `St.Clair`, `Dr.Watson`.
const TITLES: &[&str] = &["st", "ste", "sr", "jr", "dr", "mr", "ms", "mrs", "fr", "br", "prof"];

/// The fewest letters of a name behind a title or an initial. A shorter one (`X.Com`) is more likely a host.
const SHORTEST_NAME: usize = 4;

/// A text with a space behind each dot that would make a host name or an IP address of what stands around it: behind a
/// label, and before what a top-level domain looks like, two letters or more without a space. `J.R.R. Tolkien`,
/// `Dr. med. Anna` and `St.Clair` stay as they are.
pub(super) fn defuse(text: &str) -> String {
    if !text.contains(is_dot) {
        return text.to_owned();
    }
    // A joiner between the letters changes nothing that a reader would see.
    let shown: Vec<(usize, char)> = text.chars().enumerate().filter(|(_, c)| !is_part_of_a_name(*c)).collect();
    let chars: Vec<char> = shown.iter().map(|(_, c)| *c).collect();
    let mut harmful = shown
        .iter()
        .enumerate()
        .filter(|(at, (_, c))| is_dot(*c) && makes_a_host(&chars, *at))
        .map(|(_, (place, _))| *place)
        .peekable();
    let mut out = String::with_capacity(text.len() + 16);
    for (place, c) in text.chars().enumerate() {
        out.push(c);
        if harmful.next_if_eq(&place).is_some() {
            out.push(' ');
        }
    }
    out
}

/// The full stop, and what the rules for domain names take for one (UTS 46).
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether it may stand in a label: letters and digits of any script, hyphens, and symbols that are registered too.
fn is_of_a_label(c: char) -> bool {
    !is_dot(c) && (c.is_alphanumeric() || matches!(c, '-' | '_') || !(c.is_ascii() || c.is_whitespace()))
}

fn makes_a_host(chars: &[char], dot: usize) -> bool {
    let before = label_before(chars, dot);
    let after = label_after(chars, dot);
    if before.is_empty() || after.is_empty() {
        return false;
    }
    is(before, "www") || is_octet_of_four(chars, dot) || (is_like_top_level(after) && !is_name_behind_title(chars, dot))
}

fn label_before(chars: &[char], end: usize) -> &[char] {
    let head = chars.get(..end).unwrap_or_default();
    let start = head.iter().rposition(|c| !is_of_a_label(*c)).map_or(0, |place| place + 1);
    head.get(start..).unwrap_or_default()
}

fn label_after(chars: &[char], dot: usize) -> &[char] {
    let tail = chars.get(dot + 1..).unwrap_or_default();
    let end = tail.iter().position(|c| !is_of_a_label(*c)).unwrap_or(tail.len());
    tail.get(..end).unwrap_or_default()
}

/// Whether a label is this one, in whatever case and width.
fn is(label: &[char], word: &str) -> bool {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    label.iter().flat_map(|c| plain(*c).to_lowercase()).eq(word.chars())
}

/// Whether a label begins as a top-level domain does: with two letters or more and no digit behind them, or with what
/// internationalised ones are written with.
fn is_like_top_level(label: &[char]) -> bool {
    let letters = label.iter().take_while(|c| c.is_alphabetic()).count();
    let ends = label.get(letters).is_none_or(|c| !c.is_numeric());
    (letters >= 2 && ends) || is(label.get(..4).unwrap_or_default(), "xn--")
}

/// Whether the dot stands between two of four numbers.
fn is_octet_of_four(chars: &[char], dot: usize) -> bool {
    let is_part = |c: &char| is_dot(*c) || c.is_numeric();
    let start = chars.get(..dot).unwrap_or_default().iter().rposition(|c| !is_part(c)).map_or(0, |place| place + 1);
    let run = chars.get(start..).unwrap_or_default();
    let end = run.iter().position(|c| !is_part(c)).unwrap_or(run.len());
    let run = run.get(..end).unwrap_or_default();
    run.split(|c| is_dot(*c)).filter(|number| !number.is_empty()).count() == 4
}

/// Whether a name stands behind the dot, and before it nothing but initials or a title.
fn is_name_behind_title(chars: &[char], dot: usize) -> bool {
    let after = label_after(chars, dot);
    let name: Vec<char> = after.iter().copied().take_while(|c| c.is_alphabetic()).collect();
    let is_capitalized =
        name.first().is_some_and(|c| c.is_uppercase()) && name.iter().skip(1).all(|c| c.is_lowercase());
    let behind = chars.get(dot + 1 + name.len()).copied();
    let ends = behind.is_none_or(|c| c.is_whitespace() || matches!(c, '-' | ',' | ')' | '\'' | '\u{2019}'));
    if !(is_capitalized && name.len() >= SHORTEST_NAME && ends) {
        return false;
    }
    let mut dot = dot;
    loop {
        let label = label_before(chars, dot);
        if !(label.len() == 1 || TITLES.iter().any(|title| is(label, title))) {
            return false;
        }
        let start = dot - label.len();
        match start.checked_sub(1).and_then(|place| chars.get(place)) {
            None => return true,
            Some(c) if c.is_whitespace() || *c == '(' => return true,
            Some(c) if is_dot(*c) => dot = start - 1,
            Some(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_taken_apart_at_their_dots() {
        for (text, harmless) in [
            ("www.evil.example", "www. evil. example"),
            ("WWW.X.Y", "WWW. X.Y"),
            ("\u{ff57}\u{ff57}\u{ff57}.e", "\u{ff57}\u{ff57}\u{ff57}. e"),
            ("evil.example/x", "evil. example/x"),
            ("You won: evil.com!", "You won: evil. com!"),
            ("Evil.Com", "Evil. Com"),
            ("EVIL.COM", "EVIL. COM"),
            ("kim@evil.com", "kim@evil. com"),
            ("evil.co.uk:8080", "evil. co. uk:8080"),
            ("evil.com.", "evil. com."),
            ("evil.com-now", "evil. com-now"),
            ("(evil.com)", "(evil. com)"),
            ("evil\u{3002}com", "evil\u{3002} com"),
            ("evil\u{ff0e}com", "evil\u{ff0e} com"),
            ("evil\u{ff61}com", "evil\u{ff61} com"),
            ("evil.\u{200d}com", "evil. \u{200d}com"),
            ("пример.рф", "пример. рф"),
            ("例子.中国", "例子. 中国"),
            ("उदाहरण.भारत", "उदाहरण. भारत"),
            ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd. xn--p1ai"),
            ("\u{1f4a9}.la", "\u{1f4a9}. la"),
            ("192.0.2.1", "192. 0. 2. 1"),
            ("192.0.2.1/x", "192. 0. 2. 1/x"),
            ("t.co", "t. co"),
            ("T.Co/abc", "T. Co/abc"),
            ("St.Shop/x", "St. Shop/x"),
            ("ab.Shop", "ab. Shop"),
            ("x.St.Shop.com", "x. St. Shop. com"),
        ] {
            assert_eq!(defuse(text), harmless);
        }
    }

    #[test]
    fn names_stay_as_they_are() {
        for name in [
            "Dr. med. Anna",
            "J.R.R. Tolkien",
            "J.R.R.Tolkien",
            "St.Clair",
            "Mary-Jane St.John-Smith",
            "(St.Clair)",
            "O.Henry",
            "Ph.D.",
            "e.V.",
            "S.p.A.",
            "A. B.",
            "Müller GmbH & Co. KG",
            "evil[.]com",
            "evil .com",
            "...",
            ". . .",
            "3.5",
            "Version 1.2.3",
            "Kim",
            "",
            "Ann\u{30fb}Lee",
            "No.1",
            "Henry VIII.",
        ] {
            assert_eq!(defuse(name), name);
        }
    }
}
