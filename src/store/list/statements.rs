//! The statements of a list, and how their answers are read.

use crate::model::context::StoreContext;
use crate::model::resource::{Resource, USER};
use crate::ports::{DatabaseError, Outcome, Row, Statement, Value};
use crate::store::cursor::QueryDigest;
use crate::store::filter::{Bindings, Scope, predicate, sort_key};
use crate::store::list::bounds::After;
use crate::store::list::driver::MAX_EXAMINED;
use crate::store::list::plan::Plan;
use crate::store::list::{Found, ListError};
use crate::store::resources::{self, COLUMNS, GROUPS_COLUMN};
use scim::error::Error;
use scim::query::{Query, Sort};
use scim::schema::{ResourceType, Type};

/// The number of characters of a text that count when a list is sorted by it.
const SORTED_CHARACTERS: usize = 200;
/// How many candidates of a narrow index are looked at in the hope that they are all.
const MIN_EXAMINED: u64 = 100;
/// D1's integers end here.
const MAX_INTEGER: u64 = 1 << 53;

/// The part of a list to read.
#[derive(Debug)]
pub(super) struct Window<'a> {
    /// The place after which it starts; the list's beginning if absent.
    pub after: Option<After<'a>>,
    /// Without so many of the first.
    pub offset: u64,
    /// No more than these.
    pub limit: u64,
}

/// A list of resources of one type.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    scope: Scope<'a>,
    tenant: Value,
    sort: Option<&'a Sort>,
    identity: [String; 5],
    plan: Option<Plan>,
    with_groups: bool,
}

impl<'a> Listing<'a> {
    pub(super) fn new(ctx: &StoreContext, resource_type: &'a ResourceType, query: &'a Query) -> Self {
        let scope = Scope::new(ctx, resource_type);
        let sort = query.sort.as_ref();
        let plan = Plan::new(&scope, query.filter.as_ref(), sort);
        let order = match &plan {
            Some(plan) if plan.natural => plan.driver.order().join(","),
            _ => String::new(),
        };
        let direction = sort.map(|sort| format!("{} {}", sort.path, if sort.descending { "down" } else { "up" }));
        let identity = [
            resource_type.name.clone(),
            query.filter.as_ref().map(ToString::to_string).unwrap_or_default(),
            direction.unwrap_or_default(),
            order,
            // The same query is another list in another user store, or in all of them.
            query.domain.as_ref().map(|_| store_name(ctx)).unwrap_or_default(),
        ];
        let with_groups = resource_type.name == USER && query.projection.wants("groups");
        Self { scope, tenant: ctx.tenant.key(), sort, identity, plan, with_groups }
    }

    pub(super) fn name(&self) -> &str {
        &self.scope.resource_type.name
    }

    /// Returns the strings that decide which resources come in which order.
    pub(super) fn identity(&self) -> [String; 5] {
        self.identity.clone()
    }

    pub(super) fn query_digest(&self) -> QueryDigest {
        QueryDigest::new(self.identity.iter().map(String::as_str))
    }

    pub(super) fn descending(&self) -> bool {
        self.sort.is_some_and(|sort| sort.descending)
    }

    /// Whether nothing can match.
    pub(super) fn is_empty(&self) -> bool {
        self.plan.is_none()
    }

    fn key(&self) -> (&Value, &str) {
        (&self.tenant, self.name())
    }

