//! The parameters of lists and searches, with defaults and limits.

use serde_json::json;

use crate::error::ScimType;
use crate::query::*;
use crate::schema::Registry;

fn request(query: &[(&str, &str)]) -> Result<ListRequest, Option<ScimType>> {
    ListRequest::from_pairs(query.iter().copied()).map_err(|error| error.scim_type)
}

fn page(query: &[(&str, &str)]) -> Page {
    request(query).expect("valid parameters").page
}

fn user() -> &'static Arc<ResourceType> {
    Registry::example().resource_type("User").expect("there are users")
}

#[test]
fn defaults() {
    assert_eq!(request(&[]), Ok(ListRequest::default()));
    assert_eq!(page(&[]), Page { start: Start::Index(1), count: 100 });
    assert_eq!(request(&[("sortBy", ""), ("startIndex", ""), ("count", ""), ("x", "y")]), Ok(ListRequest::default()));
}

#[test]
fn an_empty_filter_is_a_mistake() {
    for empty in ["", " ", "\t\n"] {
        assert_eq!(request(&[("filter", empty)]), Err(Some(ScimType::InvalidFilter)));
        assert_eq!(request(&[("FILTER", empty), ("count", "0")]), Err(Some(ScimType::InvalidFilter)));
        let search = ListRequest::from_search_request(&json!({ "filter": empty, "attributes": ["userName"] }));
        assert_eq!(search.map_err(|error| error.scim_type), Err(Some(ScimType::InvalidFilter)));
    }
    assert!(ListRequest::from_search_request(&json!({ "filter": null })).is_ok());
}

