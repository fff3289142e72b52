//! Every text of pages and mails, and what languages differ in besides words.

pub mod locale;
pub mod phrases;
pub mod text;
