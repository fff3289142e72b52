//! What becomes of a mail when its provider tells of it, with every provider.

use std::time::Duration;

use latchkey::mail::webhooks::cloudflare;
use latchkey::store::bounces;
use serde_json::json;

use super::vendors::{Kind, Told, Vendor};
use super::{app, delivery, invited, mail, now, post};
use crate::support::Faulty;

#[test]
fn a_bounce_reaches_the_invitation() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        assert_eq!(delivery(&app, &user), "sent");
        let reply = post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app)));
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({ "received": 1 })), "{vendor:?}");
        assert_eq!(reply.trips(), 1, "{vendor:?}");
        let (state, error) = mail(&app, &user);
        assert_eq!((state.as_str(), delivery(&app, &user)), ("bounced", json!("bounced")), "{vendor:?}");
        assert!(error.starts_with("bounced: "), "{vendor:?}: {error}");
        let filter = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:delivery%20eq%20%22bounced%22";
        let found = app.admin("GET", &format!("/scim2/Users?filter={filter}"), "").json();
        assert_eq!(found["Resources"][0]["id"], user, "{vendor:?}");
        let listed = app.admin("GET", "/api/mail?state=bounced", "").json();
        assert_eq!(listed["Resources"][0]["lastError"], error, "{vendor:?}");
    }
}

#[test]
fn what_a_bounce_says_of_a_person_is_kept_nowhere() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "peter");
        for (number, kind) in [(1, Kind::Soft), (2, Kind::Hard), (3, Kind::Complaint)] {
            post(&app, vendor, &vendor.hook(Told { kind, user: &user, number }, now(&app)));
        }
        assert_eq!(mail(&app, &user).0, "complained", "{vendor:?}");
        // The webhooks are about another address than the user's.
        assert!(!app.dump().contains("paul@example.com"), "{vendor:?}");
        let log = app.native.log.to_text();
        assert!(!log.contains("paul@example.com") && !log.contains(&vendor.secret()), "{vendor:?}: {log}");
    }
}

#[test]
fn a_delay_is_noted_and_the_mail_stays_sent() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let reply = post(&app, vendor, &vendor.hook(Told { kind: Kind::Soft, user: &user, number: 1 }, now(&app)));
        assert_eq!(reply.status, 200, "{vendor:?}");
        let (state, error) = mail(&app, &user);
        assert_eq!((state.as_str(), delivery(&app, &user)), ("sent", json!("sent")), "{vendor:?}");
        assert!(error.starts_with("delayed"), "{vendor:?}: {error}");
    }
}

fn id_of(app: &crate::support::App, name: &str) -> String {
    let found = app.scim().filter("/scim2/Users", &format!("userName eq \"{name}\""));
    found[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_delivery_is_noted_and_changes_nothing_else() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let invitation = || {
            let path = format!("/scim2/Users/{}", id_of(&app, "paul"));
            app.scim().get(&path).json()["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"].clone()
        };
        assert!(invitation().get("deliveredAt").is_none(), "{vendor:?}");
        let reply = post(&app, vendor, &vendor.hook(Told { kind: Kind::Delivered, user: &user, number: 1 }, now(&app)));
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({ "received": 0 })), "{vendor:?}");
        assert_eq!(reply.trips(), 1, "{vendor:?}");
        assert_eq!(mail(&app, &user), ("sent".to_owned(), String::new()), "{vendor:?}");
        let said = invitation();
        let delivered = said["deliveredAt"].as_str().unwrap_or_default().to_owned();
        assert!(delivered.starts_with("20") && said["delivery"] == "sent", "{vendor:?}: {said}");
        let mails = app.admin("GET", "/api/mail", "").json();
        assert_eq!(mails["Resources"][0]["deliveredAt"], json!(delivered), "{vendor:?}: {mails}");
        let listed = app.admin("GET", "/api/invitations?status=pending", "").json();
        assert_eq!(listed["Resources"][0]["deliveredAt"], json!(delivered), "{vendor:?}: {listed}");
        let filter = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:deliveredAt pr";
        assert_eq!(app.scim().count("/scim2/Users", filter), 1, "{vendor:?}");
        // Another mail has another fate: the present one is not said to have arrived.
        app.native.clock.advance(std::time::Duration::from_secs(60));
        app.admin("POST", &format!("/api/invitations/{}/resend", id_of(&app, "paul")), "");
        app.deliver();
        assert!(invitation().get("deliveredAt").is_none(), "{vendor:?}: {}", invitation());
    }
}

