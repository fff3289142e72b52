//! Latchkey's own API, `/api`.

mod audit;
mod invitations;
mod mail;
mod settings;
mod stores;
mod tokens;
