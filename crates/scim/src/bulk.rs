//! Bulk requests (RFC 7644 section 3.7): read, checked and put into an order in which they can be run.
//!
//! One bad operation must not harm the others, so what is wrong with one is in its place in the plan, not an error of the
//! request. References by `bulkId` may point forwards, backwards and in circles: since the service gives out `id`s
//! itself, the caller can choose all of them before it writes anything, and then puts them in with [`resolve`].

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::error::Error;
use crate::query::check_message_schema;
use crate::resource::check_nesting;
use crate::schema::{REF, Registry, SCHEMAS};
use crate::uri;

/// The URN of a bulk request.
pub const BULK_REQUEST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The URN of a bulk response.
pub const BULK_RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 1_000;
/// The largest request in bytes; the caller holds the body to it.
pub const MAX_PAYLOAD_SIZE: usize = 1_048_576;
/// The greatest depth of a request: a PATCH request's depth below two levels of operations.
const MAX_NESTING: usize = 24;
/// The prefix of a reference to another operation's resource.
const BULK_ID: &str = "bulkId:";

/// The methods of bulk operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Modify.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The resource an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceId {
    /// One that is to be created (POST).
    New,
    /// One that there is.
    Existing(String),
    /// The one that the operation with this `bulkId` creates.
    Created(String),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The operation's HTTP method.
    pub method: Method,
    /// The endpoint, such as `/Users`; there is a resource type at it.
    pub endpoint: String,
    /// The resource it is about.
    pub id: ResourceId,
    /// The version it must have, as `If-Match` (RFC 7644 section 3.14).
    pub version: Option<String>,
    /// The body; null for DELETE.
    pub data: Value,
    /// The operations this one refers to, by index: they all are POSTs.
    pub references: Vec<usize>,
}

/// An operation and what the response says of it in any case.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The method as the client wrote it, if it is one.
    pub method: Option<Method>,
    /// The client's name for it.
    pub bulk_id: Option<String>,
    /// The operation, or why it cannot be run.
    pub operation: Result<Operation, Error>,
}

/// A bulk request that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// After how many errors to stop; never if absent (RFC 7644 section 3.7.3).
    pub fail_on_errors: Option<usize>,
    /// The operations in the client's order.
    pub operations: Vec<Planned>,
}

impl Plan {
    /// Reads a bulk request.
    ///
    /// # Errors
    /// 400 `invalidSyntax` if the body is no bulk request; 413 if it has too many operations.
    pub fn parse(registry: &Registry, body: Value) -> Result<Self, Error> {
        let Value::Object(mut members) = body else {
            return Err(Error::invalid_syntax("The body must be a JSON object."));
        };
        check_nesting(members.values(), MAX_NESTING)?;
        if let Some(schemas) = take(&mut members, SCHEMAS) {
            check_message_schema(&schemas, BULK_REQUEST_SCHEMA)?;
        }
        let fail_on_errors = match take(&mut members, "failOnErrors") {
            None | Some(Value::Null) => None,
            // Nobody means to stop before the first operation by writing 0.
            Some(Value::Number(count)) if count.is_u64() => {
                count.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0)
            }
            Some(_) => {
                return Err(Error::invalid_syntax("'failOnErrors' must be a whole number."));
            }
        };
        let operations = match take(&mut members, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => {
                return Err(Error::invalid_syntax("'Operations' must be an array of at least one operation."));
            }
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(Error::payload_too_large(format!("A bulk request has at most {MAX_OPERATIONS} operations.")));
        }
        let mut operations: Vec<Planned> =
            operations.into_iter().map(|operation| read_operation(registry, operation)).collect();
        link(&mut operations);
        Ok(Self { fail_on_errors, operations })
    }

    /// The operations in an order in which everything an operation refers to comes before it, in groups. A group of
    /// several is a circle of references: they can only be done together. Otherwise the client's order is kept.
    #[must_use]
    pub fn order(&self) -> Vec<Vec<usize>> {
        order(self.operations.len(), |index| match &self.operations[index].operation {
            Ok(operation) => &operation.references,
            Err(_) => &[],
        })
    }
}

