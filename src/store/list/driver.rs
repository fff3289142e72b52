//! What drives a list: the index whose rows lead to the resources.
//!
//! SQLite's planner has no statistics on D1, and left alone it reads the whole table to check `id IN (...)`. So every
//! statement says which index it walks (`INDEXED BY`) and in which order the tables are joined (`CROSS JOIN`).

use crate::model::resource::USER;
use crate::ports::Value;
use crate::store::filter::Bindings;
use crate::store::list::bounds::{After, Bounds, walk};
use crate::store::list::budget::MAX_ROWS;

/// The most resources that are examined one by one.
pub(super) const MAX_EXAMINED: i64 = 10_000;

/// Where a driver looks: the SQL expression of the tenant, and the name of the type.
pub(super) type Scope<'a> = (&'a str, &'a str);

/// Tables and conditions of a statement.
#[derive(Debug)]
pub(super) struct Rows {
    pub from: String,
    pub conditions: Vec<String>,
}

impl Rows {
    pub(super) fn to_sql(&self) -> String {
        format!("FROM {} WHERE {}", self.from, self.conditions.join(" AND "))
    }
}

/// An index, and the part of it that a list needs. All that it leads to satisfies the term it was made from, and every
/// resource comes once.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Driver {
    /// An index over columns of `resources`: after the tenant and the type, columns with one value, then `order`, of which
    /// the first may have bounds.
    Columns {
        index: &'static str,
        fixed: Option<(&'static str, Value)>,
        order: &'static [&'static str],
        bounds: Bounds,
    },
    /// The value index, or the unique values.
    Values { table: &'static str, attribute: String, bounds: Bounds, several: bool },
    /// The groups with this member.
    Member(String),
    /// The users in this group, directly or through others.
    Group(String),
    /// Whatever any of these lead to, as far as so many rows of their indexes may be read.
    Any(Vec<Driver>),
}

/// How many resources a driver leads to, as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Selectivity {
    /// One at most.
    Single,
    /// So few that a page has them all.
    Few,
    /// A part of those of the type.
    Many,
    /// Every resource of the type.
    All,
}

/// The kinds of drivers, the preferred ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Preference {
    Id,
    Name,
    ExternalId,
    UniqueValues,
    Value,
    Member,
    Group,
    /// By a delivery that is not what most mails come to.
    Delivery,
    Invitation,
    AccountState,
    Deliveries,
    NameRange,
    ValueRange,
    ExternalIdRange,
    TimeRange,
    IdRange,
    WholeType,
}

impl Preference {
    fn selectivity(self) -> Selectivity {
        match self {
            Self::Id | Self::Name => Selectivity::Single,
            Self::ExternalId | Self::UniqueValues | Self::Value | Self::Member => Selectivity::Few,
            Self::Group
            | Self::Delivery
            | Self::Invitation
            | Self::AccountState
            | Self::Deliveries
            | Self::NameRange
            | Self::ValueRange
            | Self::ExternalIdRange
            | Self::TimeRange
            | Self::IdRange => Selectivity::Many,
            Self::WholeType => Selectivity::All,
        }
    }
}

const PRIMARY_KEY: &str = "sqlite_autoindex_resources_1";
const BY_NAME: &str = "resources_name";
const BY_EXTERNAL_ID: &str = "resources_external";
const BY_CREATED: &str = "resources_created";
const BY_MODIFIED: &str = "resources_modified";
const BY_STATE: &str = "resources_state";
const BY_INVITATION: &str = "resources_invitation";
const BY_DELIVERY: &str = "resources_delivery";
const BY_SENT: &str = "resources_sent";
/// The deliveries of most invitations.
const USUAL_DELIVERIES: [&str; 2] = ["sent", "external"];

impl Driver {
    pub(super) fn id(bounds: Bounds) -> Self {
        Self::Columns { index: PRIMARY_KEY, fixed: None, order: &["r.id"], bounds }
    }

    pub(super) fn name(bounds: Bounds) -> Self {
        Self::Columns { index: BY_NAME, fixed: None, order: &["r.name_key"], bounds }
    }

