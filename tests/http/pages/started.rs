//! When somebody began to set a password: the first POST with one, or what the page's script says.

use crate::support::App;

fn started(app: &App) -> i64 {
    app.number("SELECT COUNT(*) FROM resources WHERE started_at IS NOT NULL")
}

#[test]
fn a_look_and_an_empty_form_write_nothing() {
    let (app, link) = App::with_invitation();
    let before = app.dump();
    app.anyone("GET", &link);
    for form in [vec![], vec![("password", "")], vec![("password", ""), ("confirm", "x")]] {
        assert_eq!(app.post_form(&link, &form).status, 422);
    }
    assert_eq!(app.anyone("GET", &format!("{link}/started")).status, 405);
    assert_eq!(app.dump(), before);
}

#[test]
fn a_password_that_is_refused_is_a_start_and_costs_no_round_trip_more() {
    let (app, link) = App::with_invitation();
    let reply = app.post_form(&link, &[("password", "short"), ("confirm", "short")]);
    assert_eq!((reply.status.as_u16(), reply.trips(), started(&app)), (422, 1, 1));
    let at = app.number("SELECT started_at FROM resources WHERE name_key = 'paul'");
    app.native.clock.advance(std::time::Duration::from_secs(5));
    app.post_form(&link, &[("password", "short"), ("confirm", "other")]);
    assert_eq!(app.number("SELECT started_at FROM resources WHERE name_key = 'paul'"), at, "once for each link");
}

#[test]
fn an_accepted_password_is_one_too() {
    let (app, link) = App::with_invitation();
    let password = crate::scim2::client::PASSWORD;
    let reply = app.post_form(&link, &[("password", password), ("confirm", password)]);
    assert_eq!((reply.status.as_u16(), reply.trips(), started(&app)), (200, 2, 1));
}

#[test]
fn the_script_says_so_once_with_an_answer_that_leaves_the_page() {
    let (app, link) = App::with_invitation();
    let reply = app.post_form(&format!("{link}/started"), &[]);
    assert_eq!((reply.status.as_u16(), reply.text.as_str(), reply.trips(), started(&app)), (204, "", 1, 1));
    assert_eq!(app.post_form(&format!("{link}/started"), &[]).status, 204);
    // As a mail program has spelt it.
    assert_eq!(app.post_form(&format!("{link}=3E/started"), &[]).status, 204);
    assert!(app.anyone("GET", &link).text.contains("type=\"password\""), "the link lives");
}

#[test]
fn a_forged_an_expired_and_a_dead_link_start_nothing() {
    let (app, link) = App::with_invitation();
    let other = if link.ends_with('A') { 'E' } else { 'A' };
    let forged = app.post_form(&format!("{}{other}/started", &link[..link.len() - 1]), &[]);
    assert_eq!((forged.status.as_u16(), forged.trips()), (404, 0));
    let id = app.scim().filter("/scim2/Users", "userName eq \"paul\"")[0]["id"].as_str().unwrap().to_owned();
    app.admin("POST", &format!("/api/invitations/{id}/revoke"), "");
    app.post_form(&format!("{link}/started"), &[]);
    app.post_form(&link, &[("password", "short")]);
    assert_eq!(started(&app), 0);
    app.native.clock.advance(std::time::Duration::from_secs(400 * 86_400));
    let late = app.post_form(&format!("{link}/started"), &[]);
    assert_eq!((late.status.as_u16(), late.trips(), started(&app)), (410, 0, 0));
}
