//! The parameters of a list request (RFC 7644 section 3.4.2) or a search request (section 3.4.3), with cursors
//! (RFC 9865).
//!
//! [`ListRequest`] is what the client wrote, checked for form; [`ListRequest::resolve`] looks its names up in a resource
//! type and yields the [`Query`] the store runs.

use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, shorten};
use crate::filter::Filter;
use crate::projection::{Projection, split_names};
use crate::schema::{AttributePath, ResourceType, Type};

/// The page size when the client names none.
pub const DEFAULT_COUNT: u64 = 100;
/// The largest page; a larger `count` is cut down to it.
pub const MAX_COUNT: u64 = 1_000;
/// The URN of a search request.
pub const SEARCH_REQUEST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The greatest length of a cursor, in bytes.
const MAX_CURSOR_LENGTH: usize = 4_096;

/// The parameters of a list request as the client sent them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// `filter`
    pub filter: Option<String>,
    /// `sortBy`
    pub sort_by: Option<String>,
    /// `sortOrder` is `descending`.
    pub descending: bool,
    /// The page to return.
    pub page: Page,
    /// `attributes`
    pub attributes: Vec<String>,
    /// `excludedAttributes`
    pub excluded_attributes: Vec<String>,
    /// `domain`, WSO2's parameter: the user store.
    pub domain: Option<String>,
}

/// The page of the result to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The start of the page.
    pub start: Start,
    /// The most resources it holds; 0 asks for the total alone.
    pub count: u64,
}

/// The start of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At a 1-based index (RFC 7644 section 3.4.2.4).
    Index(u64),
    /// At the beginning, to be continued by cursor (RFC 9865 section 2).
    FirstCursor,
    /// At the place a cursor points to.
    Cursor(String),
}

impl Default for Page {
    fn default() -> Self {
        Self { start: Start::Index(1), count: DEFAULT_COUNT }
    }
}

/// A list request on one resource type, ready to run.
#[derive(Debug, Clone)]
pub struct Query {
    /// The filter that resources must match; all of them if absent.
    pub filter: Option<Filter>,
    /// The order of the resources, if the client asked for one.
    pub sort: Option<Sort>,
    /// The page to return.
    pub page: Page,
    /// The attributes to return.
    pub projection: Projection,
    /// The user store; all of them where it names none.
    pub domain: Option<String>,
}

