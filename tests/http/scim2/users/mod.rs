//! `/scim2/Users`

mod create;
mod delete;
mod list;
mod modify;
mod read;
mod replace;
