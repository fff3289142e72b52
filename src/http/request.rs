//! A request as handlers see it: the context, and one reader each for the path, the query string and the body.

use std::borrow::Cow;

use ::http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;

use crate::access::hash_limiter::HashLimiter;
use crate::http::area::Area;
use crate::http::body::RequestBody;
use crate::model::context::Context;

/// The facts known of a request before it is routed.
#[derive(Clone)]
pub struct RequestState {
    /// The context; for a handler, with whoever the route's rule has let in.
    pub ctx: Context,
    /// The limiter of password hashing.
    pub gate: HashLimiter,
    /// The area that the path belongs to.
    pub area: Area,
}

/// A request, taken apart for its handler.
pub struct Input {
    /// The context and what goes with it.
    pub state: RequestState,
    /// The address without the tenant's prefix.
    pub uri: Uri,
    /// The parameters in the path.
    pub params: PathParams,
    /// The parameters of the query string.
    pub query: Query,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
}

/// The parameters in the path, by the names that the route's pattern gives them.
pub struct PathParams {
    pattern: &'static str,
    uri: Uri,
}

impl PathParams {
    /// Returns the parameters of an address that matched a pattern; an empty pattern has none.
    pub fn new(pattern: &'static str, uri: Uri) -> Self {
        Self { pattern, uri }
    }

    /// Returns the pattern of the route.
    pub fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Returns the segment of this name if the route has one, as it stands in the path: escapes stay.
    pub fn find(&self, name: &str) -> Option<&str> {
        let is_named = |segment: &str| {
            segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')).is_some_and(|inner| inner == name)
        };
        let mut segments = self.pattern().split('/').zip(self.uri.path().split('/'));
        segments.find(|(pattern, _)| is_named(pattern)).map(|(_, segment)| segment)
    }

    /// Returns the segment of this name as it stands in the path; empty where the route has none. For ids and tokens,
    /// which have no character that needs an escape: each has one spelling.
    pub fn raw(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// Returns the segment of this name, decoded: a URN may come with its colons escaped.
    pub fn decoded(&self, name: &str) -> String {
        percent_decode_str(self.raw(name)).decode_utf8_lossy().into_owned()
    }
}

/// The parameters of a query string.
pub struct Query(Uri);

impl Query {
    /// Returns the parameters of an address.
    pub fn new(uri: Uri) -> Self {
        Self(uri)
    }

    /// Returns all parameters, decoded, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.0.query().unwrap_or_default().as_bytes())
    }

    /// Returns the first value of a parameter.
    pub fn first(&self, name: &str) -> Option<Cow<'_, str>> {
        self.pairs().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Returns the first value of a parameter that is not empty.
    pub fn filled(&self, name: &str) -> Option<Cow<'_, str>> {
        self.pairs().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// Returns the first value of a parameter, whatever the case of its name: SCIM's attribute names have none
    /// (RFC 7643 section 2.1).
    pub fn first_in_any_case(&self, name: &str) -> Option<Cow<'_, str>> {
        self.pairs().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
