//! The names of the files that are deployed beside the Worker: the style sheets, the scripts and the icon of the pages, and
//! `openapi.json`.
//!
//! A name holds a hash of the content, so a file can be cached for ever and a new deployment never meets an old style
//! sheet. The hash (64-bit FNV-1a) is worked out while compiling; `scripts/assets.mjs` does the same when it lays the files
//! out. It tells versions apart and protects nothing.

/// The folder assets are served under, for all tenants.
pub const FOLDER: &str = "/assets/";

/// The `Cache-Control` header of an asset; `scripts/assets.mjs` writes the same into `_headers`.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// A file beside the Worker.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// file name with the hash, such as `latchkey-0123456789abcdef.css`
    pub name: &'static str,
    /// value of `Content-Type`
    pub content_type: &'static str,
}

impl Asset {
    /// The address.
    pub fn href(&self) -> String {
        [FOLDER, self.name].concat()
    }
}

// What is included here is read by the compiler alone: nothing of it gets into the Worker.
const STYLE_NAME: [u8; 29] = file_name(include_str!("assets/latchkey.css"), b".css");
const SCRIPT_NAME: [u8; 28] = file_name(include_str!("assets/latchkey.js"), b".js");
const CONSOLE_STYLE_NAME: [u8; 29] = file_name(include_str!("assets/console.css"), b".css");
const CONSOLE_SCRIPT_NAME: [u8; 28] = file_name(include_str!("assets/console.js"), b".js");
const ICON_NAME: [u8; 29] = file_name(include_str!("assets/latchkey.svg"), b".svg");
const OPENAPI_NAME: [u8; 30] = file_name(include_str!("../../docs/openapi.json"), b".json");

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The style sheet of every page.
pub const STYLE: Asset = Asset { name: as_str(&STYLE_NAME), content_type: CSS };

/// The script of the set-password page. Everything works without it.
pub const SCRIPT: Asset = Asset { name: as_str(&SCRIPT_NAME), content_type: JAVASCRIPT };

/// The style sheet of the console, besides.
pub const CONSOLE_STYLE: Asset = Asset { name: as_str(&CONSOLE_STYLE_NAME), content_type: CSS };

/// The script of the console. Everything works without it but copying.
pub const CONSOLE_SCRIPT: Asset = Asset { name: as_str(&CONSOLE_SCRIPT_NAME), content_type: JAVASCRIPT };

/// The icon in the browser's tab.
pub const ICON: Asset = Asset { name: as_str(&ICON_NAME), content_type: "image/svg+xml" };

/// The description of the interfaces. Its address is `/openapi.json`; here are its bytes.
pub const OPENAPI: Asset = Asset { name: as_str(&OPENAPI_NAME), content_type: "application/json" };

/// The asset with this file name (what follows [`FOLDER`]), if it is a current one.
pub fn find(name: &str) -> Option<Asset> {
    [STYLE, SCRIPT, CONSOLE_STYLE, CONSOLE_SCRIPT, ICON, OPENAPI].into_iter().find(|asset| asset.name == name)
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
