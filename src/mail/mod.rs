//! Mail: the outbox in the database, rendering, the sender, one file per provider, and what
//! providers tell of a mail later.

pub mod custom;
pub mod inbox;
pub mod message;
pub mod pace;
pub mod providers;
pub mod render;
pub mod sender;
pub mod template;
pub mod webhooks;