    /// Whether candidates are looked at one by one, so that there must not be too many.
    fn is_bounded(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.residual.is_some() || !plan.natural)
    }

    /// The statement that tells how many candidates there are, where that is bounded.
    pub(super) fn candidate_count(&self) -> Option<Statement> {
        let plan = self.plan.as_ref().filter(|_| self.is_bounded())?;
        let mut bindings = Bindings::default();
        let sql = if plan.driver.is_whole() {
            format!("SELECT total AS candidates {}", self.counters(&mut bindings))
        } else {
            let candidates = plan.driver.candidates(self.key(), &mut bindings);
            format!("SELECT COUNT(*) AS candidates FROM ({candidates})")
        };
        Some(Statement::new(sql, bindings.into_values()))
    }

    fn counters(&self, bindings: &mut Bindings) -> String {
        let tenant = bindings.bind(self.tenant.clone());
        format!("FROM counters WHERE tenant = {tenant} AND type = {}", bindings.bind(self.name()))
    }

    /// Returns the number of candidates.
    ///
    /// # Errors
    /// 400 `tooMany` if that is too many.
    pub(super) fn check_candidate_count(&self, outcome: Option<&Outcome>) -> Result<u64, ListError> {
        if !self.is_bounded() {
            return Ok(0);
        }
        let candidates = first_integer(outcome, "candidates")?;
        if candidates > MAX_EXAMINED {
            return Err(ListError::Refused(self.too_many()));
        }
        Ok(candidates.unsigned_abs())
    }

    fn too_many(&self) -> Error {
        let resource_type = self.scope.resource_type;
        let mut indexed: Vec<String> = Vec::new();
        for (extension, attribute) in resource_type.places() {
            let is_indexed = attribute.indexed || attribute.sub_attributes.iter().any(|sub| sub.indexed);
            if is_indexed && attribute.name != "meta" {
                indexed.push(match extension {
                    None => attribute.name.clone(),
                    Some(extension) => format!("{}:{}", extension.schema.id, attribute.name),
                });
            }
        }
        let orders = if resource_type.name == USER {
            "id, userName, meta.created or meta.lastModified"
        } else {
            "meta.created or meta.lastModified"
        };
        Error::too_many(format!(
            "More than {MAX_EXAMINED} resources would have to be examined. Narrow the filter, with 'and', by an attribute \
             that has an index: {}, meta.created or meta.lastModified. Sort by {orders}, or not at all.",
            indexed.join(", ")
        ))
    }

    /// The statements that tell the total.
    pub(super) fn totals(&self) -> Vec<Statement> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let mut statements: Vec<Statement> = self.candidate_count().into_iter().chain(self.counter()).collect();
        let mut bindings = Bindings::default();
        let sql = match &plan.residual {
            // The candidates are the total, whichever statement has counted them.
            None if !statements.is_empty() => return statements,
            None => plan.driver.count(self.key(), &mut bindings),
            Some(residual) => {
                let mut rows = plan.driver.rows(self.key(), None, &mut bindings);
                rows.conditions.push(predicate(&self.scope, residual, &mut bindings));
                format!("SELECT COUNT(*) AS total {} LIMIT {}", rows.to_sql(), self.limit(plan, 1, &mut bindings))
            }
        };
        statements.push(Statement::new(sql, bindings.into_values()));
        statements
    }

    /// The statement that reads the total from the counter, where that is all there is to it.
    pub(super) fn counter(&self) -> Option<Statement> {
        self.plan.as_ref().filter(|plan| plan.driver.is_whole() && !self.is_bounded())?;
        let mut bindings = Bindings::default();
        let sql = format!("SELECT total {}", self.counters(&mut bindings));
        Some(Statement::new(sql, bindings.into_values()))
    }

    /// The total that the statements of [`Listing::totals`] told.
    ///
    /// # Errors
    /// As [`Listing::check_candidate_count`].
    pub(super) fn read_totals(&self, outcomes: &[Outcome]) -> Result<u64, ListError> {
        let Some(plan) = &self.plan else { return Ok(0) };
        let candidates = self.check_candidate_count(outcomes.first())?;
        if self.is_bounded() && plan.residual.is_none() {
            return Ok(candidates);
        }
        let total = first_integer(outcomes.get(usize::from(self.is_bounded())), "total")?;
        Ok(u64::try_from(total).unwrap_or_default())
    }

    /// The limit of a statement. Where candidates are bounded it is 0 if there are too many, so that none is looked at.
    fn limit(&self, plan: &Plan, limit: u64, bindings: &mut Bindings) -> String {
        let limit = bindings.bind(i64::try_from(limit.min(MAX_INTEGER)).unwrap_or_default());
        if !self.is_bounded() {
            return limit;
        }
        if plan.driver.is_whole() {
            let counters = self.counters(bindings);
            return format!("COALESCE((SELECT CASE WHEN total > {MAX_EXAMINED} THEN 0 END {counters}), {limit})");
        }
        let candidates = plan.driver.candidates(self.key(), bindings);
        format!("(SELECT CASE WHEN COUNT(*) > {MAX_EXAMINED} THEN 0 ELSE {limit} END FROM ({candidates}))")
    }

    /// The statement that reads a page.
    pub(super) fn page(&self, window: &Window<'_>) -> Option<Statement> {
        let plan = self.plan.as_ref()?;
        Some(if plan.natural { self.walked(plan, window) } else { self.sorted(plan, window) })
    }

    /// A page in the order of the driver: nothing is sorted, and reading ends with the page.
    fn walked(&self, plan: &Plan, window: &Window<'_>) -> Statement {
        let mut bindings = Bindings::default();
        let mut rows = plan.driver.rows(self.key(), window.after, &mut bindings);
        if let Some(residual) = &plan.residual {
            rows.conditions.push(predicate(&self.scope, residual, &mut bindings));
        }
        let order = plan.driver.order();
        let mut sql = format!(
            "SELECT {}{} {} ORDER BY {} LIMIT {}",
            self.columns(),
            places(order),
            rows.to_sql(),
            self.ordering(order),
            self.limit(plan, window.limit, &mut bindings)
        );
        push_offset(&mut sql, window, &mut bindings);
        Statement::new(sql, bindings.into_values())
    }

    fn columns(&self) -> String {
        if self.with_groups { format!("{COLUMNS}, {GROUPS_COLUMN}") } else { COLUMNS.to_owned() }
    }

    fn ordering(&self, order: &[&str]) -> String {
        let direction = if self.descending() { " DESC" } else { "" };
        order.iter().map(|column| format!("{column}{direction}")).collect::<Vec<_>>().join(", ")
    }

    /// The statement that looks at the first candidates of a narrow driver, and how many it may find: if it finds no
    /// more, they are all.
    pub(super) fn page_with_total(&self, count: u64) -> Option<(Statement, usize)> {
        let plan = self.plan.as_ref().filter(|plan| plan.natural && plan.driver.is_narrow())?;
        let limit = match &plan.residual {
            _ if plan.driver.is_single() => 1,
            Some(_) => count.max(MIN_EXAMINED),
            None => count,
        };
        // One more than that would be too many, save of what is unique.
        let read = if plan.driver.is_single() { limit } else { limit.saturating_add(1) };
        let mut bindings = Bindings::default();
        let rows = plan.driver.rows(self.key(), None, &mut bindings);
        let hit = match &plan.residual {
            None => "1".to_owned(),
            Some(residual) => format!("({}) IS TRUE", predicate(&self.scope, residual, &mut bindings)),
        };
        let order = plan.driver.order();
        let sql = format!(
            "SELECT {}{}, {hit} AS hit {} ORDER BY {} LIMIT {}",
            self.columns(),
            places(order),
            rows.to_sql(),
            self.ordering(order),
            bindings.bind(i64::try_from(read).unwrap_or_default())
        );
        Some((Statement::new(sql, bindings.into_values()), usize::try_from(limit).unwrap_or(usize::MAX)))
    }

    /// The resources that such a page found.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn read_page_with_total(&self, outcome: Option<&Outcome>) -> Result<Found, ListError> {
        let mut found = Vec::new();
        for row in outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default() {
            if row.read_integer("hit")? != 0 {
                found.push(self.read_row(row)?);
            }
        }
        Ok(found)
    }

    /// A page in another order than the driver's: the candidates' ids are sorted, then the page's resources are read.
    fn sorted(&self, plan: &Plan, window: &Window<'_>) -> Statement {
        let mut bindings = Bindings::default();
        let key = self.sort.map_or_else(|| "NULL".to_owned(), |sort| self.sort_key(sort, &mut bindings));
        let mut rows = plan.driver.rows(self.key(), None, &mut bindings);
        if let Some(residual) = &plan.residual {
            rows.conditions.push(predicate(&self.scope, residual, &mut bindings));
        }
        let after = window.after.and_then(|after| self.sorted_after(after, &mut bindings));
        let (order, outer_order) = if self.descending() {
            ("k DESC NULLS FIRST, id DESC", "f.k DESC NULLS FIRST, f.id DESC")
        } else {
            ("k NULLS LAST, id", "f.k NULLS LAST, f.id")
        };
        let mut page = format!(
            "SELECT id, k FROM (SELECT r.id AS id, {key} AS k {}){} ORDER BY {order} LIMIT {}",
            rows.to_sql(),
            after.map(|after| format!(" WHERE {after}")).unwrap_or_default(),
            self.limit(plan, window.limit, &mut bindings)
        );
        push_offset(&mut page, window, &mut bindings);
        let shown_key = if self.sorts_whole_numbers() { "CAST(f.k AS TEXT)" } else { "f.k" };
        let sql = format!(
            "SELECT {}, {shown_key} AS o0, f.id AS o1 FROM ({page}) f \
             CROSS JOIN resources r ON r.tenant = {} AND r.id = f.id ORDER BY {outer_order}",
            self.columns(),
            bindings.bind(self.tenant.clone())
        );
        Statement::new(sql, bindings.into_values())
    }

    fn sort_key(&self, sort: &Sort, bindings: &mut Bindings) -> String {
        let key = sort_key(&self.scope, &sort.path, bindings);
        match sort.path.leaf().data_type {
            // A cursor carries the key, and has little room.
            Type::String | Type::Reference => format!("substr({key}, 1, {SORTED_CHARACTERS})"),
            _ => key,
        }
    }

    /// D1 answers numbers as doubles: a whole one travels as text.
    pub(super) fn sorts_whole_numbers(&self) -> bool {
        self.sort.is_some_and(|sort| sort.path.leaf().data_type == Type::Integer)
    }

    fn sorted_after(&self, after: After<'_>, bindings: &mut Bindings) -> Option<String> {
        let [key, id] = after.position else { return None };
        let id = bindings.bind(id.clone());
        let no_key = *key == Value::Null;
        let key = bindings.bind(key.clone());
        let key = if self.sorts_whole_numbers() { format!("CAST({key} AS INTEGER)") } else { key };
        Some(match (after.descending, no_key) {
            (false, false) => format!("(k > {key} OR (k = {key} AND id > {id}) OR k IS NULL)"),
            (false, true) => format!("(k IS {key} AND id > {id})"),
            (true, false) => format!("(k < {key} OR (k = {key} AND id < {id}))"),
            (true, true) => format!("(k IS NOT {key} OR id < {id})"),
        })
    }

    /// The resources of a page.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn read_page(&self, outcome: Option<&Outcome>) -> Result<Found, ListError> {
        let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        Ok(rows.iter().map(|row| self.read_row(row)).collect::<Result<_, _>>()?)
    }

    fn read_row(&self, row: &Row) -> Result<(Resource, Vec<Value>), DatabaseError> {
        let natural = self.plan.as_ref().filter(|plan| plan.natural);
        let places = natural.map_or(2, |plan| plan.driver.order().len());
        let place = (0..places).map(|index| row.value(&format!("o{index}"))).collect::<Result<_, _>>()?;
        Ok((resources::from_row(row)?, place))
    }
}

/// The user store of a list, as its cursors know it.
fn store_name(ctx: &StoreContext) -> String {
    ctx.platform.store.map_or_else(|| "primary".to_owned(), |number| number.to_string())
}

/// The columns that tell where a resource stands in the order.
fn places(order: &[&str]) -> String {
    order.iter().enumerate().map(|(index, column)| format!(", {column} AS o{index}")).collect()
}

fn push_offset(sql: &mut String, window: &Window<'_>, bindings: &mut Bindings) {
    if window.offset > 0 {
        let offset = i64::try_from(window.offset.min(MAX_INTEGER)).unwrap_or_default();
        sql.push_str(&format!(" OFFSET {}", bindings.bind(offset)));
    }
}

/// The number in a statement's only row; 0 where it has none.
fn first_integer(outcome: Option<&Outcome>, column: &str) -> Result<i64, DatabaseError> {
    outcome.and_then(|outcome| outcome.rows.first()).map_or(Ok(0), |row| row.read_integer(column))
}
