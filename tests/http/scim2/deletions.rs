//! DELETE in Bulk: by sets, each operation with the result that it has alone.

use std::sync::Arc;

use latchkey::http::Service;
use serde_json::{Value, json};

use crate::scim2::client::{BULK, Client, GROUP, PASSWORD, PATCH, USER, id, values};
use crate::support::{App, Faulty, deployment};

const STORES: (&str, &str) = ("USER_STORES", "ACME=DB_ACME");

/// What there is to delete, in an order: the path and the version that is asked for.
type Targets = Vec<(String, Option<&'static str>)>;

fn client<'a>(app: &'a App, token: &str) -> Client<'a> {
    app.nobody().with("authorization", &format!("Bearer {token}"))
}

/// Everything that a deletion may meet, and a token of these scopes; `with_secret` says whether the deployment has the secret
/// administrator.
fn setting(with_secret: bool, scopes: &[&str]) -> (App, String, Targets) {
    let app = App::with(&[STORES]);
    let admin = app.scim();
    let user = |name: &str, roles: &[&str]| {
        let roles: Vec<_> = roles.iter().map(|role| json!({ "value": role })).collect();
        let address = format!("{}@example.com", name.rsplit('/').next().unwrap());
        let emails = json!([{ "value": address, "primary": true }]);
        let body =
            json!({ "schemas": [USER], "userName": name, "password": PASSWORD, "emails": emails, "roles": roles });
        admin.create("/scim2/Users", &body)
    };
    let (paul, anna) = (user("paul", &[]), user("ACME/anna", &[]));
    let (mary, adam) = (user("mary", &[]), user("ACME/adam", &[]));
    let (rita, remo) = (user("rita", &["auditor"]), user("ACME/remo", &["inviter"]));
    let (gina, gero) = (user("gina", &[]), user("ACME/gero", &[]));
    let (alice, bob) = (user("alice", &["admin"]), user("bob", &["admin"]));
    let (arno, alma) = (user("ACME/arno", &[]), user("ACME/alma", &[]));
    let invitee = app.invite("ines")["id"].as_str().unwrap().to_owned();
    app.deliver();
    admin.set(&mary, "title", "Lead").is(200);
    let auditors = admin.create_group("auditor", &[&gina, &gero]);
    let admins = admin.create_group("admin", &[&arno, &alma]);
    let team = admin.create_group("team", &[&paul, &anna, &mary, &gina]);
    let part = admin.create_group("part", &[&paul]);
    let whole = admin.create_group("whole", &[&team, &part]);
    let above = admin.create_group("above", &[&whole]);
    let other = admin.create_group("other", &[&part, &adam]);
    let wrong = format!("/scim2/Users/{}", id(&team));
    let any = |path: &str| (path.to_owned(), None);
    let targets = vec![
        any("/scim2/Users/nobody"),
        any(&paul),
        (mary.clone(), Some("W/\"1\"")),
        any(&anna),
        any(&rita),
        any(&alice),
        any(&bob),
        any(&wrong),
        any(&gina),
        any(&gero),
        any(&remo),
        any(&paul),
        (mary.clone(), Some("W/\"1\"")),
        (mary.clone(), Some("W/\"7\", W/\"2\"")),
        (mary, Some("W/\"2\"")),
        any(&arno),
        any(&alma),
        any(&whole),
        any(&auditors),
        any(&admins),
        (adam.clone(), Some("*")),
        (adam, Some("nonsense")),
        any(&team),
        (other, Some("W/\"1\"")),
        any(&format!("/scim2/Users/{invitee}")),
        any(&bob),
        any("/scim2/Groups/nobody"),
        any(&above),
    ];
    let token = app.token("", scopes).1;
    let app = if with_secret {
        app
    } else {
        let overrides = [STORES, ("ADMIN_USERNAME", ""), ("ADMIN_PASSWORD", "")];
        let deployment = Arc::new(deployment(&overrides));
        App { service: Service::new(Ok(deployment.clone())), deployment, ..app }
    };
    (app, token, targets)
}

fn operation((path, version): &(String, Option<&str>)) -> Value {
    let mut operation = json!({ "method": "DELETE", "path": path.strip_prefix("/scim2").unwrap() });
    if let Some(version) = version {
        operation["version"] = json!(version);
    }
    operation
}

/// A status, and the words of an error.
type Result = (String, String);

fn one_by_one(client: &Client<'_>, targets: &Targets, most_errors: usize) -> Vec<Result> {
    let mut results: Vec<Result> = Vec::new();
    for (path, version) in targets {
        let reply = version.map_or_else(|| client.delete(path), |version| client.if_match(version).delete(path));
        let status = reply.status.as_u16().to_string();
        let detail = if status == "204" { String::new() } else { reply.json()["detail"].to_string() };
        results.push((status, detail));
        if results.iter().filter(|(status, _)| status != "204").count() == most_errors {
            break;
        }
    }
    results
}

fn in_bulk(client: &Client<'_>, targets: &Targets, most_errors: Option<usize>) -> Vec<Result> {
    let operations: Vec<_> = targets.iter().map(operation).collect();
    let mut body = json!({ "schemas": [BULK], "Operations": operations });
    if let Some(most) = most_errors {
        body["failOnErrors"] = json!(most);
    }
    let answer = client.post("/scim2/Bulk", &body).is(200);
    let results = answer["Operations"].as_array().unwrap();
    for (result, (path, _)) in results.iter().zip(targets) {
        assert_eq!(result["location"], format!("https://id.example.com{path}"));
    }
    let detail = |result: &Value| result.get("response").map(|error| error["detail"].to_string()).unwrap_or_default();
    results.iter().map(|result| (result["status"].as_str().unwrap().to_owned(), detail(result))).collect()
}

