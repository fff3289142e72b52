//! What somebody does who has never seen the console: invites three people, finds the one whose mail bounced, and mends it.

use latchkey::store::bounces::{MailEvent, MailEventKind, record};

use super::users::link;
use super::{Browser, signed_in};
use crate::support::{App, Reply};

/// The page that an answer leads to.
fn follow(browser: &mut Browser, reply: &Reply) -> Reply {
    assert_eq!(reply.status, 303, "{}", reply.text);
    browser.get(reply.header("location"))
}

#[test]
fn three_are_invited_and_the_one_who_was_not_reached_is_reached() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let home = browser.get("/console");
    assert!(home.words().contains("Add user"), "the first step is offered: {}", home.words());
    let add = link(&home, "Add user").unwrap();
    for name in ["anna", "bea", "carl"] {
        let page = browser.get(&add);
        let (operation, address) = (page.hidden("operation"), format!("{name}@exmaple.com"));
        let fields = [("operation", &*operation), ("username", name), ("ask", "on"), ("email", &address)];
        let done = browser.post(&add, &fields);
        let user = follow(&mut browser, &done);
        assert!(user.words().contains(&format!("The invitation to {address} is on its way.")), "{}", user.words());
    }
    app.deliver();
    app.number("UPDATE outbox SET provider_id = id WHERE TRUE RETURNING 1");
    let message = app.native.sqlite.with(|connection| {
        let sql = "SELECT id FROM outbox WHERE recipient LIKE 'bea@%'";
        connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    });
    let event =
        MailEvent { id: "e".to_owned(), message, kind: MailEventKind::Bounced, class: "no such mailbox".to_owned() };
    record(&app.platform, "inbox", &[event]).unwrap();
    let home = browser.get("/console");
    let bounced = link(&home, "See who was not reached").unwrap();
    let list = browser.get(&bounced);
    assert!(list.words().contains("bea") && !list.words().contains("anna"), "{}", list.words());
    let user = browser.get(&link(&list, "<bdi>bea</bdi>").unwrap_or_else(|| panic!("{}", list.text)));
    assert!(user.words().contains("Bounced: no such mailbox"), "{}", user.words());
    let correct = link(&user, "Correct address and resend").unwrap_or_else(|| panic!("{}", user.text));
    let page = browser.get(&correct);
    let fields = [("operation", page.hidden("operation")), ("email", "bea@example.com".to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let done = browser.post(&correct, &fields);
    let user = follow(&mut browser, &done);
    assert!(user.words().contains("bea@example.com"), "{}", user.words());
    app.deliver();
    assert_eq!(app.inbox()[0]["to"], "bea@example.com");
    assert!(browser.get("/console").words().contains("0 Bounced"));
    if std::env::var_os("WORDS").is_some() {
        for page in [home, list, user, browser.get(&add), page] {
            println!("== {}\n", page.words());
        }
    }
}
