//! What people open in a browser.

pub mod console;
mod links;