fn read_operation(registry: &Registry, operation: Value) -> Planned {
    let Value::Object(mut members) = operation else {
        return Planned {
            method: None,
            bulk_id: None,
            operation: Err(Error::invalid_syntax("An operation must be a JSON object.")),
        };
    };
    let method = take(&mut members, "method").and_then(|method| {
        let name = method.as_str()?.to_ascii_uppercase();
        [Method::Post, Method::Put, Method::Patch, Method::Delete].into_iter().find(|method| method.as_str() == name)
    });
    let bulk_id =
        take(&mut members, "bulkId").and_then(|id| id.as_str().map(str::to_owned)).filter(|id| !id.is_empty());
    let mut check = || {
        let method = method.ok_or_else(|| Error::invalid_syntax("'method' must be POST, PUT, PATCH or DELETE."))?;
        let path = take(&mut members, "path")
            .and_then(|path| path.as_str().map(str::to_owned))
            .ok_or_else(|| Error::invalid_syntax("'path' must be a string."))?;
        let (endpoint, id) = read_path(registry, method, &path)?;
        if method == Method::Post && bulk_id.is_none() {
            return Err(Error::invalid_syntax("A POST must have a 'bulkId'."));
        }
        let version = match take(&mut members, "version") {
            None | Some(Value::Null) => None,
            Some(Value::String(version)) => Some(version),
            Some(_) => return Err(Error::invalid_syntax("'version' must be a string.")),
        };
        let data = match (method, take(&mut members, "data")) {
            (Method::Delete, _) => Value::Null,
            (_, Some(data @ Value::Object(_))) => data,
            _ => return Err(Error::invalid_syntax("'data' must be an object.")),
        };
        Ok(Operation { method, endpoint, id, version, data, references: Vec::new() })
    };
    let operation = check();
    Planned { method, bulk_id, operation }
}

/// `/Users`, `/Users/{id}` or `/Users/bulkId:{bulkId}`.
fn read_path(registry: &Registry, method: Method, path: &str) -> Result<(String, ResourceId), Error> {
    let path = uri::normalize_path(path.trim());
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let endpoint = segments.next().unwrap_or_default();
    let id = segments.next();
    if segments.next().is_some() {
        return Err(Error::not_found("There is no such endpoint."));
    }
    let resource_type =
        registry.resource_type_at(endpoint).ok_or_else(|| Error::not_found("There is no such endpoint."))?;
    let id = match (method, id) {
        (Method::Post, None) => ResourceId::New,
        (Method::Post, Some(_)) => {
            return Err(Error::method_not_allowed("A POST goes to an endpoint, not to a resource."));
        }
        (_, None) => {
            return Err(Error::method_not_allowed("Only a POST goes to an endpoint."));
        }
        (_, Some(id)) => id
            .strip_prefix(BULK_ID)
            .map_or_else(|| ResourceId::Existing(id.to_owned()), |id| ResourceId::Created(id.to_owned())),
    };
    Ok((resource_type.endpoint.clone(), id))
}

