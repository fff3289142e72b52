//! The ports of mail: what wakes the sender, and a mail service that is a binding.

use std::time::Duration;

/// Wakes the mail sender. Losing a wake-up is harmless: the sweep finds what waits.
pub trait MailQueue: Send + Sync {
    /// Asks for a run of the sender after `pause`. Never blocks the answer.
    fn wake(&self, pause: Duration);
}

/// Why the platform's own mail service has not taken a mail: its word for it, such as `E_RATE_LIMIT_EXCEEDED`. Empty if it
/// has none, as when the call itself failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("mail service: {0}")]
pub struct EmailError(pub String);

/// A mail service that is a binding of the platform instead of somebody else's HTTP server.
pub trait EmailBinding: Send + Sync {
    /// Hands over one mail, a JSON object of the service's own form, or gives up after `timeout` with `None`. Answers
    /// the service's id of it, empty if it has none.
    ///
    /// # Errors
    /// The service's, without a code when the mail may have been taken all the same.
    fn send(&self, mail: &serde_json::Value, timeout: Duration) -> Option<Result<String, EmailError>>;
}