/// How many rows each table has in each database, and what else must not depend on how users were deleted.
fn remains(app: &App) -> Vec<(String, i64)> {
    let mut remains = Vec::new();
    for (store, sqlite) in std::iter::once(&app.native.sqlite).chain(&app.stores).enumerate() {
        sqlite.with(|connection| {
            let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
            let names: Vec<String> =
                tables.query_map([], |row| row.get(0)).unwrap().map(|name| name.unwrap()).collect();
            let mut counts: Vec<String> = names.iter().map(|name| format!("SELECT COUNT(*) FROM {name}")).collect();
            counts.extend(
                [
                    "SELECT SUM(total) FROM counters",
                    "SELECT COUNT(*) FROM outbox WHERE recipient = ''",
                    "SELECT COUNT(*) FROM audit WHERE action LIKE '%.delete'",
                    "SELECT MAX(number) FROM audit",
                    "SELECT SUM(depth) FROM group_ancestors",
                    "SELECT COUNT(*) FROM api_tokens WHERE created_by LIKE '% %'",
                ]
                .map(str::to_owned),
            );
            for sql in counts {
                let count: Option<i64> = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
                remains.push((format!("{store} {sql}"), count.unwrap_or_default()));
            }
        });
    }
    remains
}

const CALLERS: [&[&str]; 2] = [&["scim:read", "scim:write"], &["scim:read", "scim:write", "roles"]];

#[test]
fn each_has_the_result_that_it_has_alone_and_leaves_as_little() {
    for with_secret in [false, true] {
        for scopes in CALLERS {
            let (alone, token, targets) = setting(with_secret, scopes);
            let expected = one_by_one(&client(&alone, &token), &targets, usize::MAX);
            let (app, token, targets) = setting(with_secret, scopes);
            assert_eq!(in_bulk(&client(&app, &token), &targets, None), expected, "{scopes:?}, {with_secret}");
            assert_eq!(remains(&app), remains(&alone), "{scopes:?}, {with_secret}");
        }
    }
}

#[test]
fn where_errors_are_counted_they_end_exactly_there() {
    for (most, scopes) in [(1, CALLERS[0]), (2, CALLERS[1]), (4, CALLERS[1]), (7, CALLERS[0]), (30, CALLERS[1])] {
        let (alone, token, targets) = setting(false, scopes);
        let expected = one_by_one(&client(&alone, &token), &targets, most);
        let (app, token, targets) = setting(false, scopes);
        assert_eq!(in_bulk(&client(&app, &token), &targets, Some(most)), expected, "{scopes:?}, {most}");
        assert_eq!(remains(&app), remains(&alone), "{scopes:?}, {most}");
    }
}

#[test]
fn what_comes_between_them_finds_them_done() {
    let app = App::new();
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let at = |path: &str| path.strip_prefix("/scim2").unwrap().to_owned();
    let delete = |path: &str| json!({ "method": "DELETE", "path": at(path) });
    let create =
        |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": name } });
    let title = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": "Dr" }] });
    let group = json!({ "schemas": [GROUP], "displayName": "team", "members": values(&[&mary]) });
    let reply = admin.bulk(vec![
        delete(&paul),
        create("paul"),
        json!({ "method": "DELETE", "path": "/Users/bulkId:paul" }),
        create("Paul"),
        delete(&mary),
        json!({ "method": "PATCH", "path": at(&mary), "data": title }),
        json!({ "method": "POST", "path": "/Groups", "bulkId": "team", "data": group }),
        json!({ "method": "DELETE", "path": "/Users/bulkId:nobody" }),
        json!({ "method": "DELETE", "path": "/Nothing/1" }),
        json!({ "method": "DELETE", "path": "/Users/bulkId:Paul" }),
    ]);
    let answers = reply.is(200);
    let statuses: Vec<_> = answers["Operations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["204", "201", "204", "201", "204", "404", "400", "409", "404", "204"]);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 0);
    assert_eq!(app.number("SELECT SUM(total) FROM counters"), 0);
}

#[test]
fn what_a_lost_answer_hides_is_known_from_the_audit() {
    for after_commit in [true, false] {
        let mut app = App::new();
        let targets: Targets = (0..5).map(|number| (app.scim().create_user(&format!("user{number}")), None)).collect();
        app.scim().create_user("ines");
        app.platform.db = Arc::new(Faulty::on_batch(app.platform.db.clone(), 1, after_commit));
        let mut asked = targets.clone();
        asked.push(("/scim2/Users/nobody".to_owned(), None));
        let results = in_bulk(&app.scim(), &asked, None);
        let statuses: Vec<&str> = results.iter().map(|(status, _)| status.as_str()).collect();
        let expected = if after_commit { ["204", "204", "204", "204", "204", "404"] } else { ["503"; 6] };
        assert_eq!(statuses, expected);
        assert_eq!(app.number("SELECT COUNT(*) FROM resources"), if after_commit { 1 } else { 6 });
    }
}
