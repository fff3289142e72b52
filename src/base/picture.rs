//! Pictures: which kind one is, and how large, by its first bytes. Nothing is decoded.

/// The most pixels that a picture is wide or high: a small file can hold many more.
pub const MAX_PIXELS: u32 = 2_048;

/// The kind of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PNG
    Png,
    /// JPEG
    Jpeg,
    /// WebP
    Webp,
}

impl Kind {
    /// Each kind with its ending and its media type.
    const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::Png, "png", "image/png"), (Self::Jpeg, "jpg", "image/jpeg"), (Self::Webp, "webp", "image/webp")];

    fn row(self) -> (Self, &'static str, &'static str) {
        Self::ALL.into_iter().find(|(kind, ..)| *kind == self).unwrap_or(Self::ALL[0])
    }

    /// The ending of its files' names.
    #[must_use]
    pub fn ending(self) -> &'static str {
        self.row().1
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        self.row().2
    }

    /// The kind of this ending.
    #[must_use]
    pub fn of_ending(ending: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own, _)| *own == ending).map(|(kind, ..)| kind)
    }
}

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its kind.
    pub kind: Kind,
    /// Its width, in pixels.
    pub width: u32,
    /// Its height, in pixels.
    pub height: u32,
}

/// Returns what a picture is; `None` for anything else, and for one that ends before it says how large it is.
#[must_use]
pub fn recognise(bytes: &[u8]) -> Option<Picture> {
    let found = png(bytes).or_else(|| jpeg(bytes)).or_else(|| webp(bytes))?;
    (found.width > 0 && found.height > 0).then_some(found)
}

fn big(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    Some(bytes.get(at..at + count)?.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    Some(bytes.get(at..at + count)?.iter().rev().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

fn png(bytes: &[u8]) -> Option<Picture> {
    let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") && bytes.ends_with(b"IEND\xaeB`\x82");
    is_png.then_some(())?;
    Some(Picture { kind: Kind::Png, width: big(bytes, 16, 4)?, height: big(bytes, 20, 4)? })
}

fn jpeg(bytes: &[u8]) -> Option<Picture> {
    bytes.starts_with(b"\xff\xd8\xff").then_some(())?;
    let mut at = 2;
    loop {
        let (mark, kind) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        match (mark, kind) {
            // The beginning of a frame says how large it is; C4, C8 and CC are something else.
            (0xff, 0xc0..=0xcf) if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                return Some(Picture {
                    kind: Kind::Jpeg,
                    width: big(bytes, at + 7, 2)?,
                    height: big(bytes, at + 5, 2)?,
                });
            }
            (0xff, 0xff) => at += 1,
            // The picture itself, or its end, before any size.
            (0xff, 0xda | 0xd9) => return None,
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, _) => at += 2 + usize::try_from(big(bytes, at + 2, 2)?.max(2)).ok()?,
            _ => return None,
        }
    }
}

fn webp(bytes: &[u8]) -> Option<Picture> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP";
    let length = usize::try_from(little(bytes, 4, 4)?).ok()?;
    (is_webp && length + 8 <= bytes.len() + 1).then_some(())?;
    let (width, height) = match bytes.get(12..16)? {
        b"VP8 " if bytes.get(23..26)? == b"\x9d\x01\x2a" => {
            (little(bytes, 26, 2)? & 0x3fff, little(bytes, 28, 2)? & 0x3fff)
        }
        b"VP8L" if bytes.get(20)? == &0x2f => {
            let bits = little(bytes, 21, 4)?;
            ((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)
        }
        b"VP8X" => (little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1),
        _ => return None,
    };
    Some(Picture { kind: Kind::Webp, width, height })
}

#[cfg(test)]
mod tests {
    use super::{Kind, Picture, recognise};

    fn is(bytes: &[u8], kind: Kind, width: u32, height: u32) {
        assert_eq!(recognise(bytes), Some(Picture { kind, width, height }));
        for end in 0..bytes.len().min(20) {
            assert_eq!(recognise(&bytes[..end]), None, "cut after {end}");
        }
    }

    #[test]
    fn each_kind_is_told_by_its_content_with_its_size() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x40\0\0\0\x50"[..], b"more\0\0\0\0IEND\xaeB`\x82"].concat();
        is(&png, Kind::Png, 320, 80);
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc4\0\x02\xff\xc2\0\x0b\x08\0\x50\x01\x40\x03";
        is(jpeg, Kind::Jpeg, 320, 80);
        is(b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x40\x01\x50\0", Kind::Webp, 320, 80);
        is(b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\x3f\xc1\x13\0\0", Kind::Webp, 320, 80);
        is(b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\x4f\0\0", Kind::Webp, 320, 80);
    }

    #[test]
    fn anything_else_is_no_picture() {
        for bytes in [
            &b""[..],
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"GIF89a\x01\0\x01\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0IEND\xaeB`\x82",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01<script>",
            b"\xff\xd8\xff\xda\0\x02",
            b"\xff\xd8\xff",
            b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\x4f\0\0",
            b"RIFF\x16\0\0\0WAVEVP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\x4f\0\0",
        ] {
            assert_eq!(recognise(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
