//! Random filters, by the grammar: every kind of attribute, every operator, literals that often hit.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::support::CUSTOM;
use crate::users::{DATES, NUMBERS, text};

/// A filter by its grammar.
#[derive(Clone, Debug)]
pub enum Term {
    Text(String),
    Not(Box<Term>),
    Both(&'static str, Vec<Term>),
}

impl Term {
    pub fn write(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Not(term) => format!("not ({})", term.write()),
            Self::Both(word, terms) => {
                let terms: Vec<String> = terms.iter().map(Self::write).collect();
                format!("({})", terms.join(&format!(" {word} ")))
            }
        }
    }
}

pub fn nested(leaf: BoxedStrategy<Term>) -> BoxedStrategy<Term> {
    leaf.prop_recursive(4, 10, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|term| Term::Not(Box::new(term))),
            (select(&["and", "or"][..]), vec(inner, 2..4)).prop_map(|(word, terms)| Term::Both(word, terms)),
        ]
    })
    .boxed()
}

pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

pub fn compared(
    path: String,
    operators: &'static [&'static str],
    literal: BoxedStrategy<String>,
) -> BoxedStrategy<Term> {
    prop_oneof![
        8 => (select(operators), literal).prop_map({
            let path = path.clone();
            move |(operator, literal)| Term::Text(format!("{path} {operator} {literal}"))
        }),
        1 => Just(Term::Text(format!("{path} pr"))),
        1 => select(&["eq", "ne"][..]).prop_map(move |operator| Term::Text(format!("{path} {operator} null"))),
    ]
    .boxed()
}

pub const ALL: &[&str] = &["eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
pub const ORDER: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le"];
pub const EQUAL: &[&str] = &["eq", "ne"];

pub fn of_text(path: &str) -> BoxedStrategy<Term> {
    compared(path.to_owned(), ALL, text().prop_map(|text| quoted(&text)).boxed())
}

pub fn of_words(path: &str, words: &'static [&'static str]) -> BoxedStrategy<Term> {
    compared(path.to_owned(), ALL, select(words).prop_map(quoted).boxed())
}

pub fn of_numbers(path: &str) -> BoxedStrategy<Term> {
    compared(path.to_owned(), ORDER, select(NUMBERS).prop_map(str::to_owned).boxed())
}

pub fn of_dates(path: &str) -> BoxedStrategy<Term> {
    compared(path.to_owned(), ORDER, select(DATES).prop_map(quoted).boxed())
}

pub fn of_flags(path: &str) -> BoxedStrategy<Term> {
    compared(path.to_owned(), EQUAL, select(&["true", "false"][..]).prop_map(str::to_owned).boxed())
}

pub fn of_binary(path: &str) -> BoxedStrategy<Term> {
    compared(path.to_owned(), EQUAL, select(&["AQID", "AQIE"][..]).prop_map(quoted).boxed())
}

/// `path[...]`
pub fn in_brackets(path: &str, inner: BoxedStrategy<Term>) -> BoxedStrategy<Term> {
    let path = path.to_owned();
    nested(inner).prop_map(move |inner| Term::Text(format!("{path}[{}]", inner.write()))).boxed()
}

pub fn any_of(terms: Vec<BoxedStrategy<Term>>) -> BoxedStrategy<Term> {
    proptest::strategy::Union::new(terms).boxed()
}

pub const STATES: &[&str] = &["UNLOCKED", "locked", "DISABLED", "PENDING_AP", "pending", "d", "", "PENDING_EV"];
pub const REASONS: &[&str] = &["PENDING_ASK_PASSWORD", "admin_initiated", "PENDING_EMAIL_VERIFICATION", "p", ""];
pub const STATUSES: &[&str] = &["pending", "EXPIRED", "accepted", "revoked", "p", "e", "x", ""];
pub const SCHEMAS: &[&str] = &[
    CUSTOM,
    "urn:scim:wso2:schema",
    "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "URN:scim:wso2:schema",
    "urn:",
];
pub const KINDS: &[&str] = &["work", "home", "WORK", "", "o"];

pub fn user_term() -> BoxedStrategy<Term> {
    any_of(user_terms())
}

