//! What people open in a browser.

mod links;
mod recover;
mod started;
