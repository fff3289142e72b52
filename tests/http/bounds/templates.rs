//! Bounds of mail templates and of what they make.

use serde_json::{Value, json};

use super::Bound;
use crate::support::{App, Reply, invited};
use crate::templates::ASK;

const LINK: &str = "{{invitation-link}} ";
const KIB: usize = 1024;

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "bytes of a mail template's body, footer and text part together",
        largest_allowed: || {
            assert_eq!(put(&App::new(), &template(64 * KIB, 0, 0)).status, 200);
            assert_eq!(put(&App::new(), &template(32 * KIB, 16 * KIB, 16 * KIB)).status, 200);
        },
        smallest_refused: || {
            let app = App::new();
            for too_large in [template(64 * KIB + 1, 0, 0), template(32 * KIB, 16 * KIB, 16 * KIB + 1)] {
                let reply = put(&app, &too_large);
                assert_eq!(reply.status, 400);
                assert!(reply.text.contains("65536"), "{}", reply.text);
            }
        },
    },
    Bound {
        name: "bytes of a mail template's subject",
        largest_allowed: || {
            let mut template = template(100, 0, 0);
            template["subject"] = "s".repeat(KIB).into();
            assert_eq!(put(&App::new(), &template).status, 200);
        },
        smallest_refused: || {
            let mut template = template(100, 0, 0);
            template["subject"] = "s".repeat(KIB + 1).into();
            assert_eq!(put(&App::new(), &template).status, 400);
        },
    },
    Bound {
        name: "bytes of a part of a rendered mail",
        largest_allowed: || assert_eq!(sent_with(512 * KIB), 1),
        smallest_refused: || assert_eq!(sent_with(512 * KIB + 1), 0),
    },
];

/// A template whose body, footer and text part have so many bytes.
fn template(body: usize, footer: usize, text: usize) -> Value {
    let filled = |length: usize| match length {
        0 => String::new(),
        _ => format!("{LINK}{}", "x".repeat(length - LINK.len())),
    };
    json!({ "contentType": "text/html", "subject": "s", "body": filled(body), "footer": filled(footer), "text": filled(text) })
}

fn put(app: &App, template: &Value) -> Reply {
    app.admin("PUT", &format!("{ASK}/org-templates/en_US"), template.to_string())
}

/// How many mails are sent whose HTML has so many bytes.
fn sent_with(bytes: usize) -> usize {
    let app = App::new();
    let names = 2000;
    let html = "{{user.claim.nickName}}".repeat(names);
    let stored = |rest: usize| {
        json!({
            "contentType": "text/html", "subject": "s", "body": format!("{html}{}", "x".repeat(rest)), "footer": "", "text": "{{invitation-link}}",
        })
    };
    // The mail that needs no link in its body is the one that tells of success.
    let path = ASK.replace("QXNrUGFzc3dvcmQ", "QWNjb3VudEFjdGl2YXRpb25TdWNjZXNz");
    let rest = bytes - names * 255;
    assert_eq!(app.admin("PUT", &format!("{path}/org-templates/en_US"), stored(rest).to_string()).status, 200);
    let mut user = invited("kim");
    user["nickName"] = "n".repeat(255).into();
    assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, 201);
    app.deliver();
    let link = app.newest_link();
    assert_eq!(app.post_form(&link, &[("password", "a good enough secret")]).status, 200);
    let report = app.deliver();
    assert_eq!(report.sent + report.ended, 1);
    report.sent
}
