//! Pages: behind mailed links, of the console, and of the development inbox. What they look like is `crate::pages`'s.

pub mod branding;
pub mod inbox;
pub mod links;
pub mod recover;
