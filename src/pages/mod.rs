//! Everything a person sees in a browser, rendered on the server.
//!
//! The functions here are pure: they take words, paths and unix seconds and give back a whole HTML document.
//! They know no HTTP types, read no clock and no store; which status and headers go with a page is decided by
//! the caller (`layout::CONTENT_SECURITY_POLICY` says what the pages need to load).
//!
//! * `layout`: the shell all pages share
//! * `assets`: the style sheet, the script and the icon, with the addresses they are served under
//! * `invite`: set a password, confirm an address, and what is wrong with a link
//! * `problem`: everything else that can go wrong
//! * `brand`: the tenant's logo and colours
//! * `console`: signing in to the console, and its home page
//! * `inbox`: the development inbox

pub mod assets;
pub mod brand;
pub mod console;
pub mod inbox;
pub mod invite;
pub mod layout;
pub mod problem;
pub mod recover;

#[cfg(test)]
mod tests;
