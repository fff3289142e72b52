//! The port of a request's body.

use bytes::Bytes;

/// A request's body, which may still be on its way.
pub trait IncomingBody {
    /// Reads all of it. Of one that is larger than `limit`, in bytes, all the rest is thrown away: `None`, as for one that
    /// breaks off.
    fn read(self, limit: usize) -> Option<Bytes>;
}

/// A body that is there already.
impl IncomingBody for Bytes {
    fn read(self, limit: usize) -> Option<Bytes> {
        (self.len() <= limit).then_some(self)
    }
}
