//! Who gets in, and what they may do there.

mod matrix;
mod oauth;
mod passwords;
mod role_holders;
mod roles;
