//! The HTTP interface over SQLite, laid out like the routes: what each does, in milliseconds, without a runtime.
//! `tests/e2e` shows the same on workerd with D1, KV and Queues.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod access;
mod api;
mod attacks;
mod bounds;
mod caching;
mod complaints;
mod console;
mod coroutine;
mod external;
mod failover;
mod hooks;
mod limits;
mod mail;
mod mail_providers;
mod operations;
mod pages;
mod password;
mod provider;
mod reminders;
mod scim2;
mod secrets;
mod support;
mod switches;
mod template_links;
mod templates;
mod turns;
mod walk;
mod wso2;
