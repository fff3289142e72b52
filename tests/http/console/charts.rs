//! `/console`: the charts, exact after what happened.

use std::time::Duration;

use latchkey::store::bounces::{MailEvent, MailEventKind, record, sweep};
use latchkey::store::daily_figures::count_expired;
use serde_json::json;

use super::{Browser, signed_in};
use crate::support::{App, Reply};

const DAY: u64 = 86_400;

fn advance(app: &App, seconds: u64) {
    app.native.clock.advance(Duration::from_secs(seconds));
}

/// The sweep's part in it.
fn count(app: &App) {
    count_expired(&app.platform).unwrap();
}

/// What the provider says of the mails to a person, each event as told by another of its own.
fn tell(app: &App, name: &str, kind: MailEventKind, event: &str) {
    app.native.sqlite.with(|connection| {
        let sql = "UPDATE outbox SET provider_id = id WHERE recipient LIKE ?1 AND state = 'sent'";
        connection.execute(sql, [format!("{name}@%")]).unwrap();
    });
    let sql = format!("SELECT id FROM outbox WHERE recipient LIKE '{name}@%' ORDER BY seq DESC LIMIT 1");
    let message: String =
        app.native.sqlite.with(|connection| connection.query_row(&sql, [], |row| row.get(0)).unwrap());
    let event = MailEvent { id: format!("{name}-{event}"), message, kind, class: String::new() };
    record(&app.platform, "inbox", &[event]).unwrap();
    sweep(&app.platform).unwrap();
}

fn accept(app: &App, link: &str) -> u16 {
    let fields = [("password", "violet-Tugboat-88"), ("confirm", "violet-Tugboat-88")];
    app.post_form(link, &fields).status.as_u16()
}

/// The link in the newest mail to a person.
fn link_of(app: &App, name: &str) -> String {
    let inbox = app.inbox();
    let to_them = inbox.iter().filter(|mail| mail["to"].as_str().unwrap_or_default().starts_with(&format!("{name}@")));
    let mut links = to_them
        .filter_map(|mail| mail["text"].as_str().unwrap().split_whitespace().find(|word| word.contains("/invite/")));
    let link = links.next().unwrap();
    link[link.find("/invite/").unwrap()..].trim_end_matches(['.', ')', '>']).to_owned()
}

/// The rows of the table of this caption, as words.
fn table(page: &Reply, caption: &str) -> Vec<Vec<String>> {
    let table = page.text.split_once(&format!("<caption>{caption}")).expect(caption).1;
    let table = table.split_once("</table>").unwrap().0.split_once("<tbody>").unwrap().1;
    let cells = |row: &str| -> Vec<String> {
        let words = |cell: &str| Reply::words_of(cell.split_once('>').map_or("", |(_, rest)| rest));
        row.split("<t").skip(1).map(words).collect()
    };
    table.split("<tr>").skip(1).map(cells).collect()
}

/// What the bars of the chart of this name say, and what its caption does.
fn chart(page: &Reply, name: &str) -> (Vec<(String, String)>, String) {
    let figure =
        page.text.split_once(&format!("<figcaption>{name}: ")).expect(name).1.split_once("</figure>").unwrap().0;
    let (sum, svg) = figure.split_once("</figcaption>").unwrap();
    assert!(svg.contains("role=\"img\"") && svg.contains(&format!(">{name}</title>")), "{svg}");
    let bars = svg.split("<rect").skip(1).map(|bar| {
        let said = bar.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        let (period, count) = said.split_once(": ").unwrap();
        (period.to_owned(), count.to_owned())
    });
    (bars.collect(), sum.to_owned())
}

/// The page's table of invitations, its rows with anything in them, oldest first; and that the charts say the same.
fn invitations(page: &Reply) -> Vec<(String, [i64; 5])> {
    let rows = table(page, "Invitations");
    for (index, name) in ["Sent", "Delivered", "Accepted", "Expired", "Bounced"].into_iter().enumerate() {
        let (bars, sum) = chart(page, name);
        let of_table: Vec<_> = rows.iter().rev().map(|row| (row[0].clone(), row[index + 1].clone())).collect();
        let shown: Vec<_> = of_table.iter().filter(|(_, count)| count != "0").cloned().collect();
        assert_eq!(bars, shown, "{name}");
        assert_eq!(sum, of_table.iter().map(|(_, count)| count.parse::<i64>().unwrap()).sum::<i64>().to_string());
    }
    let numbers = |row: &Vec<String>| std::array::from_fn(|index| row[index + 1].parse().unwrap());
    let rows = rows.iter().rev().map(|row| (row[0].clone(), numbers(row)));
    rows.filter(|(_, counts)| counts != &[0; 5]).collect()
}

fn by_day(browser: &mut Browser<'_>) -> Vec<[i64; 5]> {
    let page = browser.get("/console?by=day");
    assert_eq!((page.status.as_u16(), page.trips()), (200, 2), "{}", page.text);
    assert_eq!(table(&page, "Invitations").len(), 90);
    invitations(&page).into_iter().map(|(_, counts)| counts).collect()
}

