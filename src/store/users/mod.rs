//! The users that the console lists, and that a job on "all that match" acts on.
//!
//! | module | what it does |
//! |---|---|
//! | `filter` | the filter of both, as one predicate, and the ids that it selects |

mod filter;

pub use filter::{MAX_SEARCH, UserFilter, UserStatus, ids};
