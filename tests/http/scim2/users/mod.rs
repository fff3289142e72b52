//! `/scim2/Users`

mod account;
mod blanks;
mod create;
mod delete;
mod list;
mod modify;
mod read;
mod replace;
mod states;
