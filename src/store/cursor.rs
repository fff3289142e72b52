//! Cursors (RFC 9865): where a list goes on, sealed so that nobody else can make one.
//!
//! ```text
//! cursor = base64url(version (1) | position | tag (16))
//! tag    = HMAC-SHA256(key, version | query (32) | position), its first half
//! key    = derived from the deployment's root key, bound to the tenant
//! ```
//!
//! The position is the sort key and the id of the last resource shown, so that a page costs the same wherever it is and
//! neither repeats nor skips a resource when others come and go. The query is not in the cursor, only under its tag: with
//! another filter, order, type or tenant it is as good as forged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::model::context::{StoreContext, Work};
use crate::ports::Value;
use scim::error::Error;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"latchkey/cursor/v1";
const TAG: usize = 16;
/// The most of a text that a cursor carries, in bytes. Only a user name can be longer; two that agree in so much count
/// as one place.
const MAX_TEXT: usize = 2_000;

/// The digest of the query that a cursor continues: of everything that decides which resources come in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryDigest([u8; 32]);

impl QueryDigest {
    /// The digest of these parts.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// The digest of a list of one user store that these parts name.
    #[must_use]
    pub fn of_store(ctx: &StoreContext, parts: &[&str]) -> Self {
        let store = ctx.platform.store.map(|number| number.to_string()).unwrap_or_default();
        Self::new(parts.iter().copied().chain([store.as_str()]))
    }
}

/// The cursor to a position; `None` only when the deployment has no key.
pub fn seal(ctx: &Work, query_digest: QueryDigest, position: &[Value]) -> Option<String> {
    let mut bytes = vec![VERSION];
    for value in position {
        encode(value, &mut bytes);
    }
    let tag = mac(keys(ctx).first()?, query_digest, &bytes)?.finalize().into_bytes();
    bytes.extend_from_slice(&tag[..TAG]);
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The position of a cursor.
///
/// # Errors
/// 400 `invalidCursor` unless it was sealed for the same query of the same tenant.
pub fn open(ctx: &Work, query_digest: QueryDigest, cursor: &str) -> Result<Vec<Value>, Error> {
    read(ctx, query_digest, cursor).ok_or_else(|| {
        Error::invalid_cursor(
            "The cursor does not continue this query: repeat the request that gave it out, or start again with an empty \
             cursor.",
        )
    })
}

fn read(ctx: &Work, query_digest: QueryDigest, cursor: &str) -> Option<Vec<Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (sealed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
    let genuine = keys(ctx)
        .iter()
        .any(|key| mac(key, query_digest, sealed).is_some_and(|mac| mac.verify_truncated_left(tag).is_ok()));
    let (version, mut rest) = sealed.split_first()?;
    if !genuine || *version != VERSION {
        return None;
    }
    let mut position = Vec::new();
    while !rest.is_empty() {
        position.push(decode(&mut rest)?);
    }
    Some(position)
}

fn keys(ctx: &Work) -> Vec<[u8; 32]> {
    ctx.deployment.keys.derive(LABEL, &ctx.tenant.number().to_be_bytes())
}

fn mac(key: &[u8; 32], query_digest: QueryDigest, sealed: &[u8]) -> Option<Hmac<Sha256>> {
    let (version, position) = sealed.split_first()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(&[*version]);
    mac.update(&query_digest.0);
    mac.update(position);
    Some(mac)
}

fn encode(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(0),
        Value::Integer(number) => {
            bytes.push(1);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Real(number) => {
            bytes.push(2);
            bytes.extend_from_slice(&number.to_bits().to_be_bytes());
        }
        Value::Text(text) => {
            let text = clip(text);
            bytes.push(3);
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}

fn clip(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

fn decode(rest: &mut &[u8]) -> Option<Value> {
    match take::<1>(rest)?[0] {
        0 => Some(Value::Null),
        1 => Some(Value::Integer(i64::from_be_bytes(take(rest)?))),
        2 => Some(Value::Real(f64::from_bits(u64::from_be_bytes(take(rest)?)))),
        3 => {
            let length = usize::from(u16::from_be_bytes(take(rest)?));
            let (text, tail) = rest.split_at_checked(length)?;
            *rest = tail;
            std::str::from_utf8(text).ok().map(Value::from)
        }
        _ => None,
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEXT, QueryDigest, clip, decode, encode};
    use crate::ports::Value;

    #[test]
    fn every_kind_of_value_survives() {
        let position = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Real(0.1 + 0.2),
            Value::Text("ärger@x".to_owned()),
            Value::Text(String::new()),
        ];
        let mut bytes = Vec::new();
        position.iter().for_each(|value| encode(value, &mut bytes));
        let mut rest = bytes.as_slice();
        for value in position {
            assert_eq!(decode(&mut rest), Some(value));
        }
        assert_eq!(decode(&mut rest), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "ä".repeat(MAX_TEXT);
        assert_eq!(clip(&long).len(), MAX_TEXT);
        assert_eq!(clip(&format!("a{long}")).len(), MAX_TEXT - 1);
        assert_eq!(clip("short"), "short");
    }

    #[test]
    fn the_parts_of_a_query_do_not_run_into_each_other() {
        assert_ne!(QueryDigest::new(["ab", "c"]), QueryDigest::new(["a", "bc"]));
    }
}
