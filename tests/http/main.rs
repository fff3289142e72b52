//! The HTTP interface over SQLite, laid out like the routes: what each does, in milliseconds, without a runtime.
//! `tests/e2e` shows the same on workerd with D1, KV and Queues.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod access;
mod api;
mod attacks;
mod audit;
mod bounds;
mod complaints;
mod console;
mod external;
mod failover;
mod hooks;
mod limits;
mod links;
mod mail;
mod mail_providers;
mod operations;
mod outbox;
mod password;
mod provider;
mod scim2;
mod secrets;
mod settings;
mod support;
mod switches;
mod templates;
mod wso2;
