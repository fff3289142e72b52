//! Latchkey's own API, `/api`.

mod invitations;
mod tokens;
