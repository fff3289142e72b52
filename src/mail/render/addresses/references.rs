//! The characters that HTML refers to by name or number (WHATWG HTML, 13.2.5.72 to 13.2.5.80).

use std::cmp::Ordering;

/// A line for each name, in the order of the names: the name, `!` after it where it stands without a semicolon too, and the
/// code points it stands for, in base 16.
const NAMED: &str = include_str!("references.txt");
/// The longest name that stands without a semicolon.
const LONGEST_WITHOUT_SEMICOLON: usize = 6;
/// What browsers read for 0x80 to 0x9f, where Windows has printed characters.
const OF_WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Reads what follows an ampersand, adds the characters that it refers to, or the ampersand, and returns the rest.
pub(super) fn read<'h>(after: &'h str, in_attribute: bool, out: &mut String) -> &'h str {
    let read = match after.strip_prefix('#') {
        Some(number) => read_number(number, out),
        None => read_name(after, in_attribute, out),
    };
    read.unwrap_or_else(|| {
        out.push('&');
        after
    })
}

fn read_number<'h>(text: &'h str, out: &mut String) -> Option<&'h str> {
    let (digits, radix) = text.strip_prefix(['x', 'X']).map_or((text, 10), |digits| (digits, 16));
    let rest = digits.trim_start_matches(|c: char| c.is_digit(radix));
    let digits = &digits[..digits.len() - rest.len()];
    if digits.is_empty() {
        return None;
    }
    // Nothing but digits: what does not fit is no character either.
    let number = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    let of_windows = number.checked_sub(0x80).and_then(|at| OF_WINDOWS.get(usize::try_from(at).ok()?)).copied();
    let c = of_windows.or_else(|| char::from_u32(number)).filter(|c| *c != '\0');
    out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(rest.strip_prefix(';').unwrap_or(rest))
}

fn read_name<'h>(text: &'h str, in_attribute: bool, out: &mut String) -> Option<&'h str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let name = &text[..text.len() - rest.len()];
    if let Some(rest) = rest.strip_prefix(';')
        && let Some((_, points)) = find(name)
    {
        push(points, out);
        return Some(rest);
    }
    let longest = name.len().min(LONGEST_WITHOUT_SEMICOLON);
    let (length, points) = (2..=longest).rev().find_map(|length| {
        let (stands_alone, points) = find(&name[..length])?;
        stands_alone.then_some((length, points))
    })?;
    let rest = &text[length..];
    // `?a=b&copy=1` in an address is no sign.
    if in_attribute && rest.starts_with(|c: char| c == '=' || c.is_ascii_alphanumeric()) {
        return None;
    }
    push(points, out);
    Some(rest)
}

/// Returns whether a name stands without a semicolon, and its code points.
fn find(name: &str) -> Option<(bool, &'static str)> {
    let mut table = NAMED;
    while !table.is_empty() {
        // Lines are ASCII: any place in them is one to cut at.
        let start = table[..table.len() / 2].rfind('\n').map_or(0, |end| end + 1);
        let end = table[start..].find('\n').map_or(table.len(), |end| start + end + 1);
        let (key, points) = table[start..end].trim_end().split_once(' ')?;
        let bare = key.trim_end_matches('!');
        table = match name.cmp(bare) {
            Ordering::Less => &table[..start],
            Ordering::Greater => &table[end..],
            Ordering::Equal => return Some((bare != key, points)),
        };
    }
    None
}

fn push(points: &str, out: &mut String) {
    out.extend(points.split(' ').filter_map(|point| char::from_u32(u32::from_str_radix(point, 16).ok()?)));
}