#[test]
fn each_fact_is_counted_once_on_its_day() {
    let app = App::new();
    count(&app);
    for name in ["anna", "bea", "carl", "dora", "emil"] {
        app.invite(name);
    }
    app.deliver();
    app.deliver();
    // An event that comes twice, another that says the same, and a bounce after the delivery.
    for event in ["1", "1", "2"] {
        tell(&app, "anna", MailEventKind::Delivered, event);
        tell(&app, "bea", MailEventKind::Bounced, event);
    }
    tell(&app, "anna", MailEventKind::Delayed, "3");
    tell(&app, "carl", MailEventKind::Complained, "1");
    let link = link_of(&app, "anna");
    advance(&app, 1_800);
    assert_eq!([accept(&app, &link), accept(&app, &link)], [200, 410], "the second one loses");
    let mut browser = signed_in(&app, "alice", "admin");
    assert_eq!(by_day(&mut browser), [[5, 1, 1, 0, 1]]);
    // The next day the others expire, and are counted once; a bounce comes late.
    advance(&app, DAY);
    for _ in 0..3 {
        count(&app);
    }
    tell(&app, "emil", MailEventKind::Delivered, "1");
    tell(&app, "emil", MailEventKind::Bounced, "2");
    let mut browser = signed_in(&app, "alma", "admin");
    assert_eq!(by_day(&mut browser), [[5, 1, 1, 0, 1], [0, 1, 0, 4, 1]]);
    // Dora is mailed again: one more mail, and no more people.
    let dora = app.scim().get("/scim2/Users?filter=userName%20eq%20dora").is(200)["Resources"][0]["id"].clone();
    app.admin("POST", &format!("/api/invitations/{}/resend", dora.as_str().unwrap()), "");
    app.deliver();
    assert_eq!(accept(&app, &link_of(&app, "dora")), 200);
    count(&app);
    let page = browser.get("/console");
    let words = page.words();
    assert!(words.contains("Acceptance rate: 40% . Of the 5 people who were first mailed since "), "{words}");
    assert_eq!(
        table(&page, "From the first mail").iter().map(|row| row[1].clone()).collect::<Vec<_>>(),
        ["1", "0", "1", "0", "0"]
    );
    let (bars, sum) = chart(&page, "Time to accept");
    let bar = |name: &str| (name.to_owned(), "1".to_owned());
    assert_eq!((bars, sum), (vec![bar("Within an hour"), bar("Within 3 days")], "2".to_owned()));
    let rows = table(&page, "Invitations");
    assert_eq!(rows.len(), 13, "weeks");
    let weeks = invitations(&page);
    let sums = weeks.iter().fold([0; 5], |sums, (_, counts)| std::array::from_fn(|index| sums[index] + counts[index]));
    assert_eq!(sums, [6, 2, 2, 4, 2]);
    assert_eq!(app.number("SELECT COUNT(*) FROM daily_figures"), 2, "a row a day");
}

#[test]
fn an_import_is_a_batch_of_its_own_and_user_stores_are_added_up() {
    let app = App::with_stores(&["ACME"]);
    let csv = "userName,email\nanna,anna@example.com\nACME/bea,bea@example.com\ncarl,carl@example.com\n";
    let job = json!({ "action": "import", "csv": csv }).to_string();
    let reply = app.admin("POST", "/api/jobs", job);
    assert_eq!(reply.status, 202, "{}", reply.text);
    app.work_off_jobs();
    app.invite("dora");
    app.deliver();
    for name in ["anna", "bea", "dora"] {
        assert_eq!(accept(&app, &link_of(&app, name)), 200, "{name}");
    }
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console");
    assert_eq!(page.trips(), 3, "one more for the store");
    let batches = table(&page, "Acceptance by batch");
    assert!(batches[0][0].starts_with("Import of "), "{batches:?}");
    assert_eq!(batches[0][1..], ["3", "2", "66%"]);
    assert_eq!(batches[1][1..], ["4", "3", "75%"], "the week has everybody");
    assert!(page.text.contains(&format!("href=\"/console/jobs/{}\"", reply.json()["id"].as_str().unwrap())));
    assert_eq!(invitations(&page)[0].1, [4, 0, 3, 0, 0]);
    // After a month there is no page of the job any more, and after three nothing is shown.
    advance(&app, 31 * DAY);
    let page = Browser::signed_in(&app, "", "alice", crate::scim2::client::PASSWORD).get("/console");
    assert!(page.words().contains("Import of ") && !page.text.contains("href=\"/console/jobs/"), "{}", page.words());
    advance(&app, 61 * DAY);
    let page = Browser::signed_in(&app, "", "alice", crate::scim2::client::PASSWORD).get("/console");
    assert!(!page.words().contains("Import of ") && invitations(&page).is_empty(), "{}", page.words());
    assert!(page.words().contains("Nobody has been invited by mail since "), "{}", page.words());
}

#[test]
fn figures_are_of_the_tenant_alone() {
    let app = App::new();
    app.create_tenant("acme.example");
    app.invite("anna");
    app.deliver();
    assert_eq!(app.number("SELECT COUNT(*) FROM daily_figures WHERE tenant = 0 AND sent = 1"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM daily_figures WHERE tenant <> 0 AND invited > 1"), 0);
}
