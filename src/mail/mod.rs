//! Mail: which template, rendering, the sender, one file per provider, and what providers report of a mail later.
//!
//! The outbox itself is `store::outbox`. What happens when a mail bounces: `webhooks` reads the provider's event, and
//! `store::bounces` applies it to the mail and its user.

pub mod claims;
pub mod inbox;
pub mod message;
pub mod preview;
pub mod providers;
pub mod render;
pub mod requeue;
pub mod retention;
pub mod sender;
pub mod template;
pub mod template_choice;
pub mod templates;
pub mod test_mail;
pub mod webhooks;
