//! Cursors of lists in the order of one value, each of one user store of one tenant.

use crate::http::error::ApiError;
use crate::model::context::StoreContext;
use crate::ports::Value;
use crate::store::cursor::{self, QueryDigest};

/// The place that a cursor of this list continues from.
///
/// # Errors
/// 400 for one of another tenant or user store, or of another list.
pub fn position(ctx: &StoreContext, list: &str, cursor: Option<&str>) -> Result<Option<Value>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let place = cursor::open(ctx, QueryDigest::of_store(ctx, &[list]), cursor);
    place.map(|place| place.into_iter().next()).map_err(|error| ApiError::bad_request(error.detail))
}

/// The cursor of this list to a place.
pub fn to(ctx: &StoreContext, list: &str, place: Value) -> Option<String> {
    cursor::seal(ctx, QueryDigest::of_store(ctx, &[list]), &[place])
}
