//! Who may do what, and how often: credentials, passwords and their policy, rate limits, and the audit of what was done.
//!
//! | module | what it knows |
//! |---|---|
//! | `scope`, `role` | what may be done, and what roles allow |
//! | `authenticate` | from credentials to whoever calls |
//! | `token`, `tokens` | API tokens: their text, and those that there are |
//! | `grant` | the access tokens that API tokens are exchanged for |
//! | `session`, `sessions` | console sessions: the cookie, and those that there are |
//! | `signed` | how access tokens and cookies are signed |
//! | `password`, `policy` | hashing, and which passwords will do |
//! | `verified` | what need not be hashed again within a minute |
//! | `delay` | failed sign-ins, and how long the next has to wait |
//! | `limits` | how often things may be done |
//! | `audit` | what was done |

pub mod api_token;
pub mod authenticate;
pub mod delay;
pub mod grant;
pub mod limits;
pub mod password;
pub mod policy;
pub mod role;
pub mod session;
pub mod sessions;
pub mod verified;
