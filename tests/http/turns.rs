//! Tenants and user stores take turns: nobody's mails wait for the queue of another.

use std::sync::Arc;

use latchkey::mail::sender::{self, Report};
use latchkey::model::tenant::Tenant;
use latchkey::native::Sqlite;
use serde_json::json;

use crate::provider::{answer, with_resend};
use crate::support::{App, invited};

/// A look, its lease and what became of the mails, of one batch.
fn batches(app: &App, count: u32) -> Report {
    sender::run(&app.platform, &app.deployment, app.service.mail_health(), count).unwrap()
}

/// Queues this many more mails to the users of a tenant who have one, older than it.
fn queue_more(sqlite: &Sqlite, tenant: &str, count: u32) {
    let sql = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2) \
        INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due) \
        SELECT tenant, id || '-' || n, user_id, template, seq, recipient, state, created, due - 1 FROM n, outbox \
        WHERE tenant = ?1 AND id = (SELECT min(id) FROM outbox o WHERE o.tenant = ?1)";
    let number = Tenant::from_domain(tenant).number().cast_signed();
    let queued = sqlite.with(|connection| connection.execute(sql, (number, count)).unwrap());
    assert_eq!(queued, count as usize);
}

/// A tenant with one mail, to somebody at its domain.
fn tenant_with_mail(app: &App, domain: &str) {
    app.create_tenant(domain);
    let mut user = invited("paul");
    user["emails"][0]["value"] = json!(format!("paul@{domain}"));
    let reply = app.admin("POST", &format!("/t/{domain}/scim2/Users"), user.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
}

fn sent_of(app: &App, domain: &str) -> i64 {
    let number = Tenant::from_domain(domain).number();
    app.number(&format!("SELECT count(*) FROM outbox WHERE tenant = {number} AND state = 'sent'"))
}

#[test]
fn a_mail_waits_for_no_other_tenants_queue() {
    let app = App::new();
    app.invite("ada");
    queue_more(&app.native.sqlite, "carbon.super", 1_000);
    for domain in ["acme.com", "globex.com"] {
        tenant_with_mail(&app, domain);
    }
    assert_eq!(batches(&app, 1), Report { sent: 100, ..Report::default() });
    assert_eq!((sent_of(&app, "acme.com"), sent_of(&app, "globex.com"), sent_of(&app, "carbon.super")), (1, 1, 98));
    assert_eq!(batches(&app, 1).sent, 100, "what has the queue to itself has the whole batch");
}

#[test]
fn of_more_tenants_than_a_batch_has_mails_each_has_its_turn() {
    let app = App::new();
    let domains: Vec<String> = (0..250).map(|number| format!("tenant{number}.example")).collect();
    for domain in &domains {
        tenant_with_mail(&app, domain);
        queue_more(&app.native.sqlite, domain, 5);
    }
    assert_eq!(batches(&app, 3).sent, 300);
    let waiting: Vec<_> = domains.iter().filter(|domain| sent_of(&app, domain) == 0).collect();
    assert_eq!(waiting, Vec::<&String>::new());
    assert_eq!(batches(&app, 100).sent, 1_200, "and nothing is left");
}

#[test]
fn a_tenant_whose_mails_must_wait_keeps_no_other_waiting() {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=1/day")]);
    app.invite("ada");
    queue_more(&app.native.sqlite, "carbon.super", 1_000);
    tenant_with_mail(&app, "acme.com");
    let first = batches(&app, 1);
    assert_eq!((first.sent, sent_of(&app, "acme.com")), (2, 1));
    assert_eq!(first.deferred, 98);
    assert_eq!(batches(&app, 20), Report { deferred: 902, ..Report::default() });
    tenant_with_mail(&app, "globex.com");
    assert_eq!(batches(&app, 1).sent, 1);
}

#[test]
fn a_tenant_whose_mails_the_provider_refuses_keeps_no_other_waiting() {
    let (app, _) = with_resend(|_, request| {
        let body = String::from_utf8_lossy(request.body());
        let is_ours = body.contains("acme.com") || body.contains("globex.com");
        if is_ours { answer(200, r#"{"id":"x"}"#) } else { answer(422, r#"{"name":"validation_error"}"#) }
    });
    app.invite("ada");
    queue_more(&app.native.sqlite, "carbon.super", 1_000);
    tenant_with_mail(&app, "acme.com");
    assert_eq!(batches(&app, 1), Report { sent: 1, deferred: 0, ended: 99 });
    tenant_with_mail(&app, "globex.com");
    assert_eq!(batches(&app, 1).sent, 1);
}

#[test]
fn a_mail_waits_for_no_other_user_stores_queue() {
    let app = App::with_stores(&["ACME", "GLOBEX"]);
    for name in ["paul", "ACME/ada", "GLOBEX/kim"] {
        app.invite(name);
    }
    queue_more(&app.native.sqlite, "carbon.super", 1_000);
    queue_more(&app.stores[0], "carbon.super", 1_000);
    assert_eq!(batches(&app, 3).sent, 201, "a batch of each store");
    let sent = |sqlite: &Arc<Sqlite>| {
        let count = "SELECT count(*) FROM outbox WHERE state = 'sent'";
        sqlite.with(|connection| connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap())
    };
    assert_eq!((sent(&app.stores[0]), sent(&app.stores[1])), (100, 1));
}

#[test]
fn what_a_batch_reads_does_not_depend_on_how_much_is_queued() {
    let steps = |queued: u32| {
        let app = App::new();
        app.invite("ada");
        queue_more(&app.native.sqlite, "carbon.super", queued);
        for domain in ["acme.com", "globex.com"] {
            tenant_with_mail(&app, domain);
        }
        let before = app.native.sqlite.steps();
        assert_eq!(batches(&app, 1).sent, 100);
        app.native.sqlite.steps() - before
    };
    let (few, many) = (steps(500), steps(100_000));
    assert!(many < few + few / 10, "{few} steps for 500 queued mails, {many} for 100,000");
}
