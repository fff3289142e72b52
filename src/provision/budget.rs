//! What one request may cost in all, whatever the number of its operations: a Bulk request is no way around the bounds of one
//! PATCH.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::access::hash_limiter::HashLimiter;
use crate::store::groups::MAX_MEMBERS;
use scim::error::Error as ScimError;
use scim::work::{MAX_WORK, Work};

/// The most bytes of stored documents that a request changes.
const MAX_CHANGED: usize = 8 * 1024 * 1024;

/// The units of work that each operation has, whatever the others have done: enough for what an ordinary one changes.
const OF_EACH: usize = 200;

/// What a request has spent so far. Its operations follow each other.
pub struct Budget {
    /// The limiter of the passwords that it hashes.
    pub gate: HashLimiter,
    work: AtomicUsize,
    changed: AtomicUsize,
    members: AtomicUsize,
}

impl Budget {
    /// The budget of a request that hashes passwords by way of `gate`.
    #[must_use]
    pub fn new(gate: HashLimiter) -> Self {
        Self { gate, work: AtomicUsize::default(), changed: AtomicUsize::default(), members: AtomicUsize::default() }
    }

    /// The work of the next operation.
    #[must_use]
    pub fn share(&self) -> Share<'_> {
        let before = self.work.load(Ordering::Relaxed);
        Share { budget: self, before, most: MAX_WORK.saturating_sub(before).max(OF_EACH) }
    }

    /// Refuses to read one more document to change it when there have been enough.
    ///
    /// # Errors
    /// 400 `tooMany`
    pub fn check_changed(&self) -> Result<(), ScimError> {
        if self.changed.load(Ordering::Relaxed) < MAX_CHANGED {
            return Ok(());
        }
        Err(ScimError::too_many(format!(
            "The operations of this request change more than {MAX_CHANGED} bytes of stored resources: send this one, of \
             which nothing was done, in another request."
        )))
    }

    /// Counts a stored document of so many bytes that is changed.
    pub fn add_changed(&self, bytes: usize) {
        self.changed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The number of members that may still be read for filters.
    ///
    /// # Errors
    /// 400 `tooMany` when there are none.
    pub fn members_left(&self) -> Result<usize, ScimError> {
        match MAX_MEMBERS.saturating_sub(self.members.load(Ordering::Relaxed)) {
            0 => Err(too_many_selected()),
            left => Ok(left),
        }
    }

    /// Counts members that have been read for a filter: `None` are more than were left.
    ///
    /// # Errors
    /// 400 `tooMany` for those.
    pub fn add_members<T>(&self, read: Option<Vec<T>>) -> Result<Vec<T>, ScimError> {
        self.members.fetch_add(read.as_ref().map_or(MAX_MEMBERS, Vec::len), Ordering::Relaxed);
        read.ok_or_else(too_many_selected)
    }
}

fn too_many_selected() -> ScimError {
    ScimError::too_many(format!(
        "The filters of this request look at more than {MAX_MEMBERS} members of groups in all: send this operation, of which \
         nothing was done, in another request, or name members by their ids, as in members[value eq \"id\"], which reads no \
         others."
    ))
}

/// The work that an operation may do. It counts once, however often the operation is tried because others write too.
pub struct Share<'a> {
    budget: &'a Budget,
    before: usize,
    most: usize,
}

impl Share<'_> {
    /// One try.
    #[must_use]
    pub const fn begin(&self) -> Work {
        Work::within(self.most)
    }

    /// Counts what a try has done.
    pub fn end(&self, work: &Work) {
        self.budget.work.fetch_max(self.before.saturating_add(work.done()), Ordering::Relaxed);
    }
}
