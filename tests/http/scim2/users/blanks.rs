//! White space around user names and addresses, and characters that no eye sees in a user name.

use serde_json::{Value, json};

use crate::scim2::client::{PASSWORD, values};
use crate::support::{App, invited};

/// White space of every kind, as it comes along with what people paste and files hold.
const BLANKS: [&str; 9] = [" ", "\n", "\r\n", "\t", "\u{a0}", "\u{3000}", "\u{2028}", "\u{2009}", "\u{85}"];

/// A user of each way of writing these addresses, as PATCH operations.
fn writes_of_addresses(address: &str) -> Vec<Value> {
    vec![
        json!([{ "op": "replace", "path": "emails", "value": [{ "value": address }] }]),
        json!([{ "op": "replace", "path": "emails", "value": address }]),
        json!([{ "op": "add", "path": "emails", "value": [{ "value": address }] }]),
        json!([{ "op": "add", "value": { "emails": [{ "value": address }] } }]),
        json!([{ "op": "replace", "path": "emails.value", "value": address }]),
        json!([{ "op": "replace", "path": "emails[value sw \"ws\"].value", "value": address }]),
    ]
}

#[test]
fn white_space_around_a_user_name_is_no_part_of_it() {
    let app = App::new();
    let admin = app.scim();
    for (index, blank) in BLANKS.iter().enumerate() {
        let name = format!("kim {index}");
        let written = format!("{blank}{name}{blank}{blank}");
        let kim = admin.create("/scim2/Users", &json!({ "userName": written }));
        let before = admin.get(&kim).is(200);
        assert_eq!(before["userName"], name, "{blank:?}");
        for taken in [&name, &written] {
            admin.post("/scim2/Users", &json!({ "userName": taken })).is_error(409, Some("uniqueness"));
        }
        let put = admin.put(&kim, &json!({ "userName": written })).is(200);
        assert_eq!(put, before, "{blank:?}");
        assert_eq!(admin.set(&kim, "userName", written.as_str()).is(200), before);
        assert_eq!(admin.patch(&kim, json!([{ "op": "replace", "value": { "userName": written } }])).is(200), before);
        assert_eq!(
            admin.set(&kim, "userName", format!("{blank}lee {index}")).is(200)["userName"],
            format!("lee {index}")
        );
    }
    for blank in BLANKS {
        for name in [blank.to_owned(), blank.repeat(3)] {
            admin.post("/scim2/Users", &json!({ "userName": name })).is_error(400, Some("invalidValue"));
        }
    }
}

#[test]
fn a_user_name_has_no_character_that_no_eye_sees() {
    let app = App::new();
    let admin = app.scim();
    let kim = admin.create_user("kim");
    let before = admin.get(&kim).is(200);
    let inside = [
        "\0",
        "\t",
        "\n",
        "\u{7f}",
        "\u{85}",
        "\u{9b}",
        "\u{a0}",
        "\u{ad}",
        "\u{61c}",
        "\u{180e}",
        "\u{1680}",
        "\u{2003}",
        "\u{200b}",
        "\u{200d}",
        "\u{200e}",
        "\u{2028}",
        "\u{2029}",
        "\u{202e}",
        "\u{202f}",
        "\u{2060}",
        "\u{2066}",
        "\u{2069}",
        "\u{3000}",
        "\u{feff}",
        "\u{fffb}",
        "\u{e0041}",
    ];
    for hidden in inside {
        let name = format!("ki{hidden}m");
        admin.post("/scim2/Users", &json!({ "userName": name })).is_error(400, Some("invalidValue"));
        admin.put(&kim, &json!({ "userName": name })).is_error(400, Some("invalidValue"));
        admin.set(&kim, "userName", name.as_str()).is_error(400, Some("invalidValue"));
        let bulk = json!({ "method": "POST", "path": "/Users", "bulkId": "b", "data": { "userName": name } });
        assert_eq!(admin.bulk(vec![bulk]).is(200)["Operations"][0]["status"], "400", "{hidden:?}");
    }
    // These are no white space: nothing cuts them from the ends.
    for hidden in ["\0", "\u{200b}", "\u{feff}", "\u{202e}", "\u{1f}", "\u{ad}"] {
        for name in [format!("{hidden}kim"), format!("kim{hidden}"), format!(" {hidden} kim")] {
            admin.post("/scim2/Users", &json!({ "userName": name })).is_error(400, Some("invalidValue"));
        }
    }
    assert_eq!(admin.get(&kim).is(200), before);
    for name in ["kim lee", "José\u{301} ñ", "漢字", "علی", "kim@example.com", "👍\u{fe0f}"] {
        admin.create_user(name);
    }
}

