//! Importing invitations from a file: a row for each person, by the hundred to the database, and one bad row harms no
//! other.
//!
//! | module | what it does |
//! |---|---|
//! | `encoding` | the characters of a file |
//! | `source` | a CSV file's separator, and its text as RFC 4180 would have it |
//! | `header` | what the names of columns mean, those of other directories' exports among them |
//! | `csv` | records of RFC 4180 and the lines they start on |
//! | `list` | elements of a JSON array |
//! | `claims` | WSO2's names of attributes |
//! | `row` | what a row says, and the SCIM user that is made of it |
//! | `changes` | what a row changes of a user who exists |
//! | `upload` | a file between the steps of the console's page |
//! | `run` | what becomes of the rows |
//!
//! A file is looked through once before anything is written, so that what is wrong with it as a whole is known; then its
//! rows are read again, and no more of them are held at once than one batch creates.

mod changes;
pub mod claims;
pub mod csv;
pub mod encoding;
pub mod header;
pub mod list;
pub mod row;
mod run;
pub mod source;
pub mod upload;

pub use run::{Existing, MAX_CHANGED, Options, Report, Reported, Run};

use std::sync::Arc;

use self::csv::Sheet;
use self::header::Mapped;
use self::list::List;
use self::row::Row;
use crate::access::hash_limiter::HashLimiter;
use crate::model::context::Context;
use crate::model::resource::MAX_DOCUMENT;
use scim::schema::Registry;

/// The most rows of a file, its header aside.
pub const MAX_ROWS: usize = 10_000;
/// The largest file, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The largest row, in bytes: what a SCIM resource may have.
pub const MAX_ROW_BYTES: usize = MAX_DOCUMENT;
/// Why a file cannot be imported as a whole. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has more than [`MAX_ROWS`].
    #[error("The file has more than {MAX_ROWS} rows: import it in parts.")]
    TooManyRows,
    /// It is not what it should be, in a sentence.
    #[error("{0}")]
    Malformed(String),
}

impl Unreadable {
    fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed(detail.into())
    }
}

/// A file that can be imported.
#[derive(Clone, Debug)]
pub enum File<'f> {
    /// CSV.
    Csv(Sheet<'f>),
    /// JSON.
    Json(List<'f>),
}

impl File<'_> {
    fn rows(&self) -> Box<dyn Iterator<Item = Row> + Send + '_> {
        match self {
            Self::Csv(sheet) => Box::new(sheet.rows()),
            Self::Json(list) => Box::new(list.rows()),
        }
    }

    fn columns(&self) -> Option<Vec<Mapped>> {
        match self {
            Self::Csv(sheet) => Some(sheet.columns().to_vec()),
            Self::Json(_) => None,
        }
    }
}

/// Invites everybody in a file; with `options.dry_run`, only says what would be done.
///
/// When the database fails, the rows done so far are reported as done and the others as failed. Importing the file again
/// is harmless at any time: whoever exists is reported as existing.
pub fn run(
    ctx: &Context,
    gate: &HashLimiter,
    registry: &Arc<Registry>,
    file: &File<'_>,
    options: Options<'_>,
) -> Report {
    let mut run = Run::new(ctx, gate, registry, options);
    for row in file.rows() {
        run.take(row);
    }
    let mut report = run.finish();
    report.columns = file.columns().filter(|_| options.dry_run);
    report
}
