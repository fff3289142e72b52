//! Properties of filters, whatever their text.

use proptest::prelude::*;

use super::*;

/// The literal without white space around its text.
fn trimmed(literal: &str) -> String {
    let text: String = serde_json::from_str(literal).expect("a literal");
    Value::from(text.trim()).to_string()
}

/// Filters in their canonical text, over attributes of every type.
fn filter_text() -> impl Strategy<Value = String> {
    let literal = || "\\PC{0,8}".prop_map(|text| Value::from(text).to_string());
    let term = prop_oneof![
        (
            prop::sample::select(vec!["userName", "name.familyName", "externalId", "profileUrl", "emails.value"]),
            prop::sample::select(Operator::ALL.to_vec()),
            literal()
        )
            .prop_map(|(name, operator, literal): (_, Operator, String)| {
                // White space around what these hold makes two comparisons of one, and four when they are read again.
                let is_trimmed = matches!(name, "userName" | "emails.value");
                let literal = if is_trimmed { trimmed(&literal) } else { literal };
                format!("{name} {} {literal}", operator.as_str())
            }),
        prop::sample::select(vec![
            "title pr",
            "emails pr",
            "active eq true",
            "active ne false",
            "title eq null",
            "meta.created gt \"2011-05-13T04:42:34Z\""
        ])
        .prop_map(str::to_owned),
        (prop::sample::select(vec!["work", "home"]), literal())
            .prop_map(|(kind, literal)| format!("emails[type eq \"{kind}\" and (value co {literal} or value pr)]")),
    ];
    term.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|operands| operands
                .iter()
                .map(|operand| format!("({operand})"))
                .collect::<Vec<_>>()
                .join(" and ")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|operands| operands.join(" or ")),
            inner.prop_map(|operand| format!("not ({operand})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,60}") {
        let _ = Filter::parse(user(), &text);
    }

    #[test]
    fn almost_filters_never_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "userName", "emails", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", "\"x\"", "\"", "\\", "5", "-", "true", "null", ".", ":", "urn:", "é", ENTERPRISE,
    ]), 0..24)) {
        let _ = Filter::parse(user(), &tokens.join(" "));
        let _ = Filter::parse(user(), &tokens.concat());
    }

    #[test]
    fn a_filter_reads_back_as_it_was_written(text in filter_text()) {
        if let Ok(filter) = Filter::parse(user(), &text) {
            let written = filter.to_string();
            let again = Filter::parse(user(), &written);
            prop_assert_eq!(again.as_ref(), Ok(&filter), "{}", written);
            prop_assert_eq!(again.map(|filter| filter.matches(&document())), Ok(filter.matches(&document())));
        }
    }

    #[test]
    fn a_filter_and_its_negation_never_agree(text in filter_text()) {
        if let (Ok(filter), Ok(negation)) = (Filter::parse(user(), &text), Filter::parse(user(), &format!("not ({text})"))) {
            prop_assert_ne!(filter.matches(&document()), negation.matches(&document()));
        }
    }
}
