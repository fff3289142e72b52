use crate::model::schemas::builtin;
use crate::ports::Value;
use crate::store::filter::{Bindings, Scope, join, millis_bounds, predicate, successor};
use scim::datetime::Instant;
use scim::filter::{Filter, Operator};

/// The predicate on users, and its parameters.
fn compiled(filter: &str) -> (String, Vec<Value>) {
    let registry = builtin();
    let user = registry.resource_type("User").expect("there are users");
    let scope = Scope { resource_type: user, base: "https://id.example.com".to_owned(), now: 1_999 };
    let mut bindings = Bindings::default();
    let sql = predicate(&scope, &Filter::parse(user, filter).expect(filter), &mut bindings);
    (sql, bindings.into_values())
}

#[test]
fn a_value_is_a_parameter_and_the_same_value_the_same_parameter() {
    let (sql, params) = compiled("userName eq \"O'Neil\" or displayName co \"o'neil\" or title sw \"x\"");
    assert_eq!(
        sql,
        "(r.name_key = ?1 OR (instr(json_extract(r.keys, '$.\"displayName\"'), ?1) > 0 OR \
         substr(json_extract(r.keys, '$.\"title\"'), 1, 1) = ?2))"
    );
    assert_eq!(params, ["o'neil".into(), "x".into()]);
}

#[test]
fn what_is_unequal_may_be_absent() {
    let (sql, _) = compiled("title ne \"x\"");
    assert_eq!(sql, "(json_extract(r.keys, '$.\"title\"') = ?1) IS NOT TRUE");
}

#[test]
fn a_value_filter_is_about_one_value() {
    let (sql, params) = compiled("emails[type eq \"Work\" and value ew \"@X\"]");
    assert_eq!(
        sql,
        "EXISTS (SELECT 1 FROM json_each(r.keys, '$.\"emails\"') e1 WHERE \
         (json_extract(CASE e1.type WHEN 'object' THEN e1.value END, '$.\"type\"') = ?1 AND \
         substr(json_extract(CASE e1.type WHEN 'object' THEN e1.value END, '$.\"value\"'), -2) = ?2))"
    );
    assert_eq!(params, ["work".into(), "@x".into()]);
}

#[test]
fn an_extension_is_looked_up_by_its_urn() {
    let (sql, _) = compiled("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"1\"");
    assert_eq!(
        sql,
        "json_extract(r.keys, '$.\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\".\"manager\".\"value\"') = ?1"
    );
}

#[test]
fn joined_predicates_are_balanced() {
    let parts: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let depth = |text: &str| {
        text.chars()
            .scan(0_i32, |depth, c| {
                *depth += i32::from(c == '(') - i32::from(c == ')');
                Some(*depth)
            })
            .max()
    };
    assert_eq!(depth(&join(&parts, "OR")), Some(6));
    assert_eq!(join(&[], "AND"), "1");
}

#[test]
fn the_successor_ends_the_range_of_a_prefix() {
    assert_eq!(successor("ab").as_deref(), Some("ac"));
    assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
    assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
    assert_eq!(successor("\u{10ffff}"), None);
    assert_eq!(successor(""), None);
}

#[test]
fn an_instant_between_two_milliseconds_bounds_whole_ones() {
    let between = Instant { seconds: 1, nanos: 500 };
    assert_eq!(millis_bounds(Operator::Eq, between), None);
    assert_eq!(millis_bounds(Operator::Ge, between), Some((Operator::Gt, 1_000)));
    assert_eq!(millis_bounds(Operator::Lt, between), Some((Operator::Le, 1_000)));
    let whole = Instant { seconds: 1, nanos: 2_000_000 };
    assert_eq!(millis_bounds(Operator::Lt, whole), Some((Operator::Lt, 1_002)));
}