    pub(super) fn external_id(bounds: Bounds) -> Self {
        Self::Columns { index: BY_EXTERNAL_ID, fixed: None, order: &["r.external_id", "r.rowid"], bounds }
    }

    pub(super) fn created(bounds: Bounds) -> Self {
        Self::Columns { index: BY_CREATED, fixed: None, order: &["r.created", "r.id"], bounds }
    }

    pub(super) fn modified(bounds: Bounds) -> Self {
        Self::Columns { index: BY_MODIFIED, fixed: None, order: &["r.modified", "r.id"], bounds }
    }

    pub(super) fn account_state(bounds: Bounds) -> Self {
        Self::led_by(BY_STATE, &["r.account_state", "r.created", "r.id"], bounds)
    }

    pub(super) fn invitation(state: &str, expiry: Bounds) -> Self {
        Self::Columns {
            index: BY_INVITATION,
            fixed: Some(("r.invitation", state.into())),
            order: &["r.expiry_key", "r.id"],
            bounds: expiry,
        }
    }

    pub(super) fn delivery(bounds: Bounds) -> Self {
        Self::led_by(BY_DELIVERY, &["r.delivery", "r.sent_key", "r.id"], bounds)
    }

    /// An index whose first column has the bounds: where they are one value it is fixed, and the rest is the order.
    fn led_by(index: &'static str, order: &'static [&'static str], bounds: Bounds) -> Self {
        match (bounds.lower.clone(), order) {
            (Some((value, _)), [first, rest @ ..]) if bounds.is_one() => {
                Self::Columns { index, fixed: Some((*first, value)), order: rest, bounds: Bounds::default() }
            }
            _ => Self::Columns { index, fixed: None, order, bounds },
        }
    }

    /// Bounds leave out who never had a mail.
    pub(super) fn sent(bounds: Bounds) -> Self {
        Self::Columns { index: BY_SENT, fixed: None, order: &["r.sent_key", "r.id"], bounds }
    }

    pub(super) fn every() -> Self {
        Self::created(Bounds::default())
    }

    /// Which of two drivers to prefer: the lower. Several together stand where the least preferred of them stands.
    pub(super) fn preference(&self) -> Preference {
        match self {
            Self::Columns { index: PRIMARY_KEY, bounds, .. } if bounds.is_one() => Preference::Id,
            Self::Columns { index: BY_NAME, bounds, .. } if bounds.is_one() => Preference::Name,
            Self::Columns { index: BY_EXTERNAL_ID, bounds, .. } if bounds.is_one() => Preference::ExternalId,
            Self::Values { table: "unique_values", .. } => Preference::UniqueValues,
            Self::Values { bounds, .. } if bounds.is_one() => Preference::Value,
            Self::Member(_) => Preference::Member,
            Self::Group(_) => Preference::Group,
            Self::Columns { index: BY_DELIVERY, fixed: Some((_, Value::Text(delivery))), .. }
                if !USUAL_DELIVERIES.contains(&delivery.as_str()) =>
            {
                Preference::Delivery
            }
            Self::Columns { index: BY_INVITATION, .. } => Preference::Invitation,
            Self::Columns { index: BY_DELIVERY, .. } => Preference::Deliveries,
            Self::Columns { index: BY_STATE, .. } => Preference::AccountState,
            Self::Columns { bounds, .. } if *bounds == Bounds::default() => Preference::WholeType,
            Self::Columns { index: BY_NAME, .. } => Preference::NameRange,
            Self::Values { .. } => Preference::ValueRange,
            Self::Columns { index: BY_EXTERNAL_ID, .. } => Preference::ExternalIdRange,
            Self::Columns { index: BY_CREATED | BY_MODIFIED | BY_SENT, .. } => Preference::TimeRange,
            Self::Columns { .. } => Preference::IdRange,
            Self::Any(drivers) => drivers.iter().map(Self::preference).max().unwrap_or(Preference::WholeType),
        }
    }

    fn selectivity(&self) -> Selectivity {
        let selectivity = self.preference().selectivity();
        // Several together may lead to any number, however few each of them leads to.
        if matches!(self, Self::Any(_)) { selectivity.max(Selectivity::Many) } else { selectivity }
    }

    /// Whether it leads to every resource of the type.
    pub(super) fn is_whole(&self) -> bool {
        self.selectivity() == Selectivity::All
    }

    /// Whether it leads to a few resources as a rule: then the page tells the total, and counting waits until it does not.
    pub(super) fn is_narrow(&self) -> bool {
        self.selectivity() <= Selectivity::Few
    }

    /// Whether it leads to one resource at most.
    pub(super) fn is_single(&self) -> bool {
        self.selectivity() == Selectivity::Single
    }

    /// The columns that order its rows and tell them apart; empty where it has no order.
    pub(super) fn order(&self) -> &'static [&'static str] {
        match self {
            Self::Columns { order, .. } => order,
            Self::Values { bounds, .. } if bounds.is_one() => &["v.id"],
            Self::Values { .. } => &["v.key", "v.id"],
            Self::Member(_) => &["m.group_id"],
            Self::Group(_) => &["a.group_id", "m.member_id"],
            Self::Any(_) => &[],
        }
    }

