//! The port of the log.

/// One line of the log: JSON without secrets, paths or queries.
pub trait Log: Send + Sync {
    /// Writes one line.
    fn line(&self, line: &str);
}
