//! What people open in a browser.

mod links;
mod started;
