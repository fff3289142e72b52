//! The statements of a list, and how their answers are read.

use crate::model::context::StoreContext;
use crate::model::resource::USER;
use crate::ports::{DatabaseError, Outcome, Row, Statement, Value};
use crate::store::cursor::QueryDigest;
use crate::store::filter::{Bindings, Scope, predicate, sort_key};
use crate::store::list::bounds::After;
use crate::store::list::budget::{Allowance, MAX_PASSED, MAX_ROWS, too_deep};
use crate::store::list::documents::{Documents, no_columns};
use crate::store::list::groups;
use crate::store::list::guard::Figures;
use crate::store::list::plan::Plan;
use crate::store::list::{Found, Hit, ListError};
use crate::store::resources;
use scim::query::{Query, Sort};
use scim::schema::{AttributePath, ResourceType, Type};

/// The number of characters of a text that count when a list is sorted by it.
const SORTED_CHARACTERS: usize = 200;
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
    documents: Documents,
    /// The most resources that the page has.
    count: u64,
    /// The other types that the same list examines.
    others: Vec<String>,
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
        let documents = Documents::new(resource_type, &query.projection);
        let (tenant, count) = (ctx.tenant.key(), query.page.count);
        Self { scope, tenant, sort, identity, plan, with_groups, documents, count, others: Vec::new() }
    }

    /// Counts the resources of other types with those that this list examines.
    pub(super) fn examine_with(&mut self, others: Vec<String>) {
        self.others = others;
    }

    /// Whether every resource of the type is examined.
    pub(super) fn examines_whole(&self) -> bool {
        self.is_bounded() && self.plan.as_ref().is_some_and(|plan| plan.driver.is_whole())
    }

    pub(super) fn scope(&self) -> &Scope<'a> {
        &self.scope
    }

    /// The attribute by whose values the candidates are sorted.
    pub(super) fn sorted_by(&self, plan: &Plan) -> Option<&AttributePath> {
        self.sort.filter(|_| !plan.natural).map(|sort| &sort.path)
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

    /// The parameter of the tenant.
    pub(super) fn tenant(&self, bindings: &mut Bindings) -> String {
        bindings.bind(self.tenant.clone())
    }

    /// Whether candidates are looked at one by one, so that there must not be too many.
    pub(super) fn is_bounded(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.residual.is_some() || !plan.natural)
    }

    pub(super) fn counters(&self, bindings: &mut Bindings) -> String {
        let tenant = self.tenant(bindings);
        format!("FROM counters WHERE tenant = {tenant} AND type = {}", bindings.bind(self.name()))
    }

    /// The expression of the number of resources of the other types that the same list examines.
    pub(super) fn other_counters(&self, bindings: &mut Bindings) -> String {
        if self.others.is_empty() {
            return "0".to_owned();
        }
        let tenant = self.tenant(bindings);
        let names = bindings.bind(serde_json::json!(self.others).to_string());
        format!(
            "COALESCE((SELECT SUM(total) FROM json_each({names}) j CROSS JOIN counters \
             ON tenant = {tenant} AND counters.type = j.value), 0)"
        )
    }

    /// The statement that reads the total from the counter, where that is all there is to it.
    pub(super) fn counter(&self) -> Option<Statement> {
        self.plan.as_ref().filter(|plan| plan.driver.is_whole() && !self.is_bounded())?;
        let mut bindings = Bindings::default();
        let sql = format!("SELECT total {}", self.counters(&mut bindings));
        Some(Statement::new(sql, bindings.into_values()))
    }

    /// The total that the statement of [`Listing::counter`] told.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn read_counter(outcome: Option<&Outcome>) -> Result<u64, ListError> {
        let row = outcome.and_then(|outcome| outcome.rows.first());
        Ok(row.map_or(Ok(0), |row| row.read_integer("total"))?.unsigned_abs())
    }

    /// The statements of a page by index, or where there is no window, of the total alone. The first row of all are
    /// [`Figures`]. There are none where nothing can match.
    pub(super) fn index_page(&self, window: Option<&Window<'_>>, allowance: Allowance) -> Vec<Statement> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let window = window.filter(|window| window.limit > 0);
        if self.is_bounded() {
            vec![self.weighed(plan, allowance), self.examined(plan, window, allowance)]
        } else {
            vec![self.counted(plan, window)]
        }
    }

    /// The statements of a page that goes on from a place. Where resources are examined, the first row of all are
    /// [`Figures`].
    pub(super) fn page(&self, window: &Window<'_>, allowance: Allowance) -> Vec<Statement> {
        let Some(plan) = &self.plan else { return Vec::new() };
        if self.is_bounded() {
            return vec![self.weighed(plan, allowance), self.continued(plan, window, allowance)];
        }
        self.window(window, allowance).into_iter().collect()
    }

    /// The statement that counts the values which a page has passed over that was not filled, as far as a list may read; there
    /// is none where each resource has one.
    pub(super) fn passed_over(&self, after: Option<After<'_>>) -> Option<Statement> {
        let plan = self.plan.as_ref().filter(|plan| plan.driver.is_walked() && !self.is_bounded())?;
        let mut bindings = Bindings::default();
        let tenant = self.tenant(&mut bindings);
        let part = plan.driver.part((&tenant, self.name()), after, MAX_PASSED + 1, &mut bindings);
        Some(Statement::new(format!("SELECT COUNT(*) AS passed FROM ({part})"), bindings.into_values()))
    }

    /// The statement of a part of the list, of which the total is known.
    pub(super) fn window(&self, window: &Window<'_>, allowance: Allowance) -> Option<Statement> {
        let plan = self.plan.as_ref()?;
        if self.is_bounded() {
            return Some(self.examined(plan, Some(window), allowance));
        }
        let mut bindings = Bindings::default();
        let limit = bindings.bind(to_integer(window.limit));
        let sql = self.walked(plan, window, &limit, &mut bindings);
        Some(Statement::new(sql, bindings.into_values()))
    }

    /// A page and its total, both from one index.
    fn counted(&self, plan: &Plan, window: Option<&Window<'_>>) -> Statement {
        let mut bindings = Bindings::default();
        let figures = if plan.driver.is_whole() {
            let counters = self.counters(&mut bindings);
            format!("SELECT 0 AS counted, COALESCE((SELECT total {counters}), 0) AS total")
        } else {
            let tenant = self.tenant(&mut bindings);
            let (rows, counted) = plan.driver.counted((&tenant, self.name()), MAX_ROWS + 1, &mut bindings);
            format!("SELECT COUNT(*) AS counted, COUNT({counted}) AS total FROM ({rows})")
        };
        let first = self.figures(plan);
        let mut sql = format!("WITH guard AS MATERIALIZED ({figures}) {first}");
        if let Some(window) = window {
            let (offset, limit) = (bindings.bind(to_integer(window.offset)), bindings.bind(to_integer(window.limit)));
            let each = plan.driver.rows_of_one();
            // What no page has is not passed over, nor more than a list reads.
            let limit = format!(
                "(SELECT CASE WHEN total <= {offset} OR counted + {each} * {offset} > {MAX_ROWS} THEN 0 ELSE {limit} END \
                 FROM guard)"
            );
            let page = self.walked(plan, window, &limit, &mut bindings);
            sql.push_str(&format!(" UNION ALL SELECT NULL, NULL, p.* FROM ({page}) p"));
        }
        Statement::new(sql, bindings.into_values())
    }

    /// 400 `tooMany` if more would have been passed over than a list reads.
    ///
    /// # Errors
    /// That.
    pub(super) fn check_depth(&self, figures: &Figures, offset: u64) -> Result<(), ListError> {
        let offset = to_integer(offset);
        let each = self.plan.as_ref().map_or(1, |plan| plan.driver.rows_of_one());
        let deep = figures.counted.saturating_add(each.saturating_mul(offset)) > MAX_ROWS;
        if !self.is_bounded() && offset < figures.total && deep {
            return Err(ListError::Refused(too_deep()));
        }
        Ok(())
    }

    /// The statement that finds out what is to be examined, and examines nothing.
    fn weighed(&self, plan: &Plan, allowance: Allowance) -> Statement {
        let mut bindings = Bindings::default();
        let guard = self.guard(plan, allowance, &mut bindings);
        Statement::new(guard, bindings.into_values())
    }

    /// The candidates that match, each with its place in the order, if it is found that they may be examined.
    fn hits(
        &self,
        plan: &Plan,
        after: Option<After<'_>>,
        limit: &str,
        allowance: Allowance,
        bindings: &mut Bindings,
    ) -> String {
        let guard = self.guard(plan, allowance, bindings);
        let tenant = self.tenant(bindings);
        let mut rows = plan.driver.rows((&tenant, self.name()), after.filter(|_| plan.natural), bindings);
        if let Some(residual) = &plan.residual {
            rows.conditions.push(predicate(&self.scope, residual, bindings));
        }
        let rows = rows.to_sql();
        let limit = format!("LIMIT (SELECT CASE WHEN fits THEN {limit} ELSE 0 END FROM ({guard}) guard)");
        if plan.natural {
            let order = plan.driver.order();
            return format!("SELECT r.rowid AS n{} {rows} ORDER BY {} {limit}", places(order), self.ordering(order));
        }
        let key = self.sort.map_or_else(|| "NULL".to_owned(), |sort| self.sort_key(sort, bindings));
        format!("SELECT r.rowid AS n, {key} AS o0, r.id AS o1 {rows} {limit}")
    }

    /// A page and its total, of candidates that are examined once for both. The first row is there whatever the page, with
    /// the total; none where nothing matches.
    fn examined(&self, plan: &Plan, window: Option<&Window<'_>>, allowance: Allowance) -> Statement {
        let mut bindings = Bindings::default();
        let hits = self.hits(plan, None, "-1", allowance, &mut bindings);
        let Some(window) = window else {
            let sql = format!("SELECT COUNT(*) AS total FROM ({hits}) p");
            return Statement::new(sql, bindings.into_values());
        };
        let limit = bindings.bind(to_integer(window.limit));
        let (columns, places) = (self.columns(window.limit), self.shown_places(plan, "p"));
        let ordered =
            if plan.natural { hits } else { format!("SELECT * FROM ({hits}) f ORDER BY {} LIMIT -1", self.sorting()) };
        let counted = format!("SELECT f.*, COUNT(*) OVER () AS total FROM ({ordered}) f");
        let sql = if window.offset == 0 {
            format!(
                "SELECT p.total AS total, {columns}{places} FROM ({counted} LIMIT {limit}) p \
                 CROSS JOIN resources r ON r.rowid = p.n"
            )
        } else {
            let offset = bindings.bind(to_integer(window.offset));
            let on_page = format!("p.position > {offset} AND p.position <= {offset} + {limit}");
            format!(
                "SELECT p.total AS total, {columns}{places} FROM (SELECT s.*, ROW_NUMBER() OVER () AS position \
                 FROM ({counted}) s) p LEFT JOIN resources r ON r.rowid = p.n AND {on_page} \
                 WHERE p.position = 1 OR ({on_page})"
            )
        };
        Statement::new(sql, bindings.into_values())
    }

    /// A page of candidates from a place on.
    fn continued(&self, plan: &Plan, window: &Window<'_>, allowance: Allowance) -> Statement {
        let mut bindings = Bindings::default();
        let limit = bindings.bind(to_integer(window.limit));
        let page = if plan.natural {
            // Reading ends with the page.
            self.hits(plan, window.after, &limit, allowance, &mut bindings)
        } else {
            let hits = self.hits(plan, None, "-1", allowance, &mut bindings);
            let after = window.after.and_then(|after| self.sorted_after(after, &mut bindings));
            format!(
                "SELECT * FROM ({hits}) f{} ORDER BY {} LIMIT {limit}",
                after.map(|after| format!(" WHERE {after}")).unwrap_or_default(),
                self.sorting()
            )
        };
        // The page is the outer loop, and gives the order.
        let sql = format!(
            "SELECT {}{} FROM ({page}) p CROSS JOIN resources r ON r.rowid = p.n",
            self.columns(window.limit),
            self.shown_places(plan, "p")
        );
        Statement::new(sql, bindings.into_values())
    }

    /// The order of candidates that are sorted.
    fn sorting(&self) -> &'static str {
        if self.descending() { "o0 DESC NULLS FIRST, o1 DESC" } else { "o0 NULLS LAST, o1" }
    }

    fn shown_places(&self, plan: &Plan, table: &str) -> String {
        let shown = |index: usize| {
            if index == 0 && !plan.natural && self.sorts_whole_numbers() {
                format!(", CAST({table}.o0 AS TEXT) AS o0")
            } else {
                format!(", {table}.o{index} AS o{index}")
            }
        };
        (0..self.place_count(plan)).map(shown).collect()
    }

    /// The select of the figures of what one index says, with the names of all columns.
    fn figures(&self, plan: &Plan) -> String {
        let columns = if self.with_groups { format!("{}, NULL AS groups", no_columns()) } else { no_columns() };
        let places: String = (0..self.place_count(plan)).map(|index| format!(", NULL AS o{index}")).collect();
        format!("SELECT counted, total, {columns}{places} FROM guard")
    }

    /// The number of values that tell a resource's place in the order.
    fn place_count(&self, plan: &Plan) -> usize {
        if plan.natural { plan.driver.order().len() } else { 2 }
    }

    /// A page in the order of the driver, where nothing is examined: reading ends with the page.
    fn walked(&self, plan: &Plan, window: &Window<'_>, limit: &str, bindings: &mut Bindings) -> String {
        let tenant = self.tenant(bindings);
        let rows = plan.driver.rows((&tenant, self.name()), window.after, bindings);
        let order = plan.driver.order();
        // What is in order is not to be sorted, which would read all of it.
        let ordering =
            if plan.driver.is_walked() { String::new() } else { format!(" ORDER BY {}", self.ordering(order)) };
        let mut sql = format!(
            "SELECT {}{} {}{ordering} LIMIT {limit}",
            self.columns(window.limit),
            places(order),
            rows.to_sql(),
        );
        if window.offset > 0 {
            sql.push_str(&format!(" OFFSET {}", bindings.bind(to_integer(window.offset))));
        }
        sql
    }

    fn columns(&self, rows: u64) -> String {
        let rows = rows.max(self.count);
        let columns = self.documents.columns(rows);
        if self.with_groups {
            format!("{columns}, {} AS groups", groups::column("r.tenant", "r.id", rows))
        } else {
            columns
        }
    }

    fn ordering(&self, order: &[&str]) -> String {
        let direction = if self.descending() { " DESC" } else { "" };
        order.iter().map(|column| format!("{column}{direction}")).collect::<Vec<_>>().join(", ")
    }

    /// The statement that reads the first resources of a narrow driver, and how many it may find: if it finds no more, they
    /// are all.
    pub(super) fn page_with_total(&self, count: u64) -> Option<(Statement, usize)> {
        let plan = self.plan.as_ref().filter(|plan| plan.natural && plan.driver.is_narrow())?;
        let single = plan.driver.is_single();
        // Of several, none is looked at before it is known what that costs.
        if plan.residual.is_some() && !single {
            return None;
        }
        let limit = if single { 1 } else { count };
        // One more than that would be too many, save of what is unique.
        let read = if single { limit } else { limit.saturating_add(1) };
        let mut bindings = Bindings::default();
        let tenant = self.tenant(&mut bindings);
        let rows = plan.driver.rows((&tenant, self.name()), None, &mut bindings);
        let hit = match &plan.residual {
            None => "1".to_owned(),
            Some(residual) => format!("({}) IS TRUE", predicate(&self.scope, residual, &mut bindings)),
        };
        let order = plan.driver.order();
        let sql = format!(
            "SELECT {}{}, {hit} AS hit {} ORDER BY {} LIMIT {}",
            self.columns(read),
            places(order),
            rows.to_sql(),
            self.ordering(order),
            bindings.bind(to_integer(read))
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
            (false, false) => format!("(o0 > {key} OR (o0 = {key} AND o1 > {id}) OR o0 IS NULL)"),
            (false, true) => format!("(o0 IS {key} AND o1 > {id})"),
            (true, false) => format!("(o0 < {key} OR (o0 = {key} AND o1 < {id}))"),
            (true, true) => format!("(o0 IS NOT {key} OR o1 < {id})"),
        })
    }

    /// The resources in the rows of a page. Rows that only tell a total have none.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn read_rows(&self, outcome: Option<&Outcome>) -> Result<Found, ListError> {
        let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        let is_there = |row: &&Row| !matches!(row.value("id"), Ok(Value::Null) | Err(_));
        Ok(rows.iter().filter(is_there).map(|row| self.read_row(row)).collect::<Result<_, _>>()?)
    }

    fn read_row(&self, row: &Row) -> Result<Hit, DatabaseError> {
        let places = self.plan.as_ref().map_or(0, |plan| self.place_count(plan));
        let place = (0..places).map(|index| row.value(&format!("o{index}"))).collect::<Result<_, _>>()?;
        let resource = resources::from_row(row)?;
        let groups = resource.groups.as_ref().map_or(0, String::len);
        let bytes = row.read_integer("bytes")?.unsigned_abs() + u64::try_from(groups).unwrap_or_default();
        Ok(Hit { resource, place, bytes })
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

/// A number as D1 takes it.
fn to_integer(number: u64) -> i64 {
    i64::try_from(number.min(MAX_INTEGER)).unwrap_or_default()
}