    /// The driver for what both lead to, where one range says it.
    pub(super) fn narrowed_by(&self, other: &Self) -> Option<Self> {
        let mut narrowed = self.clone();
        match (&mut narrowed, other) {
            (
                Self::Columns { index, fixed, order, bounds },
                Self::Columns { index: other_index, fixed: other_fixed, order: other_order, bounds: other_bounds },
            ) if index == other_index && fixed == other_fixed && order == other_order => {
                *bounds = std::mem::take(bounds).and(other_bounds.clone());
            }
            // Two values of one attribute may satisfy two terms: only of a single-valued one is it the same value.
            (
                Self::Values { table, attribute, bounds, several: false },
                Self::Values { table: other_table, attribute: other_attribute, bounds: other_bounds, .. },
            ) if table == other_table && attribute == other_attribute => {
                *bounds = std::mem::take(bounds).and(other_bounds.clone());
            }
            _ => return None,
        }
        Some(narrowed)
    }

    /// What its order begins with, as a resource's column.
    pub(super) fn ordered_by(&self) -> Option<&'static str> {
        match self.order() {
            ["v.id" | "m.group_id"] => Some("r.id"),
            ["v.key" | "a.group_id", ..] => None,
            order => order.first().copied(),
        }
    }

    /// Its rows with their resources (`r`), from a position on.
    pub(super) fn rows(&self, scope: Scope<'_>, after: Option<After<'_>>, bindings: &mut Bindings) -> Rows {
        let rows = self.index_rows(scope, after, Repeated::Once, bindings);
        let index = match self {
            Self::Columns { .. } => return rows,
            // Nothing orders these; each id once is all that matters.
            Self::Any(_) => Rows { from: format!("(SELECT DISTINCT id {}) u", rows.to_sql()), conditions: Vec::new() },
            _ => rows,
        };
        let (tenant, type_name) = scope;
        let id = self.id_column();
        let from = format!(
            "{} CROSS JOIN resources r INDEXED BY {PRIMARY_KEY} ON r.tenant = {tenant} AND r.id = {id}",
            index.from
        );
        let mut conditions = index.conditions;
        conditions.push(format!("r.type = {}", bindings.bind(type_name)));
        Rows { from, conditions }
    }

    fn id_column(&self) -> &'static str {
        match self {
            Self::Columns { .. } => "r.id",
            Self::Values { .. } => "v.id",
            Self::Member(_) => "m.group_id",
            Self::Group(_) => "m.member_id",
            Self::Any(_) => "u.id",
        }
    }

    /// The text that selects the rows that count what it leads to, in the index alone, as far as a list may read; and what
    /// tells one resource from another in them.
    pub(super) fn counted(&self, scope: Scope<'_>, limit: i64, bindings: &mut Bindings) -> (String, &'static str) {
        let rows = self.index_rows(scope, None, Repeated::Often, bindings);
        let (id, counted) = if self.repeats() { (self.id_column(), "DISTINCT id") } else { ("1", "*") };
        (format!("SELECT {id} AS id {} LIMIT {limit}", rows.to_sql()), counted)
    }

    /// The rows that are read for a resource that is passed over.
    pub(super) fn rows_of_one(&self) -> i64 {
        if self.is_columns() { 1 } else { 2 }
    }

    /// Whether a row of its index is all that leads to a resource.
    pub(super) fn is_columns(&self) -> bool {
        matches!(self, Self::Columns { .. })
    }

    /// The text that selects the ids it leads to, as far as they may be examined, and one more.
    pub(super) fn candidates(&self, scope: Scope<'_>, bindings: &mut Bindings) -> String {
        let rows = self.index_rows(scope, None, Repeated::Often, bindings);
        format!("SELECT {} AS id {} LIMIT {}", self.id_column(), rows.to_sql(), MAX_EXAMINED + 1)
    }

    /// The driver for resources that are examined one by one. An index with several rows for one resource has any number of
    /// them for few resources: then its rows are counted, and as few are read as resources may be examined.
    pub(super) fn examined(self) -> Self {
        if self.repeats() && !matches!(self, Self::Any(_)) { Self::Any(vec![self]) } else { self }
    }

    /// Whether its rows come in their order by themselves, out of a part of the index.
    pub(super) fn is_walked(&self) -> bool {
        matches!(self, Self::Values { .. }) && self.repeats()
    }

    /// The text that selects rows of that part of the index, so many and no more.
    pub(super) fn part(
        &self,
        scope: Scope<'_>,
        after: Option<After<'_>>,
        limit: i64,
        bindings: &mut Bindings,
    ) -> String {
        let rows = self.index_rows(scope, after, Repeated::Often, bindings);
        format!("SELECT 1 {} LIMIT {limit}", rows.to_sql())
    }

    /// Whether its index can have several rows for one resource.
    fn repeats(&self) -> bool {
        match self {
            Self::Values { bounds, several, .. } => *several && !bounds.is_one(),
            Self::Group(_) | Self::Any(_) => true,
            Self::Columns { .. } | Self::Member(_) => false,
        }
    }

    /// The rows of its index from a position on, without the resources where the index can do without.
    fn index_rows(
        &self,
        scope: Scope<'_>,
        after: Option<After<'_>>,
        repeated: Repeated,
        bindings: &mut Bindings,
    ) -> Rows {
        let tenant = scope.0;
        let once = repeated == Repeated::Once && self.repeats();
        match self {
            Self::Columns { index, fixed, order, bounds } => {
                let mut conditions =
                    vec![format!("r.tenant = {tenant}"), format!("r.type = {}", bindings.bind(scope.1))];
                if let Some((column, value)) = fixed {
                    conditions.push(format!("{column} = {}", bindings.bind(value.clone())));
                }
                // What a partial index leaves out is not asked for; SQLite wants to be told.
                let partial = match *index {
                    BY_DELIVERY => Some("r.delivery"),
                    BY_NAME | BY_EXTERNAL_ID | BY_STATE | BY_SENT => order.first().copied(),
                    _ => None,
                };
                conditions.extend(partial.map(|column| format!("{column} IS NOT NULL")));
                let walked = walk(order, bounds, after, bindings);
                if *index == PRIMARY_KEY && walked.is_empty() {
                    // From the first id on: without that, the plan reads as if it took all of the tenant's rows.
                    conditions.push("r.id > ''".to_owned());
                }
                conditions.extend(walked);
                Rows { from: format!("resources r INDEXED BY {index}"), conditions }
            }
            Self::Values { table, attribute, bounds, .. } => {
                let mut conditions = vec![
                    format!("v.tenant = {tenant}"),
                    format!("v.type = {}", bindings.bind(scope.1)),
                    format!("v.attribute = {}", bindings.bind(attribute.as_str())),
                ];
                match &bounds.lower {
                    Some((key, _)) if bounds.is_one() => {
                        conditions.push(format!("v.key = {}", bindings.bind(key.clone())));
                        conditions.extend(walk(self.order(), &Bounds::default(), after, bindings));
                    }
                    _ => conditions.extend(walk(self.order(), bounds, after, bindings)),
                }
                if !once {
                    return Rows { from: format!("{table} v"), conditions };
                }
                // Of a resource with many values in the range all but the first are passed over, no more than a list reads.
                let walked = format!(
                    "(SELECT v.tenant, v.type, v.attribute, v.key, v.id FROM {table} v WHERE {} ORDER BY v.key, v.id LIMIT {}) v",
                    conditions.join(" AND "),
                    MAX_ROWS + 1
                );
                Rows { from: walked, conditions: vec![first_value(bounds, bindings)] }
            }
            Self::Member(id) => {
                let mut conditions =
                    vec![format!("m.tenant = {tenant}"), format!("m.member_id = {}", bindings.bind(id.as_str()))];
                conditions.extend(walk(self.order(), &Bounds::default(), after, bindings));
                Rows { from: "members m INDEXED BY members_member".to_owned(), conditions }
            }
            Self::Group(id) => group_rows(tenant, id, after, once, bindings),
            Self::Any(drivers) => {
                let selects = drivers.iter().map(|driver| {
                    let rows = driver.index_rows(scope, None, Repeated::Often, bindings);
                    format!("SELECT {} AS id {}", driver.id_column(), rows.to_sql())
                });
                let union = union(selects.collect());
                Rows { from: format!("({union} LIMIT {}) u", MAX_EXAMINED + 1), conditions: vec!["1".to_owned()] }
            }
        }
    }
}

