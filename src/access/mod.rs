//! Who may do what, and how often: credentials, passwords and their policy, rate limits, and the audit of what was done.

pub mod audit;
pub mod authenticate;
pub mod limits;
pub mod password;
pub mod policy;
pub mod scope;