/// The order of a list (RFC 7644 section 3.4.2.3). The path ends at a simple attribute. Of a multi-valued attribute the
/// primary value counts, or else the first. Resources without a value come last, or first when descending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The attribute to sort by.
    pub path: AttributePath,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl ListRequest {
    /// Reads the decoded query parameters of a GET. Parameters it does not know are ignored; of a repeated one the last
    /// counts. Names are case-insensitive.
    ///
    /// # Errors
    /// 400 `invalidValue`, or `invalidCursor` or `invalidCount` where a cursor is involved.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut raw = Raw::default();
        for (name, value) in pairs {
            let text = || Some(value.to_owned());
            match name.to_ascii_lowercase().as_str() {
                "filter" => raw.filter = text(),
                "sortby" => raw.sort_by = text(),
                "sortorder" => raw.sort_order = text(),
                "startindex" => raw.start_index = text(),
                "count" => raw.count = text(),
                "cursor" => raw.cursor = text(),
                "attributes" => raw.attributes = split(value),
                "excludedattributes" => raw.excluded_attributes = split(value),
                "domain" => raw.domain = text(),
                _ => {}
            }
        }
        raw.check()
    }

    /// Reads the body of a search request (RFC 7644 section 3.4.3).
    ///
    /// # Errors
    /// 400 `invalidSyntax` if it is no such body; else as [`ListRequest::from_pairs`].
    pub fn from_search_request(body: &Value) -> Result<Self, Error> {
        let members = body.as_object().ok_or_else(|| Error::invalid_syntax("The body must be a JSON object."))?;
        let mut raw = Raw::default();
        for (name, value) in members {
            match name.to_ascii_lowercase().as_str() {
                "schemas" => check_message_schema(value, SEARCH_REQUEST_SCHEMA)?,
                "filter" => raw.filter = read_text(name, value)?,
                "sortby" => raw.sort_by = read_text(name, value)?,
                "sortorder" => raw.sort_order = read_text(name, value)?,
                "startindex" => raw.start_index = number(name, value)?,
                "count" => raw.count = number(name, value)?,
                "cursor" => raw.cursor = read_text(name, value)?,
                "attributes" => raw.attributes = names(name, value)?,
                "excludedattributes" => raw.excluded_attributes = names(name, value)?,
                "domain" => raw.domain = read_text(name, value)?,
                _ => {}
            }
        }
        raw.check()
    }

    /// Looks up the names in a resource type.
    ///
    /// # Errors
    /// 400 `invalidFilter`, `invalidPath` for `sortBy`, `invalidValue` for the attribute lists.
    pub fn resolve(&self, resource_type: &Arc<ResourceType>) -> Result<Query, Error> {
        let filter = self.filter.as_deref().map(|text| Filter::parse(resource_type, text)).transpose()?;
        let sort = self.sort_by.as_deref().map(|path| Sort::parse(resource_type, path, self.descending)).transpose()?;
        self.query(resource_type, filter, sort)
    }

    /// Looks up the names in several resource types, for a search at the root (RFC 7644 section 3.4.2.1): what a type
    /// does not have counts as unassigned there. The queries come in the order of the types.
    ///
    /// # Errors
    /// As [`ListRequest::resolve`], where no type has the attribute.
    pub fn resolve_for_any(&self, resource_types: &[Arc<ResourceType>]) -> Result<Vec<Query>, Error> {
        let filters = match &self.filter {
            None => vec![None; resource_types.len()],
            Some(text) => Filter::parse_for_any(resource_types.iter().map(|resource_type| &**resource_type), text)?
                .into_iter()
                .map(Some)
                .collect(),
        };
        let sorts: Vec<Option<Sort>> = match &self.sort_by {
            None => vec![None; resource_types.len()],
            Some(path) => {
                let found: Vec<Result<Sort, Error>> = resource_types
                    .iter()
                    .map(|resource_type| Sort::parse(resource_type, path, self.descending))
                    .collect();
                if found.iter().all(Result::is_err) {
                    found.into_iter().map(|sort| sort.map(Some)).collect::<Result<_, _>>()?
                } else {
                    found.into_iter().map(Result::ok).collect()
                }
            }
        };
        let each = resource_types.iter().zip(filters).zip(sorts);
        each.map(|((resource_type, filter), sort)| self.query(resource_type, filter, sort)).collect()
    }

    fn query(
        &self,
        resource_type: &Arc<ResourceType>,
        filter: Option<Filter>,
        sort: Option<Sort>,
    ) -> Result<Query, Error> {
        let projection = Projection::from_lists(resource_type, &self.attributes, &self.excluded_attributes)?;
        Ok(Query { filter, sort, page: self.page.clone(), projection, domain: self.domain.clone() })
    }
}

impl Sort {
    fn parse(resource_type: &ResourceType, path: &str, descending: bool) -> Result<Self, Error> {
        let unfit = |why: &str| Error::invalid_path(format!("Cannot sort by '{}': {why}.", shorten(path)));
        let path = resource_type
            .find_attribute(path)
            .map_err(|ambiguous| Error::invalid_path(ambiguous.to_string()))?
            .ok_or_else(|| unfit("there is no such attribute"))?
            .with_default_sub_attribute();
        // An order over a secret tells it, bit by bit.
        if path.is_secret() {
            return Err(unfit("it is never returned"));
        }
        match path.leaf().data_type {
            Type::Complex => Err(unfit("it is complex, name one of its sub-attributes")),
            Type::Binary => Err(unfit("it is binary")),
            _ => Ok(Self { path, descending }),
        }
    }
}