#[test]
fn attributes_are_read_without_their_value_filters() {
    let shown = |list: &str| {
        let request = ListRequest::from_pairs([("attributes", list)]).expect("well formed");
        let mut document = json!({
            "id": "1", "userName": "kim", "title": "t",
            "emails": [{ "value": "w@example.com", "type": "work" }, { "value": "h@example.com", "type": "home" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "d", "division": "v" },
        });
        let document = document.as_object_mut().expect("an object");
        request.resolve(user()).expect("a query").projection.apply(document);
        document.shift_remove("id");
        Value::Object(std::mem::take(document))
    };
    let emails = shown("emails");
    assert_eq!(emails["emails"].as_array().map(Vec::len), Some(2));
    for list in [
        "emails[type eq \"work\"]",
        "EMAILS[type eq work]",
        "emails[value eq \"a,b\\\"]\"] ",
        "emails[type eq \"work\", primary]",
        "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"work\"]",
        "emails[type eq \"work\"",
    ] {
        assert_eq!(shown(list), emails, "{list}");
    }
    assert_eq!(shown("emails[type eq \"work\"].value,userName"), shown("userName, emails.value"));
    assert_eq!(shown("emails[a eq \"x,title\"],userName"), shown("emails,userName"));
    let department = shown("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department");
    assert_eq!(shown("department"), department);
    assert_ne!(department, json!({}));
}

#[test]
fn p12_indexes_and_counts_out_of_range_are_brought_into_it() {
    assert_eq!(page(&[("startIndex", "0")]).start, Start::Index(1));
    assert_eq!(page(&[("startIndex", "-5")]).start, Start::Index(1));
    assert_eq!(page(&[("startIndex", "99999999999999999999")]).start, Start::Index(i64::MAX as u64));
    assert_eq!(page(&[("count", "0")]).count, 0);
    assert_eq!(page(&[("count", "-1")]).count, 0);
    assert_eq!(page(&[("COUNT", "1001")]).count, 1_000);
    assert_eq!(page(&[("count", "1"), ("startIndex", "1")]), Page { start: Start::Index(1), count: 1 });
    for wrong in ["x", "1.5", "0x10", "-", "+1"] {
        assert_eq!(request(&[("count", wrong)]), Err(Some(ScimType::InvalidValue)), "{wrong}");
        assert_eq!(request(&[("startIndex", wrong)]), Err(Some(ScimType::InvalidValue)), "{wrong}");
    }
}

#[test]
fn p31_a_cursor_may_be_empty_or_one_we_gave_out() {
    assert_eq!(page(&[("cursor", ""), ("count", "10")]), Page { start: Start::FirstCursor, count: 10 });
    assert_eq!(page(&[("cursor", "aZ0-._~"), ("startIndex", "9")]).start, Start::Cursor("aZ0-._~".into()));
    for wrong in ["a b", "a+b", "é", &"a".repeat(5_000)] {
        assert_eq!(request(&[("cursor", wrong)]), Err(Some(ScimType::InvalidCursor)));
    }
    assert_eq!(request(&[("cursor", ""), ("count", "x")]), Err(Some(ScimType::InvalidCount)));
}

#[test]
fn a_search_request_says_the_same_as_a_url() {
    let body = json!({
        "schemas": [SEARCH_REQUEST_SCHEMA], "filter": "userName pr", "sortBy": "userName", "sortOrder": "Descending", "startIndex": 3, "count": 5,
        "attributes": ["userName", "name.givenName , title"],
    });
    let url = [
        ("filter", "userName pr"),
        ("sortBy", "userName"),
        ("sortOrder", "descending"),
        ("startIndex", "3"),
        ("count", "5"),
        ("attributes", "userName,name.givenName, title"),
    ];
    assert_eq!(ListRequest::from_search_request(&body), Ok(request(&url).expect("valid parameters")));
    assert_eq!(ListRequest::from_search_request(&json!({})), Ok(ListRequest::default()));
    for wrong in [
        json!([]),
        json!({ "filter": 1 }),
        json!({ "count": [] }),
        json!({ "attributes": [1] }),
        json!({ "schemas": ["urn:x"] }),
    ] {
        assert_eq!(
            ListRequest::from_search_request(&wrong).map_err(|error| error.scim_type),
            Err(Some(ScimType::InvalidSyntax)),
            "{wrong}"
        );
    }
    assert!(ListRequest::from_search_request(&json!({ "count": 1.5 })).is_err());
}

#[test]
fn sorting_is_by_a_simple_attribute_that_may_be_read() {
    let sort = |path: &str| {
        Sort::parse(user(), path, false).map(|sort| sort.path.to_string()).map_err(|error| error.scim_type)
    };
    assert_eq!(sort("NAME.familyname"), Ok("name.familyName".into()));
    assert_eq!(sort("emails"), Ok("emails.value".into()));
    assert_eq!(sort("meta.created"), Ok("meta.created".into()));
    for wrong in ["nope", "name", "password", "x509Certificates", "urn:scim:wso2:schema:askPassword", "addresses"] {
        assert_eq!(sort(wrong), Err(Some(ScimType::InvalidPath)), "{wrong}");
    }
    assert_eq!(request(&[("sortOrder", "up")]), Err(Some(ScimType::InvalidValue)));
}

#[test]
fn a_request_resolves_to_a_query() {
    let query = request(&[
        ("filter", "userName eq \"u\""),
        ("sortBy", "userName"),
        ("sortOrder", "descending"),
        ("excludedAttributes", "groups"),
    ])
    .expect("valid parameters")
    .resolve(user())
    .expect("names that exist");
    assert_eq!(query.filter.map(|filter| filter.to_string()).as_deref(), Some("userName eq \"u\""));
    assert!(query.sort.is_some_and(|sort| sort.descending));
    assert!(!query.projection.wants("groups"));
}

#[test]
fn a_search_at_the_root_knows_every_types_attributes() {
    let types = Registry::example().resource_types();
    let request = request(&[("filter", "userName eq \"u\" or displayName eq \"g\""), ("sortBy", "userName")])
        .expect("valid parameters");
    let queries = request.resolve_for_any(types).expect("names that exist");
    assert_eq!(queries.len(), 2);
    assert!(queries[0].sort.is_some() && queries[1].sort.is_none());
    let group = json!({ "displayName": "g" });
    let matches = |query: &Query| {
        query.filter.as_ref().is_some_and(|filter| filter.matches(group.as_object().expect("an object")))
    };
    assert!(matches(&queries[1]));
    for (name, value) in [("filter", "nope eq \"x\""), ("sortBy", "nope")] {
        assert!(self::request(&[(name, value)]).expect("valid parameters").resolve_for_any(types).is_err());
    }
}
