//! The traits through which the rooms reach the outside world, and the values that cross them.
//!
//! `edge/` satisfies them with Cloudflare's bindings, `native/` with SQLite and the operating system, so the same
//! router and the same SQL run on workerd and under `cargo test`. Everything is dynamic dispatch: one copy of the
//! code in the wasm, and a call into D1 costs a million times more than a virtual call.

mod body;
mod cache;
mod clock;
mod database;
mod files;
mod http;
mod limiter;
mod log;
mod mail;
mod meter;
mod platform;
mod signatures;
mod tasks;

pub use crate::base::calendar::Millis;

pub use self::body::IncomingBody;
pub use self::cache::{Cache, CacheError};
pub use self::clock::{Clock, Entropy};
pub use self::database::{Database, DatabaseError, Outcome, Row, Statement, Value};
pub use self::files::Files;
pub use self::http::{HttpClient, HttpError};
pub use self::limiter::{RateLimiter, RequestKind};
pub use self::log::Log;
pub use self::mail::{EmailBinding, EmailError, MailQueue};
pub use self::meter::Meter;
pub use self::platform::{Platform, StoreDatabase, store_of};
pub use self::signatures::{SignatureScheme, SignatureVerifier};
pub use self::tasks::Tasks;