#[test]
fn white_space_around_an_address_is_no_part_of_it() {
    let app = App::new();
    let admin = app.scim();
    for (index, blank) in BLANKS.iter().enumerate() {
        let address = format!("ws{index}@example.com");
        let written = format!("{blank}{address}{blank}\n");
        let mut body = invited(&format!("kim{index}"));
        body["emails"] = json!([{ "value": written, "primary": true }, { "value": format!("{blank}two@example.com"), "type": "home" }]);
        let kim = admin.create("/scim2/Users", &body);
        let before = admin.get(&kim).is(200);
        assert_eq!(before["emails"][0]["value"], address, "{blank:?}");
        assert_eq!(before["emails"][1]["value"], "two@example.com");
        body["emails"] = json!([{ "value": address, "primary": true }, { "value": format!("two@example.com{blank}"), "type": "home" }]);
        body[crate::scim2::client::WSO2] = json!({});
        let put = admin.put(&kim, &body).is(200);
        assert_eq!(put["meta"]["version"], before["meta"]["version"], "{blank:?}");
    }
    app.deliver();
    assert_eq!(app.inbox().len(), BLANKS.len(), "an invitation each, and no second one");

    let mut body = invited("ws");
    body["emails"] = json!([{ "value": "ws@example.com" }]);
    let ws = admin.create("/scim2/Users", &body);
    let before = admin.get(&ws).is(200);
    for blank in BLANKS {
        for operations in writes_of_addresses(&format!("{blank}ws@example.com{blank}")) {
            let after = admin.patch(&ws, operations.clone()).is(200);
            assert_eq!(after, before, "{blank:?} {operations}");
        }
    }
    let mut bulk = json!({ "method": "PUT", "path": ws.trim_start_matches("/scim2"), "data": before });
    bulk["data"]["emails"][0]["value"] = json!(" ws@example.com\n");
    assert_eq!(admin.bulk(vec![bulk]).is(200)["Operations"][0]["version"], before["meta"]["version"]);
    app.deliver();
    assert_eq!(app.inbox().len(), BLANKS.len() + 1);
    // What white space alone is, is nothing; what is inside an address stays wrong.
    let nothing = admin.create("/scim2/Users", &json!({ "userName": "n", "emails": [{ "value": " \n" }] }));
    assert!(admin.get(&nothing).is(200).get("emails").is_none());
    for address in ["w s@example.com", "ws@exam\tple.com", "ws@example.com\u{200b}", "\u{feff}ws@example.com"] {
        body["userName"] = json!("other");
        body["emails"] = json!([{ "value": address }]);
        admin.post("/scim2/Users", &body).is_error(400, Some("invalidValue"));
    }
}

#[test]
fn two_ways_of_writing_an_address_are_one_value() {
    let app = App::new();
    let admin = app.scim();
    let emails = json!([{ "value": "a@example.com" }, { "value": " a@example.com\t" }, { "value": "b@example.com " }]);
    let kim = admin.create("/scim2/Users", &json!({ "userName": "kim", "emails": emails }));
    let told = || values_of(&admin.get(&kim).is(200));
    assert_eq!(told(), ["a@example.com", "b@example.com"]);
    admin
        .patch(&kim, json!([{ "op": "add", "path": "emails", "value": [{ "value": "\u{a0}b@example.com" }] }]))
        .is(200);
    assert_eq!(told(), ["a@example.com", "b@example.com"]);
    admin
        .patch(&kim, json!([{ "op": "remove", "path": "emails", "value": [{ "value": " b@example.com\n" }] }]))
        .is(200);
    assert_eq!(told(), ["a@example.com"]);
    admin.patch(&kim, json!([{ "op": "remove", "path": "emails[value eq \" a@example.com \"]" }])).is(200);
    assert_eq!(told(), Vec::<String>::new());
}

