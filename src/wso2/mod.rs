//! WSO2's interfaces, translated onto the rooms: what its clients send and read, and its configuration file.

#[cfg(not(target_arch = "wasm32"))]
pub mod deployment_toml;
pub mod governance;

/// What kept a request from being carried out, as WSO2's clients are told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// WSO2's code, `IDG-50008`.
    pub code: &'static str,
    /// What went wrong, in WSO2's few words.
    pub message: &'static str,
    /// What was wrong with this request, and what to do.
    pub description: String,
}
