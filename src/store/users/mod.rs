//! The users that the console lists, and that a job on "all that match" acts on.
//!
//! | module | what it does |
//! |---|---|
//! | `filter` | the filter of both, as one predicate, and the ids that it selects |
//! | `page` | a page of the list |
//! | `walk` | the index that drives a page |
//! | `row` | a user as the list shows them |
//! | `figures` | how many there are of each kind, as far as it matters |

mod figures;
mod filter;
mod page;
mod row;
mod walk;

pub use figures::{Capped, Figures, figures};
pub use filter::{MAX_SEARCH, UserFilter, UserStatus, ids};
pub use page::{UserPage, UserQuery, list};
pub use row::ListedUser;
pub use walk::{UserColumn, UserSort};
