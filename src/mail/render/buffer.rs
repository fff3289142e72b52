//! A part of a mail while it is written. It stops at its bound, so that no template and no values can make a mail that an
//! isolate has no memory for.

use std::fmt;

/// The most bytes that a part of a rendered mail may have.
pub const MAX_PART: usize = 512 * 1024;

/// A part of a mail would be larger than [`MAX_PART`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template makes a part of more than {MAX_PART} bytes with the values of this mail")
    }
}

impl std::error::Error for TooLarge {}

/// Text that is written, up to [`MAX_PART`].
#[derive(Default)]
pub(super) struct Buffer(String);

impl Buffer {
    /// An empty buffer for a part that is made from `source`.
    pub(super) fn for_source(source: &str) -> Self {
        Self(String::with_capacity((source.len() + 1024).min(MAX_PART)))
    }

    /// Adds text.
    ///
    /// # Errors
    /// [`TooLarge`], and nothing is added.
    pub(super) fn push_str(&mut self, text: &str) -> Result<(), TooLarge> {
        if self.0.len() + text.len() > MAX_PART {
            return Err(TooLarge);
        }
        self.0.push_str(text);
        Ok(())
    }

    /// The text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}
