//! WSO2's errors: `{"code","message","description","traceId"}`. The trace id is the request's, which this room does not
//! know.

/// An error in WSO2's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// WSO2's code; empty where it has none.
    pub code: &'static str,
    /// What kind of error it is, in WSO2's few words; empty where that is the status's own name.
    pub message: &'static str,
    /// What was wrong and what to do.
    pub description: String,
}

impl Error {
    /// An error.
    pub fn new(status: u16, code: &'static str, message: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, message, description: description.into() }
    }

    /// An error of which WSO2 says no more than its status does.
    pub fn of(status: u16, code: &'static str, description: impl Into<String>) -> Self {
        Self::new(status, code, "", description)
    }
}
