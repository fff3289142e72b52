//! Sentences with `{named}` slots.

/// Puts values into the `{named}` slots of a sentence, in one pass: a value that looks like a slot stays as it
/// is. A slot without a value stays too, so that it is seen.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some(open) = rest.find('{') {
        let (before, from_open) = rest.split_at(open);
        out.push_str(before);
        let value = from_open.find('}').and_then(|close| {
            let name = &from_open[1..close];
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((close, value))
        });
        match value {
            Some((close, value)) => {
                out.push_str(value);
                rest = &from_open[close + 1..];
            }
            None => {
                out.push('{');
                rest = &from_open[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn slots_are_filled_once() {
        let values = [("a", "{b}"), ("b", "x")];
        assert_eq!(fill("{a}-{b}-{c}-{", &values), "{b}-x-{c}-{");
        assert_eq!(fill("{{b}}", &values), "{x}");
        assert_eq!(fill("", &values), "");
    }
}
