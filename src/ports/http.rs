//! The port of other people's HTTP servers.

use std::time::Duration;

/// Why an HTTP call to somebody else's server has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// No answer within the time allowed; the request may have arrived.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed; the request may have arrived.
    #[error("{0}")]
    Failed(String),
}

/// Calls other people's HTTP servers (mail providers).
pub trait HttpClient: Send + Sync {
    /// Sends `request` and reads the whole answer, or gives up after `timeout`.
    ///
    /// # Errors
    /// [`HttpError`]; in every case the request may have arrived.
    fn send(&self, request: http::Request<Vec<u8>>, timeout: Duration) -> Result<http::Response<Vec<u8>>, HttpError>;
}