#[test]
fn in_whatever_order_events_come_the_worst_holds() {
    use Kind::{Complaint, Delivered, Hard, Soft};
    for vendor in Vendor::ALL {
        for (order, state) in [
            ([Hard, Delivered, Soft], "bounced"),
            ([Soft, Hard, Delivered], "bounced"),
            ([Complaint, Hard, Soft], "complained"),
            ([Hard, Soft, Complaint], "complained"),
            ([Delivered, Complaint, Hard], "complained"),
        ] {
            let (app, _) = app();
            let user = invited(&app, vendor, "paul");
            for (number, kind) in (1..).zip(order) {
                let reply = post(&app, vendor, &vendor.hook(Told { kind, user: &user, number }, now(&app)));
                assert_eq!(reply.status, 200, "{vendor:?} {kind:?}");
            }
            assert_eq!(
                (mail(&app, &user).0.as_str(), delivery(&app, &user)),
                (state, json!(state)),
                "{vendor:?} {order:?}"
            );
        }
    }
}

#[test]
fn several_events_in_one_webhook_are_brought_in_any_order() {
    for kinds in [[Kind::Complaint, Kind::Hard, Kind::Soft], [Kind::Soft, Kind::Hard, Kind::Complaint]] {
        let (app, _) = app();
        let vendor = Vendor::SendGrid;
        let user = invited(&app, vendor, "paul");
        let other = invited(&app, vendor, "petra");
        let mut all = Vec::new();
        for (number, kind) in (1..).zip(kinds) {
            all.push(vendor.body(Told { kind, user: &user, number }, now(&app))[0].clone());
        }
        all.push(vendor.body(Told { kind: Kind::Hard, user: &other, number: 9 }, now(&app))[0].clone());
        let reply = post(&app, vendor, &vendor.sign(&json!(all), "", now(&app), true));
        assert_eq!(reply.json(), json!({ "received": 4 }));
        assert_eq!((mail(&app, &user).0.as_str(), delivery(&app, &user)), ("complained", json!("complained")));
        assert_eq!((mail(&app, &other).0.as_str(), delivery(&app, &other)), ("bounced", json!("bounced")));
    }
}

#[test]
fn an_event_of_a_mail_that_is_not_ours_is_taken_and_changes_nothing() {
    for vendor in Vendor::ALL {
        let (app, _) = app();
        let user = invited(&app, vendor, "paul");
        let reply = post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: "somebody", number: 1 }, now(&app)));
        assert_eq!(reply.status, 200, "{vendor:?}");
        assert_eq!(mail(&app, &user), ("sent".to_owned(), String::new()), "{vendor:?}");
    }
}

#[test]
fn one_providers_id_is_not_anothers() {
    let (app, _) = app();
    let user = invited(&app, Vendor::Resend, "paul");
    let vendor = Vendor::Postmark;
    post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app)));
    assert_eq!(mail(&app, &user).0, "sent");
}

#[test]
fn a_bounce_of_an_older_mail_leaves_the_newer_invitation_alone() {
    let (app, _) = app();
    let vendor = Vendor::Resend;
    let user = invited(&app, vendor, "paul");
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "value": { "urn:scim:wso2:schema": { "askPassword": true } } }],
    });
    let reply = app.admin("PATCH", &format!("/scim2/Users/{user}"), patch.to_string());
    assert!(reply.status.is_success(), "{}", reply.text);
    assert_eq!(delivery(&app, &user), "queued");
    post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app)));
    assert_eq!(delivery(&app, &user), "queued");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE state = 'bounced'"), 1);
}

#[test]
fn a_bounced_mail_that_is_tried_again_is_a_new_mail() {
    let (app, _) = app();
    let vendor = Vendor::Resend;
    let user = invited(&app, vendor, "paul");
    let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
    post(&app, vendor, &hook);
    let id = app.admin("GET", "/api/mail?state=bounced", "").json()["Resources"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.admin("POST", &format!("/api/mail/{id}/retry"), "").status, 202);
    app.deliver();
    let late = vendor.hook(Told { kind: Kind::Complaint, user: &user, number: 2 }, now(&app));
    for old in [&hook, &late] {
        assert_eq!(post(&app, vendor, old).status, 200);
        assert_eq!((mail(&app, &user).0.as_str(), delivery(&app, &user)), ("sent", json!("sent")));
    }
}

