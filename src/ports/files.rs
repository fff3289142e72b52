//! The port of the files that are deployed beside the Worker.

use async_trait::async_trait;

/// Reads files that are deployed beside the Worker (`public/`, which `scripts/assets.mjs` makes).
#[async_trait]
pub trait Files: Send + Sync {
    /// The text of the file in `assets/` with this name; `None` where it is missing or cannot be read.
    async fn read(&self, name: &str) -> Option<String>;
}
