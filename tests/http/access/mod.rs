//! Who gets in, and what they may do there.

mod passwords;
mod roles;
