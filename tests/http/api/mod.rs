//! Latchkey's own API, below `/api`.

mod invitations;
