//! Latchkey's own API, `/api`.

mod audit;
mod invitations;
mod jobs;
mod mail;
mod privacy;
mod settings;
mod stores;
mod tokens;