/// The parameters as texts, whether they came from a URL or a body.
#[derive(Default)]
struct Raw {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    attributes: Vec<String>,
    excluded_attributes: Vec<String>,
    domain: Option<String>,
}

impl Raw {
    fn check(self) -> Result<ListRequest, Error> {
        let not_blank = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let descending = match not_blank(self.sort_order) {
            None => false,
            Some(order) if order.trim().eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.trim().eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(Error::invalid_value("'sortOrder' must be 'ascending' or 'descending'."));
            }
        };
        let count = match whole("count", self.count.as_deref()) {
            Ok(None) => DEFAULT_COUNT,
            // Below 0 counts as 0 (RFC 7644 section 3.4.2.4); above the maximum, the page is merely smaller.
            Ok(Some(count)) => u64::try_from(count).unwrap_or(0).min(MAX_COUNT),
            Err(_) if self.cursor.is_some() => {
                return Err(Error::invalid_count("'count' must be a whole number."));
            }
            Err(error) => return Err(error),
        };
        let start = match self.cursor {
            None => {
                // Below 1 counts as 1 (RFC 7644 section 3.4.2.4).
                let index = whole("startIndex", self.start_index.as_deref())?.unwrap_or(1);
                Start::Index(u64::try_from(index).unwrap_or(1).max(1))
            }
            Some(cursor) if cursor.is_empty() => Start::FirstCursor,
            Some(cursor) if is_cursor(&cursor) => Start::Cursor(cursor),
            Some(_) => {
                return Err(Error::invalid_cursor("The cursor is not one that this service gave out."));
            }
        };
        // An empty filter is a mistake: read as none, it would answer everybody.
        if self.filter.as_ref().is_some_and(|filter| filter.trim().is_empty()) {
            return Err(Error::invalid_filter("The 'filter' is empty."));
        }
        Ok(ListRequest {
            filter: self.filter,
            sort_by: not_blank(self.sort_by),
            descending,
            page: Page { start, count },
            attributes: self.attributes,
            excluded_attributes: self.excluded_attributes,
            domain: not_blank(self.domain),
        })
    }
}

/// The unreserved characters of URIs are what a cursor may hold (RFC 9865 section 2).
fn is_cursor(cursor: &str) -> bool {
    cursor.len() <= MAX_CURSOR_LENGTH
        && cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// A whole number; one beyond 64 bits is as good as the largest.
fn whole(name: &str, text: Option<&str>) -> Result<Option<i64>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid_value(format!("'{name}' must be a whole number.")));
    }
    Ok(Some(digits.parse::<i64>().unwrap_or(i64::MAX) * sign))
}

fn split(list: &str) -> Vec<String> {
    split_names(list).into_iter().map(str::to_owned).collect()
}

fn read_text(name: &str, value: &Value) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Error::invalid_syntax(format!("'{name}' must be a string."))),
    }
}

fn number(name: &str, value: &Value) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Error::invalid_syntax(format!("'{name}' must be a number."))),
    }
}

/// A list of names, or one text of them with commas between.
fn names(name: &str, value: &Value) -> Result<Vec<String>, Error> {
    let wrong = || Error::invalid_syntax(format!("'{name}' must be an array of strings."));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(list) => Ok(split(list)),
        Value::Array(items) => Ok(items
            .iter()
            .map(|item| item.as_str().ok_or_else(wrong))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flat_map(split)
            .collect()),
        _ => Err(wrong()),
    }
}

/// Checks the `schemas` of a protocol message. An empty list passes: clients leave it out.
pub(crate) fn check_message_schema(value: &Value, urn: &str) -> Result<(), Error> {
    let is_urn = |value: &Value| value.as_str().is_some_and(|found| found.eq_ignore_ascii_case(urn));
    let fits = match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty() || list.iter().any(is_urn),
        single => is_urn(single),
    };
    if fits { Ok(()) } else { Err(Error::invalid_syntax(format!("'schemas' must be '{urn}'."))) }
}

#[cfg(test)]
mod tests;
