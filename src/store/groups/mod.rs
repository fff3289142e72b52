//! Members of groups. They are rows of their own: adding one costs the same in a group of ten and of 50,000, and a group
//! is never one SQL value.
//!
//! | module | what it does |
//! |---|---|
//! | `read` | members as the group's document shows them, and what a change needs to know |
//! | `of_users` | the groups that users are shown with |
//! | `pages` | groups and members a page at a time |
//! | `write` | members added and removed: by a change of the group, or with a resource that comes or goes |
//! | `ancestors` | which groups a group is in through others, so that reading a user's groups follows no chain |

mod ancestors;
pub mod of_users;
mod pages;
mod read;
mod write;

pub use ancestors::MAX_DEPTH;
pub use pages::{ListedGroup, ids_of_names, members_page, starting_with};
pub use read::{
    Inspected, MAX_MEMBERS, Named, SHOWN_UNASKED, inspect, members, members_after, members_of_all, members_statement,
    members_up_to, named,
};
pub use write::{Change, change, circular, creation, creation_nests, deletion, joining};

/// The most ids one parameter lists: it is at most 2 MB, and a group may come with 50,000 members and more.
const LISTED: usize = 5_000;
