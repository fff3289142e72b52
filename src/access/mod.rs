//! Who may do what: credentials, passwords and their policy, and the audit of what was done.

pub mod audit;
pub mod authenticate;
pub mod password;
pub mod policy;
pub mod scope;
pub mod token;
pub mod tokens;