fn values_of(user: &Value) -> Vec<String> {
    let emails = user["emails"].as_array().into_iter().flatten();
    emails.map(|email| email["value"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn filters_find_what_a_create_of_the_same_text_has_stored() {
    let app = App::new();
    let admin = app.scim();
    admin.create("/scim2/Users", &json!({ "userName": " kim ", "emails": [{ "value": " kim@example.com\n" }] }));
    admin.create_user("lee");
    for (filter, count) in [
        ("userName eq \" kim \"", 1),
        ("userName eq \"kim\"", 1),
        ("userName eq \"\\tKIM\\n\"", 1),
        ("userName ne \" kim \"", 1),
        ("emails eq \"\\u00a0kim@example.com\"", 1),
        ("emails.value eq \" kim@example.com\\n\"", 1),
        ("emails[value eq \"kim@example.com \"]", 1),
        ("not (emails.value eq \" kim@example.com \")", 1),
        // Parts of a text are looked for as they are written.
        ("userName sw \" k\"", 0),
        ("userName co \" \"", 0),
        ("userName eq \"k im\"", 0),
        ("displayName eq \" kim \"", 0),
    ] {
        assert_eq!(admin.count("/scim2/Users", filter), count, "{filter}");
    }
}

#[test]
fn who_was_stored_with_white_space_is_read_found_and_changed_in_everything_else() {
    let app = App::new();
    let admin = app.scim();
    let mut body = invited("zzkimzz");
    body["emails"] = json!([{ "value": "zzws@example.comzz", "primary": true }]);
    let kim = admin.create("/scim2/Users", &body);
    let control = admin.create_user("qqlee");
    app.native.sqlite.with(|connection| {
        for statement in [
            "UPDATE resources SET name_key = replace(name_key, 'zz', ' '), document = replace(document, 'zz', ' '), \
             keys = replace(keys, 'zz', ' '), email = replace(email, 'zz', ' '), display = replace(display, 'zz', ' ')",
            "UPDATE value_index SET key = replace(key, 'zz', ' ')",
            "UPDATE outbox SET recipient = 'ws@example.com'",
            "UPDATE resources SET name_key = replace(name_key, 'qq', char(8203)), document = replace(document, 'qq', char(8203))",
        ] {
            connection.execute(statement, []).unwrap();
        }
    });
    app.deliver();
    let mails = app.inbox().len();
    let before = admin.get(&kim).is(200);
    assert_eq!((&before["userName"], &before["emails"][0]["value"]), (&json!(" kim "), &json!(" ws@example.com ")));
    for filter in ["userName eq \" kim \"", "emails.value eq \" ws@example.com \"", "userName co \"kim\""] {
        assert_eq!(admin.count("/scim2/Users", filter), 1, "{filter}");
    }
    // What is the same says nothing, however it is written.
    for same in ["ws@example.com", " ws@example.com ", "\tws@example.com"] {
        let mut whole = before.clone();
        whole["emails"][0]["value"] = json!(same);
        whole["userName"] = json!(same.replace("ws@example.com", "kim"));
        assert_eq!(admin.put(&kim, &whole).is(200), before, "{same:?}");
        let patch = json!([{ "op": "replace", "path": "emails", "value": [{ "value": same, "primary": true }] }]);
        assert_eq!(admin.patch(&kim, patch).is(200)["meta"]["version"], before["meta"]["version"], "{same:?}");
    }
    assert_eq!(admin.set(&kim, "title", "t").is(200)["title"], "t");
    let mut whole = before.clone();
    whole["title"] = json!("u");
    assert_eq!(admin.put(&kim, &whole).is(200)["title"], "u");
    assert_eq!(admin.set(&control, "title", "t").is(200)["userName"], "\u{200b}lee");
    app.deliver();
    assert_eq!(app.inbox().len(), mails);
    // Another name or address takes their place.
    let set = json!([
        { "op": "replace", "path": "emails", "value": [{ "value": " new@example.com", "primary": true }] },
        { "op": "replace", "path": "userName", "value": " kimberly " },
    ]);
    let after = admin.patch(&kim, set).is(200);
    assert_eq!((&after["userName"], &after["emails"][0]["value"]), (&json!("kimberly"), &json!("new@example.com")));
}

#[test]
fn a_store_domain_may_have_white_space_around_it() {
    let app = App::with_stores(&["ACME"]);
    let admin = app.scim();
    for (index, written) in ["ACME/ alice", " ACME/alice ", "ACME /alice", "acme\t/\u{a0}alice\n"].iter().enumerate() {
        let written = written.replace("alice", &format!("alice{index}"));
        let stored = format!("ACME/alice{index}");
        let alice = admin.create("/scim2/Users", &json!({ "userName": written }));
        assert_eq!(admin.get(&alice).is(200)["userName"], stored, "{written:?}");
        admin.post("/scim2/Users", &json!({ "userName": stored })).is_error(409, Some("uniqueness"));
        let version = admin.get(&alice).is(200)["meta"]["version"].clone();
        assert_eq!(admin.put(&alice, &json!({ "userName": written })).is(200)["meta"]["version"], version);
        assert_eq!(admin.count("/scim2/Users", &format!("userName eq \" {stored} \"")), 1);
        let bulk = json!({ "method": "POST", "path": "/Users", "bulkId": "b", "data": { "userName": format!(" ACME/ b{index}") } });
        let group = json!({ "method": "POST", "path": "/Groups", "bulkId": "g",
            "data": { "displayName": format!("g{index}"), "members": values(&["/Users/bulkId:b"]) } });
        let done = admin.bulk(vec![bulk, group]).is(200);
        assert_eq!(done["Operations"][0]["status"], "201", "{done}");
        assert_eq!(done["Operations"][1]["status"], "201", "{done}");
        assert_eq!(admin.count("/scim2/Users", &format!("userName eq \"ACME/b{index}\"")), 1);
    }
    for written in ["ACME/ ", "ACME/\u{a0}", " / ", "NOPE/ alice"] {
        admin.post("/scim2/Users", &json!({ "userName": written })).is_error(400, Some("invalidValue"));
    }
    assert_eq!(
        admin.get(&admin.create("/scim2/Users", &json!({ "userName": "PRIMARY / bob " }))).is(200)["userName"],
        "bob"
    );
}

#[test]
fn a_user_may_write_their_own_address_with_white_space() {
    let app = App::new();
    let body = json!({ "userName": " paul ", "password": PASSWORD, "emails": [{ "value": "p@example.com" }] });
    let paul = app.scim().create("/scim2/Users", &body);
    let me = app.user("paul", PASSWORD);
    let before = me.get("/scim2/Me").is(200);
    let same = json!({ "userName": "\tpaul\n", "emails": [{ "value": " p@example.com\n" }] });
    assert_eq!(me.put("/scim2/Me", &same).is(200), before);
    let patch = json!([{ "op": "replace", "path": "emails", "value": "p@example.com\u{3000}" }]);
    assert_eq!(me.patch("/scim2/Me", patch).is(200), before);
    let patch = json!([{ "op": "replace", "path": "emails", "value": "\u{a0}q@example.com" }]);
    assert_eq!(me.patch("/scim2/Me", patch).is(200)["emails"][0]["value"], "q@example.com");
    assert_eq!(app.scim().get(&paul).is(200)["emails"][0]["value"], "q@example.com");
}
