//! Leaves that several rooms need: values, their rules, and nothing that reaches outside.

pub mod account;
pub mod address;
pub mod bounded_cache;
pub mod calendar;
pub mod certificate;
pub mod characters;
pub mod color;

pub mod hex;
pub mod idna;
pub mod keys;
pub mod limits;
pub mod locale;
pub mod ordered;
pub mod picture;
pub mod scope;
pub mod sealing;
pub mod secret;
pub mod signing;
pub mod spreadsheet;
pub mod text;
pub mod text_enum;
pub mod token;
pub mod web_address;
