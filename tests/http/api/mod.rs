//! Latchkey's own API, `/api`.

mod invitations;
mod stores;
mod tokens;
