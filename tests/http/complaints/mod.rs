//! What users of other invitation systems have complained about for years, a test each: none of it can be reproduced here.
//!
//! `threads` follows the table of threads in the project's reference notes on other systems, `wso2` WSO2's own bugs.
//!
//! Not here, because there is nothing that could be complained about in the same way:
//!
//! | complaint | why |
//! |---|---|
//! | mail scanners that run scripts (portier-broker#1005) | the pages have no script that sends anything; `tests/e2e` shows them in a browser |
//! | two settings for one expiry (product-is#1801) | there is one per kind of link (`switches.rs`) |
//! | 501 or 500 of resend-code (product-is#27799), 500 of the offline link for unknown users (#19456, #18912) | `wso2/codes.rs` has every refusal with its code |
//! | the database of one tenant seen from another (product-is#14958) | `wso2/tenants.rs` |
//! | users of sub-organizations (product-is#18912) | there are none |
//! | a legacy listener that breaks creation (product-is#3477) | there are no listeners; the case itself is in `wso2` |
//! | orchestrated flows (product-is#26713), SMS and OTP variants | there are none |

mod console;
mod threads;
mod wso2;

use serde_json::{Value, json};

use crate::scim2::client::WSO2;
use crate::support::{App, Reply, invited};

const PASSWORD: &str = "walking the dog at nine";

/// Redeems a link.
fn redeem(app: &App, link: &str) -> Reply {
    app.post_form(link, &[("password", PASSWORD), ("confirm", PASSWORD)])
}

/// Creates a user with these flags and a password, and answers the user.
fn create(app: &App, user_name: &str, flags: &Value) -> Value {
    let mut body = invited(user_name);
    body[WSO2] = flags.clone();
    body["password"] = json!(PASSWORD);
    let reply = app.admin("POST", "/scim2/Users", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()
}

fn path(user: &Value) -> String {
    format!("/scim2/Users/{}", user["id"].as_str().unwrap())
}

fn resend(app: &App, user: &Value) -> Reply {
    app.admin("POST", &format!("/api/invitations/{}/resend", user["id"].as_str().unwrap()), "")
}
