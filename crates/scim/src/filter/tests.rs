//! The grammar, the types and the meaning of filters.

use std::sync::Arc;

use serde_json::json;

use crate::error::ScimType;
use crate::filter::*;
use crate::resource::Document;
use crate::schema::Registry;

mod properties;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> &'static Arc<ResourceType> {
    Registry::example().resource_type("User").expect("there are users")
}

fn document() -> Document {
    let value = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "Id1", "externalId": "Ext",
        "userName": "Bjensen", "displayName": "", "active": true, "title": "Tour Guide",
        "name": { "familyName": "O'Malley", "givenName": "Babs" },
        "emails": [{ "value": "bjensen@example.com", "type": "work", "primary": true }, { "value": "babs@home.org", "type": "home" }],
        "profileUrl": "https://example.com/Babs",
        "urn:scim:wso2:schema": { "emailAddresses": ["a@x", "b@y"], "accountLocked": false },
        ENTERPRISE: { "department": "Ärger", "manager": { "value": "M1" } },
        "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User": { "attempts": 3 },
        "meta": { "lastModified": "2011-05-13T04:42:34Z" },
    });
    value.as_object().cloned().unwrap_or_default()
}

fn parse(text: &str) -> Filter {
    Filter::parse(user(), text).expect(text)
}

fn holds(text: &str) -> bool {
    parse(text).matches(&document())
}

fn refused(text: &str) {
    let error = Filter::parse(user(), text).expect_err(text);
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
}

#[test]
fn every_operator() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"userName ne "x""#,
        r#"userName co "JENS""#,
        r#"userName sw "bj""#,
        r#"userName ew "SEN""#,
        "userName pr",
        r#"userName gt "bj""#,
        r#"userName ge "bjensen""#,
        r#"userName lt "c""#,
        r#"userName le "bjensen""#,
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        r#"userName eq "bjense""#,
        r#"userName ne "BJENSEN""#,
        r#"userName co "x""#,
        r#"userName sw "jen""#,
        r#"userName ew "jen""#,
        "nickName pr",
        r#"userName gt "bjensen""#,
        r#"userName ge "c""#,
        r#"userName lt "bjensen""#,
        r#"userName le "bj""#,
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    assert_eq!(parse("title pr or nickName pr and active pr").to_string(), "title pr or (nickName pr and active pr)");
    assert!(holds("title pr or nickName pr and nickName pr"));
    assert!(!holds("(title pr or nickName pr) and nickName pr"));
    assert!(holds("not (nickName pr) and title pr"));
    assert!(!holds("not (nickName pr or title pr)"));
    assert!(holds("not(nickName pr)"));
}