#[test]
fn mails_of_every_tenant_are_found() {
    let (app, _) = app();
    let body = json!({
        "domain": "acme.com",
        "owners": [{
            "username": "kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Lee",
            "provisioningMethod": "invite-via-email",
        }],
    });
    assert_eq!(app.admin("POST", "/api/server/v1/tenants", body.to_string()).status, 201);
    app.deliver();
    let sql = "SELECT user_id FROM outbox WHERE tenant <> 0";
    let user: String = app.native.sqlite.with(|connection| connection.query_row(sql, [], |row| row.get(0)).unwrap());
    let vendor = Vendor::Ses;
    super::taken_by(&app, vendor, &user);
    post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app)));
    let shown = app.admin("GET", &format!("/t/acme.com/scim2/Users/{user}"), "").json();
    assert_eq!(shown["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["delivery"], "bounced");
}

#[test]
fn an_event_that_comes_before_its_mail_is_recorded_waits_for_it() {
    let (app, _) = app();
    let vendor = Vendor::Resend;
    let user = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let reply = post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app)));
    assert_eq!(reply.status, 200);
    app.deliver();
    super::taken_by(&app, vendor, &user);
    assert_eq!(mail(&app, &user).0, "sent");
    bounces::sweep(&app.platform).unwrap();
    assert_eq!((mail(&app, &user).0.as_str(), delivery(&app, &user)), ("bounced", json!("bounced")));
}

#[test]
fn an_event_waits_an_hour_and_is_forgotten_after_a_week() {
    let (app, _) = app();
    let vendor = Vendor::Resend;
    post(&app, vendor, &vendor.hook(Told { kind: Kind::Hard, user: "later", number: 1 }, now(&app)));
    let user = invited(&app, vendor, "paul");
    app.native.sqlite.with(|connection| connection.execute("UPDATE outbox SET provider_id = 'later'", []).unwrap());
    app.native.clock.advance(Duration::from_secs(3601));
    bounces::sweep(&app.platform).unwrap();
    assert_eq!(mail(&app, &user).0, "sent");
    assert_eq!(app.number("SELECT COUNT(*) FROM webhook_events"), 1);
    app.native.clock.advance(Duration::from_secs(7 * 24 * 3600));
    bounces::sweep(&app.platform).unwrap();
    assert_eq!(app.number("SELECT COUNT(*) FROM webhook_events"), 0);
}

#[test]
fn a_webhook_that_the_database_fails_is_sent_again_and_counts_once() {
    for after_commit in [false, true] {
        let (mut app, _) = app();
        let vendor = Vendor::Resend;
        let user = invited(&app, vendor, "paul");
        let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        let whole = app.platform.db.clone();
        app.platform.db = std::sync::Arc::new(Faulty::on_batch(whole, 1, after_commit));
        let reply = post(&app, vendor, &hook);
        assert_eq!((reply.status.as_u16(), reply.header("retry-after").is_empty()), (503, false));
        assert_eq!(post(&app, vendor, &hook).status, 200);
        assert_eq!((mail(&app, &user).0.as_str(), delivery(&app, &user)), ("bounced", json!("bounced")));
    }
}

#[test]
fn cloudflares_events_come_by_the_queue() {
    let event = |kind: &str, payload: serde_json::Value| {
        json!({
            "type": format!("cf.email.sending.message.{kind}"),
            "source": { "type": "email.sending", "zoneId": "zone", "domain": "example.com" },
            "payload": payload,
            "metadata": { "accountId": "account", "eventSchemaVersion": 1, "eventTimestamp": "2026-11-22T10:00:00Z" },
        })
    };
    let (app, _) = app();
    let user = invited(&app, Vendor::Resend, "paul");
    let sql = "UPDATE outbox SET provider = 'cloudflare', provider_id = 'msg_1'";
    app.native.sqlite.with(|connection| connection.execute(sql, []).unwrap());
    let told = |number: u32, more: serde_json::Value| {
        let mut payload = json!({
            "eventId": format!("evt_{number}"), "messageId": "msg_1", "sender": "a@b.c",
            "recipient": "paul@example.com", "terminal": true,
        });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload
    };
    for (number, kind, more, state, error) in [
        (1, "delivered", json!({ "delivery": { "status": "delivered" } }), "sent", ""),
        (2, "deferred", json!({}), "sent", "delayed: deferred"),
        (3, "bounced", json!({ "bounce": { "type": "soft" } }), "sent", "delayed: soft"),
        (4, "bounced", json!({ "bounce": { "type": "hard" } }), "bounced", "bounced: hard"),
        (4, "complained", json!({}), "bounced", "bounced: hard"),
        (5, "complained", json!({}), "complained", "complained"),
        (6, "failed", json!({}), "complained", "complained"),
        (7, "rejected", json!({ "rejection": { "reason": "suppressed" } }), "complained", "complained"),
    ] {
        let told: Vec<_> = cloudflare::read(&event(kind, told(number, more))).into_iter().collect();
        bounces::record(&app.platform, "cloudflare", &told).unwrap();
        assert_eq!(mail(&app, &user), (state.to_owned(), error.to_owned()), "{number} {kind}");
    }
    assert_eq!(delivery(&app, &user), "complained");
    for foreign in [json!("wake"), json!({ "type": "cf.workersAi.model.batch.failed" }), json!(null)] {
        assert_eq!(cloudflare::read(&foreign), None);
    }
}
