//! The tenant's logo, as pages and mails name it.

use crate::base::picture::{Kind, MAX_PIXELS, Picture, recognise};

/// The largest logo, in bytes.
pub const MAX_LOGO: usize = 256 * 1024;

/// A version of a logo. Its name says all: a hash of the content, the size and the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// The name, such as `0123456789abcdef-320x80.png`.
    pub version: String,
    /// What it is.
    pub picture: Picture,
}

impl Logo {
    /// The logo of this content.
    ///
    /// # Errors
    /// Why it cannot be one, in words.
    pub fn of(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > MAX_LOGO {
            return Err("The logo is larger than 256 KiB: choose a smaller file.");
        }
        let picture = recognise(bytes).ok_or("The logo is not a PNG, JPEG or WebP picture, whatever its name says.")?;
        if picture.width > MAX_PIXELS || picture.height > MAX_PIXELS {
            return Err("The logo has more than 2,048 pixels in a row or a column: make it smaller.");
        }
        let Picture { kind, width, height } = picture;
        let version = format!("{:016x}-{width}x{height}.{}", hash(bytes), kind.ending());
        Ok(Self { version, picture })
    }

    /// The logo of this version's name.
    #[must_use]
    pub fn parse(version: &str) -> Option<Self> {
        let (hash, rest) = version.split_once('-')?;
        let (size, ending) = rest.split_once('.')?;
        let (width, height) = size.split_once('x')?;
        let pixels = |text: &str| text.parse().ok().filter(|pixels| (1..=MAX_PIXELS).contains(pixels));
        let picture = Picture { kind: Kind::of_ending(ending)?, width: pixels(width)?, height: pixels(height)? };
        let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self { version: version.to_owned(), picture })
    }

    /// The path it is served at, below the tenant's prefix.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/branding/logo?v={}", self.version)
    }

    /// Returns its width where it is shown with at most this width and height.
    #[must_use]
    pub fn shown(&self, most_width: u32, most_height: u32) -> (u32, u32) {
        let Picture { width, height, .. } = self.picture;
        let by_height = (width * most_height / height).max(1);
        if by_height <= most_width {
            (by_height, most_height)
        } else {
            (most_width, (height * most_width / width).max(1))
        }
    }
}

/// Tells versions apart (64-bit FNV-1a); it protects nothing.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
