//! The style sheet, the script and the icon of the pages.
//!
//! An asset's address holds a hash of its content, so it can be cached for ever and a new deployment never meets
//! an old style sheet. The hash (64-bit FNV-1a) is worked out while compiling; it tells versions apart and
//! protects nothing.

/// The folder assets are served under, below the prefix of the page.
pub const FOLDER: &str = "/assets/";

/// The `Cache-Control` header of an asset, which the caller sends.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// A file that pages load.
#[derive(Debug)]
pub struct Asset {
    /// file name with the hash, such as `latchkey-0123456789abcdef.css`
    pub name: &'static str,
    /// value of `Content-Type`
    pub content_type: &'static str,
    /// the file
    pub body: &'static str,
}

impl Asset {
    /// The address under a prefix (empty, or `/t/{tenant}`).
    pub fn href(&self, prefix: &str) -> String {
        format!("{prefix}{FOLDER}{}", self.name)
    }
}

const STYLE_BODY: &str = include_str!("assets/latchkey.css");
const SCRIPT_BODY: &str = include_str!("assets/latchkey.js");
const CONSOLE_STYLE_BODY: &str = include_str!("assets/console.css");
const CONSOLE_SCRIPT_BODY: &str = include_str!("assets/console.js");
const ICON_BODY: &str = include_str!("assets/latchkey.svg");

const STYLE_NAME: [u8; 29] = file_name(STYLE_BODY, b".css");
const SCRIPT_NAME: [u8; 28] = file_name(SCRIPT_BODY, b".js");
const CONSOLE_STYLE_NAME: [u8; 29] = file_name(CONSOLE_STYLE_BODY, b".css");
const CONSOLE_SCRIPT_NAME: [u8; 28] = file_name(CONSOLE_SCRIPT_BODY, b".js");
const ICON_NAME: [u8; 29] = file_name(ICON_BODY, b".svg");

/// The style sheet of every page.
pub const STYLE: Asset = Asset { name: as_str(&STYLE_NAME), content_type: "text/css; charset=utf-8", body: STYLE_BODY };

/// The script of the set-password page. Everything works without it.
pub const SCRIPT: Asset =
    Asset { name: as_str(&SCRIPT_NAME), content_type: "text/javascript; charset=utf-8", body: SCRIPT_BODY };

/// The style sheet of the console, besides.
pub const CONSOLE_STYLE: Asset =
    Asset { name: as_str(&CONSOLE_STYLE_NAME), content_type: "text/css; charset=utf-8", body: CONSOLE_STYLE_BODY };

/// The script of the console. Everything works without it but copying.
pub const CONSOLE_SCRIPT: Asset = Asset {
    name: as_str(&CONSOLE_SCRIPT_NAME),
    content_type: "text/javascript; charset=utf-8",
    body: CONSOLE_SCRIPT_BODY,
};

/// The icon in the browser's tab.
pub const ICON: Asset = Asset { name: as_str(&ICON_NAME), content_type: "image/svg+xml", body: ICON_BODY };

/// The asset with this file name (what follows [`FOLDER`]), if it is a current one.
pub fn find(name: &str) -> Option<&'static Asset> {
    static ALL: [&Asset; 5] = [&STYLE, &SCRIPT, &CONSOLE_STYLE, &CONSOLE_SCRIPT, &ICON];
    ALL.into_iter().find(|asset| asset.name == name)
}

const fn file_name<const N: usize>(body: &str, extension: &[u8]) -> [u8; N] {
    let stem = b"latchkey-";
    let hash = fnv1a(body.as_bytes());
    let mut name = [0; N];
    let mut at = 0;
    while at < stem.len() {
        name[at] = stem[at];
        at += 1;
    }
    let mut digit = 0;
    while digit < 16 {
        name[at] = b"0123456789abcdef"[((hash >> (60 - 4 * digit)) & 15) as usize];
        at += 1;
        digit += 1;
    }
    let mut i = 0;
    while i < extension.len() {
        name[at] = extension[i];
        at += 1;
        i += 1;
    }
    assert!(at == N, "the array is exactly as long as the name");
    name
}

const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

const fn as_str(name: &'static [u8]) -> &'static str {
    match std::str::from_utf8(name) {
        Ok(name) => name,
        // cannot be: the names are put together from ASCII
        Err(_) => "",
    }
}
