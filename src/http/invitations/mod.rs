//! Invitations, below `/api/invitations`. Errors are `application/problem+json` (RFC 9457).

mod import;

pub use import::import;