/// Finds what each operation refers to. A `bulkId` must be there, once, and on a POST.
fn link(operations: &mut [Planned]) {
    let mut posts: HashMap<String, usize> = HashMap::new();
    let mut twice = HashSet::new();
    for (index, planned) in operations.iter().enumerate() {
        if let (Some(Method::Post), Some(id)) = (planned.method, &planned.bulk_id)
            && posts.insert(id.clone(), index).is_some()
        {
            twice.insert(id.clone());
        }
    }
    for planned in operations.iter_mut() {
        let is_twice =
            planned.method == Some(Method::Post) && planned.bulk_id.as_ref().is_some_and(|id| twice.contains(id));
        if is_twice && planned.operation.is_ok() {
            planned.operation = Err(Error::invalid_value("The 'bulkId' is used by several operations."));
        }
        let Ok(operation) = &mut planned.operation else {
            continue;
        };
        let mut names = Vec::new();
        if let ResourceId::Created(id) = &operation.id {
            names.push(id.clone());
        }
        collect(&operation.data, &mut names);
        let mut references = Vec::new();
        // RFC 7644 section 3.7.2: a bulkId that cannot be resolved is a conflict.
        let unresolved = names.iter().find(|name| match posts.get(*name).filter(|_| !twice.contains(*name)) {
            Some(index) => {
                references.push(*index);
                false
            }
            None => true,
        });
        match unresolved {
            None => {
                references.sort_unstable();
                references.dedup();
                operation.references = references;
            }
            Some(_) => {
                planned.operation =
                    Err(Error::conflict("The operation refers to a 'bulkId' that no POST of the request has."))
            }
        }
    }
}

/// The `bulkId`s a body refers to.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => names.extend(text.strip_prefix(BULK_ID).map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(members) => members.iter().for_each(|(name, value)| match in_reference(name, value) {
            Some((_, id)) => names.push(id.to_owned()),
            None => collect(value, names),
        }),
        _ => {}
    }
}

/// Puts real ids in place of a body's `bulkId:` references. One that `id_of` does not know is left.
pub fn resolve(value: &mut Value, id_of: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = text.strip_prefix(BULK_ID).and_then(id_of) {
                *text = id;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, id_of)),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| {
            let reference = in_reference(name, value).and_then(|(path, id)| Some(format!("{path}{}", id_of(id)?)));
            match reference {
                Some(reference) => *value = Value::from(reference),
                None => resolve(value, id_of),
            }
        }),
        _ => {}
    }
}

/// The `bulkId` at the end of a `$ref`, such as `/Users/bulkId:joan`, and what stands before it.
fn in_reference<'a>(name: &str, value: &'a Value) -> Option<(&'a str, &'a str)> {
    let (path, last) = value.as_str().filter(|_| name.eq_ignore_ascii_case(REF))?.rsplit_once('/')?;
    let text = value.as_str()?;
    Some((text.get(..=path.len())?, last.strip_prefix(BULK_ID)?))
}

fn take(members: &mut serde_json::Map<String, Value>, name: &str) -> Option<Value> {
    let key = if members.contains_key(name) {
        name.to_owned()
    } else {
        members.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone()
    };
    members.swap_remove(&key)
}

/// Strongly connected components in dependency order (Tarjan's algorithm), without recursion: a chain of a thousand
/// references must not need a thousand stack frames.
fn order<'a>(count: usize, references: impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut seen_at = vec![UNSEEN; count];
    let mut lowest = vec![UNSEEN; count];
    let mut is_open = vec![false; count];
    let mut open = Vec::new();
    let mut groups = Vec::new();
    let mut clock = 0;
    for root in 0..count {
        if seen_at[root] != UNSEEN {
            continue;
        }
        // Each entry: an operation, and how many of its references have been followed.
        let mut path = vec![(root, 0)];
        while let Some((index, followed)) = path.last_mut() {
            let index = *index;
            if *followed == 0 {
                seen_at[index] = clock;
                lowest[index] = clock;
                clock += 1;
                open.push(index);
                is_open[index] = true;
            }
            if let Some(next) = references(index).get(*followed).copied() {
                *followed += 1;
                if seen_at[next] == UNSEEN {
                    path.push((next, 0));
                } else if is_open[next] {
                    lowest[index] = lowest[index].min(seen_at[next]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                lowest[*parent] = lowest[*parent].min(lowest[index]);
            }
            if lowest[index] == seen_at[index] {
                let start = open.iter().rposition(|member| *member == index).unwrap_or_default();
                let mut group = open.split_off(start);
                for member in &group {
                    is_open[*member] = false;
                }
                group.sort_unstable();
                groups.push(group);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests;
