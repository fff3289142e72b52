//! Who may do what, and how often: credentials, passwords and their policy, rate limits, and the seal of the audit.
//!
//! | module | what it knows |
//! |---|---|
//! | `authenticate` | from credentials to whoever calls |
//! | `api_token_text`, `api_tokens` | API tokens: their text, and how one is found, made and revoked |
//! | `grant` | the access tokens that API tokens are exchanged for |
//! | `session_cookie`, `sessions` | console sessions: the cookie, and how one begins, goes on and ends |
//! | `password`, `hash_limiter` | hashing, and how many requests may wait for it |
//! | `password_policy` | which passwords will do |
//! | `delay` | how long the next sign-in has to wait after failed ones |
//! | `limits` | whether a request is one too many |
//! | `audit_seal` | the chain of the audit's rows and its head: sealed, checked, shortened, and taken as they are |

pub mod api_token_text;
pub mod api_tokens;
pub mod audit_seal;
pub mod authenticate;
pub mod delay;
pub mod grant;
pub mod hash_limiter;
pub mod limits;
pub mod password;
pub mod password_policy;
pub mod session_cookie;
pub mod sessions;