pub fn user_terms() -> Vec<BoxedStrategy<Term>> {
    let enterprise = |name: &str| format!("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:{name}");
    let wso2 = |name: &str| format!("urn:scim:wso2:schema:{name}");
    let invited = |name: &str| format!("urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:{name}");
    let custom = |name: &str| format!("{CUSTOM}:{name}");
    let mut terms = vec![
        of_text("userName"),
        of_text("externalId"),
        of_text("displayName"),
        of_text("name.familyName"),
        of_text("name.givenName"),
        of_text("profileUrl"),
        of_flags("active"),
        of_dates("meta.created"),
        of_dates("meta.lastModified"),
        of_words("meta.resourceType", &["User", "user", "us", ""]),
        of_words("meta.version", &["W/\"1\"", "W/", "1\"", "2"]),
        of_words("meta.location", &["https://id.example.com/scim2/Users/", "HTTPS:", "0", ""]),
        of_words("schemas", SCHEMAS),
        in_brackets("schemas", of_words("value", SCHEMAS)),
        in_brackets("meta", any_of(vec![of_dates("created"), of_words("version", &["W/\"1\""])])),
        in_brackets("userName", of_text("value")),
        in_brackets("name", any_of(vec![of_text("familyName"), of_text("givenName")])),
        of_text(&enterprise("department")),
        of_text(&enterprise("manager")),
        of_text(&enterprise("manager.$ref")),
        of_words(&wso2("accountState"), STATES),
        of_words(&wso2("lockedReason"), REASONS),
        in_brackets(&wso2("lockedReason"), of_words("value", REASONS)),
        of_flags(&wso2("accountLocked")),
        of_flags(&wso2("accountDisabled")),
        of_flags(&wso2("emailVerified")),
        of_flags(&wso2("phoneVerified")),
        of_text(&wso2("emailAddresses")),
        of_text(&wso2("pendingEmails")),
        of_text(&wso2("pendingEmails.value")),
        in_brackets(&wso2("pendingEmails"), of_text("value")),
        of_words(&invited("status"), STATUSES),
        of_words(&invited("delivery"), &["queued", "SENT", "f"]),
        of_numbers(&invited("attempts")),
        of_dates(&invited("sentAt")),
        of_dates(&invited("expiresAt")),
    ];
    let contact = |path: &str| {
        let inner = any_of(vec![of_text("value"), of_words("type", KINDS), of_flags("primary"), of_text("display")]);
        vec![
            of_text(path),
            of_text(&format!("{path}.value")),
            of_words(&format!("{path}.type"), KINDS),
            of_flags(&format!("{path}.primary")),
            in_brackets(path, inner),
        ]
    };
    terms.extend(contact("emails"));
    terms.extend(contact("phoneNumbers"));
    for kind in ["One", "Many", "IndexedOne", "IndexedMany"] {
        let name = |data_type: &str| custom(&format!("{data_type}{kind}"));
        terms.extend([
            of_text(&name("string")),
            of_text(&name("reference")),
            of_numbers(&name("integer")),
            of_numbers(&name("decimal")),
            of_flags(&name("boolean")),
            of_dates(&name("dateTime")),
            of_binary(&name("binary")),
            in_brackets(&name("string"), of_text("value")),
            in_brackets(&name("dateTime"), of_dates("value")),
        ]);
    }
    terms.push(of_text(&custom("exact")));
    terms.push(of_text(&custom("unique")));
    for name in ["single", "several"] {
        let path = custom(name);
        let inner = any_of(vec![of_text("value"), of_text("tags"), of_numbers("level")]);
        terms.extend([
            of_text(&path),
            of_text(&format!("{path}.tags")),
            of_numbers(&format!("{path}.level")),
            in_brackets(&path, inner),
        ]);
    }
    let whole =
        ["emails", "name", "meta", "schemas", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"];
    for path in whole {
        terms.push(
            select(&["pr", "eq null", "ne null"][..])
                .prop_map(move |test| Term::Text(format!("{path} {test}")))
                .boxed(),
        );
    }
    // What only a few words tell apart.
    for _ in 0..3 {
        terms.extend([
            of_words(&invited("status"), STATUSES),
            of_words(&wso2("accountState"), STATES),
            of_words("schemas", SCHEMAS),
        ]);
    }
    // Two ends of a range, on one value and on several.
    for path in ["userName".to_owned(), "displayName".to_owned(), "emails".to_owned(), custom("stringIndexedMany")] {
        terms.push(both(of_text(&path), of_text(&path)));
    }
    for path in ["meta.created".to_owned(), custom("dateTimeIndexedOne"), custom("dateTimeIndexedMany")] {
        terms.push(both(of_dates(&path), of_dates(&path)));
    }
    terms
}

pub fn both(one: BoxedStrategy<Term>, other: BoxedStrategy<Term>) -> BoxedStrategy<Term> {
    (one, other).prop_map(|(one, other)| Term::Text(format!("{} and {}", one.write(), other.write()))).boxed()
}