#[test]
fn p09_names_and_operators_are_case_insensitive() {
    assert!(holds(r#"USERNAME EQ "RUNSCOPE" OR username Eq "BJENSEN""#));
    assert!(holds(&format!(r#"{}:DEPARTMENT Sw "äR""#, ENTERPRISE.to_uppercase())));
}

#[test]
fn p11_case_exact_attributes_compare_exactly() {
    assert!(holds(r#"externalId eq "Ext""#));
    assert!(!holds(r#"externalId eq "ext""#));
    assert!(!holds(r#"id eq "id1""#));
    assert!(!holds(r#"profileUrl eq "https://example.com/babs""#));
}

#[test]
fn p18_a_complex_attribute_stands_for_its_value() {
    assert!(holds(&format!(r#"id eq "Id1" and {ENTERPRISE}:manager eq "M1""#)));
    assert!(holds(r#"id eq "Id1" and manager eq "M1""#));
    assert!(holds(r#"emails eq "BABS@home.org""#));
    assert!(holds(r#"emails co "@example""#));
    assert!(holds("name pr and emails pr"));
    refused(r#"name eq "x""#);
    refused(r#"addresses co "x""#);
}

#[test]
fn p18_groups_by_id_and_by_member() {
    let group = Registry::example().resource_type("Group").expect("there are groups");
    let filter = Filter::parse(group, r#"id eq "g" and members[value eq "u"]"#).expect("a valid filter");
    let with = |member: &str| {
        json!({ "id": "g", "members": [{ "value": "v" }, { "value": member }] })
            .as_object()
            .cloned()
            .unwrap_or_default()
    };
    assert!(filter.matches(&with("u")));
    assert!(!filter.matches(&with("U")));
}

#[test]
fn a_value_path_is_about_one_value_at_a_time() {
    assert!(holds(r#"emails[type eq "work" and value co "@example.com"]"#));
    assert!(!holds(r#"emails[type eq "home" and value co "@example.com"]"#));
    assert!(holds(r#"emails.type eq "home" and emails.value co "@example.com""#));
    assert!(holds(r#"emails[not (primary eq true)]"#));
    assert!(holds(r#"emails[ type eq "x" or (value ew "org") ] and title pr"#));
    assert!(holds(r#"urn:scim:wso2:schema:emailAddresses[value eq "A@X"]"#));
    assert!(holds(r#"name[familyName sw "o'"]"#));
}

#[test]
fn ne_is_the_opposite_of_eq() {
    assert!(holds(r#"nickName ne "x""#), "an unassigned attribute is not equal to anything");
    assert!(holds(r#"emails.type ne "other""#));
    assert!(!holds(r#"emails.type ne "work""#), "one of the values is equal");
    assert!(holds(r#"emails[type ne "work"]"#), "some value has another type");
}

#[test]
fn presence_and_null() {
    assert!(!holds("displayName pr"), "an empty string is empty");
    assert!(holds("displayName eq null"));
    assert!(holds("title ne null"));
    assert!(!holds("title eq null"));
    assert!(holds("emails ne null and addresses eq null"));
    refused("title gt null");
}

#[test]
fn booleans_may_be_quoted() {
    for text in
        ["active eq true", "active eq True", r#"active eq "True""#, "active ne false", r#"emails[primary eq "true"]"#]
    {
        assert!(holds(text), "{text}");
    }
    for text in ["active gt false", "active co \"t\"", "active eq 1", r#"active eq "yes""#] {
        refused(text);
    }
}

#[test]
fn dates_compare_by_instant() {
    for text in [
        r#"meta.lastModified eq "2011-05-13T06:42:34+02:00""#,
        r#"meta.lastModified gt "2011-05-13T04:42:33.999Z""#,
        r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:meta.lastModified lt "2012-01-01T00:00:00Z""#,
    ] {
        assert!(holds(text), "{text}");
    }
    refused(r#"meta.lastModified gt "yesterday""#);
    refused(r#"meta.lastModified sw "2011""#);
    refused("meta.lastModified gt 2011");
}

#[test]
fn numbers_compare_by_value() {
    let attempts = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:attempts";
    for text in ["eq 3", "eq 3.0", "gt 2.5", "ge 3", "lt 1e2", "ne -3"] {
        assert!(holds(&format!("{attempts} {text}")), "{text}");
    }
    for text in ["eq \"3\"", "co 3", "eq true", "eq 03", "eq --1", "eq 1x"] {
        refused(&format!("{attempts} {text}"));
    }
}

#[test]
fn p27_values_are_json_strings() {
    let name = |name: &str| json!({ "userName": name }).as_object().cloned().unwrap_or_default();
    for (literal, value) in [
        (r#""a+b@x""#, "a+b@x"),
        (r#""say \"hi\"""#, "say \"hi\""),
        (r#""back\\slash""#, "back\\slash"),
        (r#""\u00e4\ud83d\ude00""#, "Ä😀"),
        (r#""é%2B""#, "É%2b"),
        (r#""not (a) or [b]""#, "not (a) or [b]"),
    ] {
        assert!(parse(&format!("userName eq {literal}")).matches(&name(value)), "{literal}");
    }
    for wrong in [
        r#"userName eq "a"#,
        r#"userName eq "\x""#,
        r#"userName eq "\ud83d""#,
        "userName eq \"a\nb\"",
        r#"userName eq "\u0000""#,
        r#"userName eq 'a'"#,
    ] {
        refused(wrong);
    }
}

#[test]
fn unicode_twins_are_equal() {
    for text in ["\u{c4}RGER", "\u{e4}rger", "a\u{308}rger"] {
        assert!(holds(&format!(r#"{ENTERPRISE}:department eq "{text}""#)), "{text}");
    }
}

#[test]
fn malformed_filters_are_refused() {
    for text in [
        "",
        " ",
        "userName",
        "userName eq",
        "eq \"x\"",
        "userName xx \"y\"",
        "userName eq \"x\" and",
        "and",
        "or",
        "not",
        "not userName pr",
        "(userName pr",
        "userName pr)",
        "userName pr userName pr",
        "emails[type eq \"x\"",
        "emails[emails[type pr]]",
        "emails[]",
        "[type pr]",
        "userName pr]",
        "\"userName\" pr",
        "5 eq 5",
        "nope eq \"x\"",
        "emails[nope eq \"x\"]",
        "emails.nope eq \"x\"",
        "urn:nope:User:userName eq \"x\"",
        "emails[name.givenName pr]",
        "emails.value[type pr]",
        "()",
        "not ()",
        "userName eq 5",
        "userName eq true",
        "x509Certificates.value co \"a\"",
        "x509Certificates.value gt \"a\"",
    ] {
        refused(text);
    }
}

#[test]
fn a_sub_attribute_behind_the_brackets_is_one_more_term_inside_them() {
    for (text, means) in [
        (r#"emails[type eq "work"].value eq "w""#, r#"emails[type eq "work" and value eq "w"]"#),
        (r#"EMAILS[TYPE EQ "work"].VALUE EQ "w""#, r#"emails[type eq "work" and value eq "w"]"#),
        (
            r#"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value sw "w""#,
            r#"emails[type eq "work" and value sw "w"]"#,
        ),
        (r#"emails[type eq "work"].value pr"#, r#"emails[type eq "work" and value pr]"#),
        (r#"emails[type eq "work"].value eq null"#, r#"emails[type eq "work" and value eq null]"#),
        (
            r#"emails[type eq "a" or type eq "b"].value ne "w""#,
            r#"emails[(type eq "a" or type eq "b") and value ne "w"]"#,
        ),
        (
            r#"emails[type eq "a" and primary eq true].value co "w""#,
            r#"emails[type eq "a" and primary eq true and value co "w"]"#,
        ),
        (r#"not (emails[type eq work].value eq w)"#, r#"not (emails[type eq "work" and value eq "w"])"#),
        (
            r#"(emails[type eq "a"].value ew "w" or title pr) and active eq true"#,
            r#"(emails[type eq "a" and value ew "w"] or title pr) and active eq true"#,
        ),
        (r#"emails[not (type eq "a")].primary eq true"#, r#"emails[not (type eq "a") and primary eq true]"#),
        (r#"addresses[type eq "home"].locality gt "a""#, r#"addresses[type eq "home" and locality gt "a"]"#),
        (
            r#"urn:scim:wso2:schema:emailAddresses[value sw "a"].value ew "x""#,
            r#"urn:scim:wso2:schema:emailAddresses[value sw "a" and value ew "x"]"#,
        ),
        (
            r#"manager[value pr].displayName le "z""#,
            &format!(r#"{ENTERPRISE}:manager[value pr and displayName le "z"]"#),
        ),
        (r#"name[givenName pr].familyName ge "a""#, r#"name[givenName pr and familyName ge "a"]"#),
    ] {
        assert_eq!(parse(text), parse(means), "{text}");
        assert_eq!(parse(text).to_string(), parse(means).to_string(), "{text}");
    }
    assert!(holds(r#"emails[type eq "work"].value eq "BJENSEN@example.com""#));
    assert!(!holds(r#"emails[type eq "home"].value eq "bjensen@example.com""#));
    for text in [
        r#"emails[type eq "x"].value"#,
        r#"emails[type eq "x"].value eq"#,
        r#"emails[type eq "x"]. eq "x""#,
        r#"emails[type eq "x"].nope eq "x""#,
        r#"emails[type eq "x"].value.more eq "x""#,
        r#"emails[type eq "x"].value[type pr]"#,
        r#"emails[type eq "x"]value eq "x""#,
        r#"emails[type eq "x"] eq "x""#,
        r#"emails[type eq "x"].primary co "x""#,
        r#"emails.value[type eq "x"].value eq "x""#,
        r#"userName[type eq "x"].value eq "x""#,
    ] {
        refused(text);
    }
    let both = vec![r#"emails[type eq "x"].value pr"#; 25].join(" or ");
    assert!(Filter::parse(user(), &both).is_ok());
    refused(&format!("{both} or title pr"));
}

#[test]
fn a_bare_word_that_is_no_json_literal_is_text() {
    for (text, means) in [
        ("userName eq kim", r#"userName eq "kim""#),
        ("userName sw kim@example.com", r#"userName sw "kim@example.com""#),
        ("userName eq PRIMARY/kim", r#"userName eq "PRIMARY/kim""#),
        ("userName eq o'neil", r#"userName eq "o'neil""#),
        ("userName eq é\u{301}", "userName eq \"é\u{301}\""),
        ("id eq 2819c223-7f76-453a-919d-413861904646", r#"id eq "2819c223-7f76-453a-919d-413861904646""#),
        ("externalId eq 701984a or title eq 007", r#"externalId eq "701984a" or title eq "007""#),
        ("userName ne -x", r#"userName ne "-x""#),
        ("userName eq pr", r#"userName eq "pr""#),
        ("userName eq not", r#"userName eq "not""#),
        ("userName eq truely", r#"userName eq "truely""#),
        ("emails[type eq home]", r#"emails[type eq "home"]"#),
        ("emails[type eq work and value co @example]", r#"emails[type eq "work" and value co "@example"]"#),
        ("(userName eq kim) and not(userName eq lee)", r#"userName eq "kim" and not (userName eq "lee")"#),
        ("meta.created gt 2026-01-01T00:00:00Z", r#"meta.created gt "2026-01-01T00:00:00Z""#),
        ("meta.created le 2026-01-01T00:00:00.5+02:00", r#"meta.created le "2026-01-01T00:00:00.5+02:00""#),
        ("active eq True", "active eq true"),
        ("active eq FALSE", "active eq false"),
        ("emails[primary eq TRUE]", "emails[primary eq true]"),
        ("title eq True", r#"title eq "True""#),
        ("title ne FALSE", r#"title ne "FALSE""#),
        ("title eq NULL", r#"title eq "NULL""#),
        ("emails eq Null", r#"emails eq "Null""#),
    ] {
        assert_eq!(parse(text), parse(means), "{text}");
    }
    for text in [
        "eq",
        "userName eq",
        "userName eq and title pr",
        "userName eq or",
        "userName eq AND",
        "userName eq \"kim",
        "userName eq kim\"",
        "userName eq ki\"m",
        "userName eq kim smith",
        "userName eq kim smith and title pr",
        "userName eq 'kim'",
        "userName eq “kim”",
        "userName eq kim\0",
        "userName eq kim(x)",
        "userName eq kim[x]",
        "userName eq",
        "kim",
        "active eq yes",
        "active eq NULL",
        "title eq true",
        "title eq false",
        "meta.created gt yesterday",
        "meta.created gt 2026-01-01",
        "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:attempts eq 3a",
    ] {
        refused(text);
    }
}

#[test]
fn an_error_names_what_is_wrong() {
    for (text, named) in [
        ("active eq 2819c223-7f76", "'active' is of the type boolean"),
        ("externalId eq 701984", "double quotes, as in 'externalId eq \"701984\"'"),
        ("userName co 7", "double quotes, as in 'userName co \"7\"'"),
        ("emails[value eq 1.5]", "double quotes, as in 'emails.value eq \"1.5\"'"),
        ("userName eq true", "double quotes, as in 'userName eq \"true\"'"),
        ("meta.created gt 2026", "double quotes"),
        ("badge eq \"x\"", "'badge'"),
        ("urn:gone:User:badge eq \"x\"", "'urn:gone:User:badge'"),
        ("emails[nope eq \"x\"]", "'emails.nope'"),
        ("emails[type pr].nope eq \"x\"", "'emails.nope'"),
        ("userName like \"x\"", "'like' is not a filter operator"),
    ] {
        let error = Filter::parse(user(), text).expect_err(text);
        assert!(error.detail.contains(named), "{}", error.detail);
        assert!(!error.detail.contains("not a number"), "{}", error.detail);
    }
}

#[test]
fn secrets_cannot_be_tested() {
    for text in ["password eq \"x\"", "password pr", "urn:scim:wso2:schema:askPassword eq true"] {
        refused(text);
    }
}

#[test]
fn fifty_terms_and_twenty_levels_are_the_limit() {
    let terms = |count: usize| vec!["userName pr"; count].join(" or ");
    assert!(Filter::parse(user(), &terms(50)).is_ok());
    refused(&terms(51));
    let nested = |depth: usize| format!("{}userName pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(user(), &nested(20)).is_ok());
    refused(&nested(21));
    let negated = |depth: usize| format!("{}userName pr{}", "not (".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(user(), &negated(20)).is_ok());
    refused(&negated(21));
    refused(&nested(100_000));
    refused(&format!("{}emails[type pr]{}", "(".repeat(20), ")".repeat(20)));
    assert!(Filter::parse(user(), &format!("{}emails[type pr]{}", "(".repeat(19), ")".repeat(19))).is_ok());
    refused(&format!("userName eq \"{}\"", "x".repeat(MAX_LENGTH)));
}

#[test]
fn in_a_search_over_several_types_a_missing_attribute_is_unassigned() {
    let group = Registry::example().resource_type("Group").expect("there are groups");
    let parse = |text: &str| Filter::parse_for_any([&**user(), &**group], text);
    let on_group = |text: &str| parse(text).expect("a valid filter")[1].matches(&Document::new());
    assert!(!on_group("userName eq \"x\""));
    assert!(on_group("userName ne \"x\""));
    assert!(on_group("userName eq null"));
    assert!(!on_group("emails[type eq \"work\"]"));
    assert!(on_group("not (userName pr)"));
    assert!(parse("nope pr").is_err());
}

#[test]
fn white_space_around_a_text_is_no_part_of_it_where_the_attribute_says_so() {
    for (filter, name, expected) in [
        (r#"userName eq " kim\n""#, "kim", true),
        (r#"userName eq " kim ""#, " kim ", true),
        (r#"userName eq "kim""#, "kim", true),
        (r#"userName ne " kim ""#, "kim", false),
        (r#"userName ne " kim ""#, "lee", true),
        (r#"title eq " kim ""#, "kim", false),
        (r#"userName sw " k""#, "kim", false),
    ] {
        let document = json!({ "userName": name, "title": name });
        let holds = parse(filter).matches(document.as_object().expect("an object"));
        assert_eq!(holds, expected, "{filter} {name:?}");
    }
}
