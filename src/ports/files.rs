//! The port of the files that are deployed beside the Worker.

/// Reads files that are deployed beside the Worker (`public/`, which `scripts/assets.mjs` makes).
pub trait Files: Send + Sync {
    /// The text of the file in `assets/` with this name; `None` where it is missing or cannot be read.
    fn read(&self, name: &str) -> Option<String>;
}
