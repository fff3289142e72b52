//! A file between the steps of an import on the console: nobody but who sent it gets it back, and the database has it sealed.

use crate::base::sealing::Seal;
use crate::base::text::cut;
use crate::model::context::Context;
use crate::ports::DatabaseError;
use crate::provision::import::{Unreadable, encoding};
use crate::store::import_files::{self, ImportFile};

/// The largest file that the console takes, in bytes, and as UTF-8.
pub const MAX_BYTES: usize = 1_000_000;

/// A file that was sent.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name; empty for one that was pasted.
    pub name: String,
    /// How its bytes were read, in words.
    pub encoding: String,
    /// Its text.
    pub text: String,
}

fn seal(id: &str) -> Seal<'_> {
    Seal { label: b"latchkey import file v1", bound_to: id.as_bytes() }
}

/// Keeps a file, and answers its id.
///
/// # Errors
/// It is no text, or too large; or the database's.
pub fn keep(ctx: &Context, name: &str, bytes: &[u8]) -> Result<Result<String, Unreadable>, DatabaseError> {
    let (text, encoding) = match encoding::decode_any(bytes) {
        Ok(read) => read,
        Err(why) => return Ok(Err(why)),
    };
    if bytes.len() > MAX_BYTES || text.len() > MAX_BYTES {
        let detail = "The file is larger than a megabyte: import it in parts, or by the API.";
        return Ok(Err(Unreadable::Malformed(detail.to_owned())));
    }
    if text.trim().is_empty() {
        return Ok(Err(Unreadable::Malformed("The file is empty: its first line names the columns.".to_owned())));
    }
    let id = ctx.platform.new_id().to_string();
    let nonce = ctx.platform.new_id().into_bytes();
    let Some(content) = seal(&id).seal(&ctx.deployment.keys, nonce, text.as_bytes()) else {
        return Ok(Err(Unreadable::Malformed("The file cannot be kept: TOKEN_KEYS is not set.".to_owned())));
    };
    let file = ImportFile { name: cut(name, 200), encoding: encoding.to_owned(), content };
    import_files::keep(ctx, &id, &file)?;
    Ok(Ok(id))
}

/// Finds a file of the caller's.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, id: &str) -> Result<Option<Upload>, DatabaseError> {
    let Some(ImportFile { name, encoding, content }) = import_files::find(ctx, id)? else { return Ok(None) };
    let text = seal(id).open(&ctx.deployment.keys, &content).and_then(|text| String::from_utf8(text).ok());
    Ok(text.map(|text| Upload { name, encoding, text }))
}
