//! The directory over SQLite with D1's limits: what the HTTP tests cannot see, or not often enough.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod cost;
mod filter;
mod limits;
mod membership;
mod paging;
mod plans;
mod support;
mod terms;
mod users;
