//! Bulk requests (RFC 7644 section 3.7).

/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 1_000;
/// The largest request in bytes; the caller holds the body to it.
pub const MAX_PAYLOAD_SIZE: usize = 1_048_576;