/// Whether a resource may come several times.
#[derive(Clone, Copy, PartialEq)]
enum Repeated {
    Once,
    Often,
}

/// The condition that a row of a range is the first of its resource: an attribute may have several values in it.
fn first_value(bounds: &Bounds, bindings: &mut Bindings) -> String {
    let lower = Bounds { lower: bounds.lower.clone(), upper: None };
    let mut conditions = vec![
        "o.tenant = v.tenant AND o.id = v.id AND o.type = v.type AND o.attribute = v.attribute AND o.key < v.key"
            .to_owned(),
    ];
    conditions.extend(lower.conditions("o.key", bindings));
    format!(
        "NOT EXISTS (SELECT 1 FROM value_index o INDEXED BY value_index_resource WHERE {})",
        conditions.join(" AND ")
    )
}

/// The users in the groups at or below a group. A user in several of them comes with the first.
fn group_rows(tenant: &str, id: &str, after: Option<After<'_>>, once: bool, bindings: &mut Bindings) -> Rows {
    let id = bindings.bind(id);
    let user = bindings.bind(USER);
    let mut conditions = vec![format!("a.tenant = {tenant}"), format!("a.ancestor_id = {id}")];
    if let Some([group, member]) = after.map(|after| after.position) {
        // Both tables can seek with this: within the group where the last page ended, from its last member on.
        let group = bindings.bind(group.clone());
        let member = bindings.bind(member.clone());
        conditions.push(format!("a.group_id >= {group}"));
        conditions.push(format!("m.member_id > CASE WHEN a.group_id = {group} THEN {member} ELSE '' END"));
    }
    conditions.push(format!("m.type = {user}"));
    if once {
        conditions.push(format!(
            "NOT EXISTS (SELECT 1 FROM members o INDEXED BY members_member CROSS JOIN group_ancestors p \
             ON p.tenant = o.tenant AND p.group_id = o.group_id AND p.ancestor_id = {id} \
             WHERE o.tenant = m.tenant AND o.member_id = m.member_id AND o.group_id < m.group_id)"
        ));
    }
    Rows {
        from: "group_ancestors a INDEXED BY group_ancestors_ancestor \
               CROSS JOIN members m ON m.tenant = a.tenant AND m.group_id = a.group_id"
            .to_owned(),
        conditions,
    }
}

/// Joins SELECTs of ids; D1 takes five in one compound, so they nest.
fn union(mut selects: Vec<String>) -> String {
    const TERMS: usize = 5;
    while selects.len() > TERMS {
        selects = selects
            .chunks(TERMS)
            .map(|chunk| match chunk {
                [select] => select.clone(),
                chunk => format!("SELECT id FROM ({})", chunk.join(" UNION ALL ")),
            })
            .collect();
    }
    selects.join(" UNION ALL ")
}
