//! Latchkey: invite users at the edge.
//!
//! An administrator or a SCIM client creates a user with `askPassword`; Latchkey stores the user in D1, mails a signed,
//! expiring link, and the invited person sets a password on a page served by the same Worker. `docs/architecture.md` is
//! the long form of this map:
//!
//! | room | what happens there | what it must not know |
//! |---|---|---|
//! | [`http`] | which path, who is calling, which tenant, which dialect an answer is in | it decides nothing |
//! | [`scim`] | the protocol: schemas, documents, filters, PATCH, lists, errors | HTTP, SQL, attributes by name |
//! | [`directory`] | users and groups: aggregates and their SQL | HTTP |
//! | [`provision`] | SCIM's verbs on resources: create, replace, modify, delete | HTTP, SQL |
//! | [`invite`] | tokens, the account's states, creating and redeeming invitations | HTTP |
//! | [`mail`] | outbox, sender, providers, templates | HTTP requests of ours |
//! | [`access`] | credentials, passwords and their policy, the audit | HTTP |
//! | [`tenant`] | tenants, settings, the deployment's configuration | HTTP |
//! | [`wso2`] | WSO2's endpoints besides SCIM: its bodies and error codes | HTTP, SQL |
//! | [`pages`] | HTML | everything but words and paths |
//! | [`ports`] | the traits through which all of them reach the outside world | |
//! | `edge` | Cloudflare: the only room that knows it | what the rooms decide |
//! | `native` | the same ports over SQLite, for tests and benches | |

pub mod access;
pub mod base;
#[cfg(target_arch = "wasm32")]
pub mod edge;
pub mod http;
pub mod i18n;
pub mod invite;
pub mod mail;
pub mod model;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod native;
pub mod pages;
pub mod ports;
pub mod provision;
pub mod store;
pub mod wso2;
