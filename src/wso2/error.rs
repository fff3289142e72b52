//! WSO2's errors: `{"code","message","description","traceId"}`. The trace id is the request's, and put in where errors
//! become responses.

/// An error in WSO2's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// WSO2's code; empty where it has none.
    pub code: &'static str,
    /// What kind of error it is, in WSO2's few words; empty where that is the status's own name.
    pub message: &'static str,
    /// A description of the error, and of its remedy.
    pub description: String,
    /// The code of the request, where it still works and the error repeats it.
    pub key: Option<String>,
}

impl Error {
    /// Returns an error.
    pub fn new(status: u16, code: &'static str, message: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, message, description: description.into(), key: None }
    }

    /// Returns an error of which WSO2 says no more than its status does.
    pub fn without_message(status: u16, code: &'static str, description: impl Into<String>) -> Self {
        Self::new(status, code, "", description)
    }
}
