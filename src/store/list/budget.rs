//! What one list may cost, over all the statements that it takes.

use crate::ports::Outcome;
use crate::store::list::Found;
use crate::store::list::driver::MAX_EXAMINED;
use crate::store::list::guard::Figures;
use scim::error::Error;

/// The most rows that a list reads, its page not counted, and the most values that its terms look at.
pub(super) const MAX_ROWS: i64 = 100_000;
/// The most values of an index that a page by cursor passes over, each with a look at the resource's others.
pub(super) const MAX_PASSED: i64 = MAX_ROWS / 2;
/// The most text that the terms of a filter look through, in bytes: that of each resource, once for each term.
pub(super) const MAX_TEXT: i64 = 512 * 1024 * 1024;
/// The most bytes of documents on a page.
pub(super) const MAX_PAGE: u64 = 4 * 1024 * 1024;
/// The most rows that a resource of the page reads: in an index, itself, and its memberships looked for.
const ROWS_OF_ONE: u64 = 5;

/// What may still be examined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// The number of resources.
    pub resources: i64,
    /// The number of values that terms look at.
    pub values: i64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { resources: MAX_EXAMINED, values: MAX_ROWS }
    }
}

impl Allowance {
    /// Takes what has been examined from it.
    pub(super) fn spend(&mut self, figures: &Figures) {
        self.resources -= figures.candidates;
        self.values -= figures.looked;
    }
}

/// What is left for a list.
#[derive(Debug)]
pub(super) struct Budget {
    /// For what has no index.
    pub allowance: Allowance,
    rows_read: u64,
    rows_of_page: u64,
    bytes: u64,
    begun: bool,
    full: bool,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            allowance: Allowance::default(),
            rows_read: 0,
            rows_of_page: 0,
            bytes: MAX_PAGE,
            begun: false,
            full: false,
        }
    }

    /// Counts the rows that statements have read.
    ///
    /// # Errors
    /// 400 `tooMany` if that is too many.
    pub(super) fn measure(&mut self, outcomes: &[Outcome]) -> Result<(), Error> {
        for outcome in outcomes {
            self.rows_read += outcome.rows_read;
            self.rows_of_page += ROWS_OF_ONE * u64::try_from(outcome.rows.len()).unwrap_or_default();
        }
        if self.rows_read > MAX_ROWS.unsigned_abs() + self.rows_of_page { Err(too_deep()) } else { Ok(()) }
    }

    /// Takes the resources for which the page has no room away again.
    pub(super) fn cut(&mut self, found: &mut Found) {
        let mut kept = 0;
        for hit in found.iter() {
            // A page has one resource at least, or nobody would get any further.
            if self.full || (hit.bytes > self.bytes && self.begun) {
                self.full = true;
                break;
            }
            self.bytes = self.bytes.saturating_sub(hit.bytes);
            self.begun = true;
            kept += 1;
        }
        found.truncate(kept);
    }

    /// Ends the page.
    pub(super) fn end(&mut self) {
        self.full = true;
    }

    /// Whether the page has a resource.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the page has no room for another resource.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }
}

/// The refusal to count or pass over more rows than a list reads.
pub(super) fn too_deep() -> Error {
    Error::too_many(format!(
        "More than {MAX_ROWS} rows would have to be read, to count what the filter selects or to pass over what comes before \
         startIndex. Go on by cursor instead (cursor=), which tells no total and reads the page alone, or narrow the filter; \
         a smaller count, or excludedAttributes=groups, reads less too."
    ))
}

/// The refusal to pass over more values of resources that have many.
pub(super) fn too_many_values() -> Error {
    Error::too_many(format!(
        "After these resources the index has more than {MAX_PASSED} values in this range, of those who have several, which \
         would have to be passed over: narrow the range, for instance by a longer beginning (sw)."
    ))
}
