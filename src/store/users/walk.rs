//! What a page of users is read from: one index, which also gives the order, or for a search several that are merged.

use crate::model::context::StoreContext;
use crate::model::resource::USER;
use crate::ports::Value;
use crate::store::filter::{Bindings, successor};
use crate::store::users::filter::{Search, UserFilter, UserStatus, begins, now};
use crate::store::users::row::COLUMNS;

/// The candidates that are looked at for a page where an index alone does not decide. Each is read once or twice, and
/// once more to find where the next page begins.
pub(super) const MAX_EXAMINED: u32 = 2_500;
/// The users on a page that is read from one index alone.
const PAGE: u32 = 50;
/// The users on a page of which each takes several rows.
const SMALL_PAGE: u32 = 25;

/// What a list can be ordered by, where an index serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserColumn {
    /// The user name.
    UserName,
    /// The time of the latest mail.
    Mail,
    /// The end of the invitation.
    Expires,
}

/// An order of the list: as the address has it `mail`, or `-mail` for the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSort {
    /// The column.
    pub column: UserColumn,
    /// Whether the last come first.
    pub descending: bool,
}

impl UserSort {
    /// Reads an order.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let column = match name {
            "userName" => UserColumn::UserName,
            "mail" => UserColumn::Mail,
            "expires" => UserColumn::Expires,
            _ => return None,
        };
        Some(Self { column, descending })
    }
}

/// What drives a list in one user store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// Everybody, by a column.
    Everybody(UserColumn),
    /// Those of a status.
    Status(UserStatus),
    /// Those in a group.
    Group(String),
    /// Those of a list of ids: a group's members, where the store does not know them.
    Listed(String),
    /// Those who are found by a text.
    Search,
}

/// The index of a walk: its name, the condition that SQLite wants to be told of a partial one, and its columns.
type Index = (&'static str, &'static str, &'static [&'static str]);

impl Walk {
    /// The walk for a filter: what usually leads to few, before what usually leads to many.
    pub(super) fn new(filter: &UserFilter, sort: Option<UserSort>) -> Self {
        use UserStatus::{Bounced, Disabled, Locked, Revoked};
        match (&filter.status, &filter.group) {
            (Some(status @ (Bounced | Revoked | Locked | Disabled)), _) if !filter.is_id() => Self::Status(*status),
            _ if !filter.q.is_empty() => Self::Search,
            (_, Some(group)) => Self::Group(group.clone()),
            (Some(status), None) => Self::Status(*status),
            (None, None) => Self::Everybody(match sort {
                Some(UserSort { column: UserColumn::Mail, .. }) => UserColumn::Mail,
                _ => UserColumn::UserName,
            }),
        }
    }

    /// The columns by which the list can be ordered.
    pub(super) fn sortable(&self) -> &'static [UserColumn] {
        match self {
            Self::Everybody(_) => &[UserColumn::UserName, UserColumn::Mail],
            Self::Status(UserStatus::Bounced) => &[UserColumn::Mail],
            Self::Status(UserStatus::Locked | UserStatus::Disabled | UserStatus::Active) => &[],
            Self::Status(_) => &[UserColumn::Expires],
            Self::Group(_) | Self::Listed(_) | Self::Search => &[],
        }
    }

    /// What the filter asks besides; `None` where the walk says it all.
    pub(super) fn residual(&self, filter: &UserFilter) -> Option<UserFilter> {
        let mut rest = UserFilter { domain: None, ..filter.clone() };
        match self {
            Self::Everybody(_) => {}
            Self::Status(_) => rest.status = None,
            Self::Group(_) | Self::Listed(_) => rest.group = None,
            Self::Search => rest.q = String::new(),
        }
        (!rest.is_empty()).then_some(rest)
    }

    /// Whether each row of its index is a user, and each user one row.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Everybody(_) | Self::Status(_))
    }

    pub(super) fn page_size(&self) -> u32 {
        if self.is_exact() { PAGE } else { SMALL_PAGE }
    }

    fn index(&self) -> Index {
        match self {
            Self::Everybody(UserColumn::Mail) => ("resources_sent", "r.sent_key IS NOT NULL", &["r.sent_key", "r.id"]),
            Self::Status(UserStatus::Bounced) => {
                ("resources_delivery", "r.delivery IS NOT NULL", &["r.sent_key", "r.id"])
            }
            Self::Status(UserStatus::Locked | UserStatus::Disabled | UserStatus::Active) => {
                ("resources_state", "r.account_state IS NOT NULL", &["r.created", "r.id"])
            }
            Self::Status(_) => ("resources_invitation", "r.invitation IS NOT NULL", &["r.expiry_key", "r.id"]),
            Self::Everybody(_) | Self::Group(_) | Self::Listed(_) | Self::Search => {
                ("resources_name", "r.name_key IS NOT NULL", &["r.name_key"])
            }
        }
    }

    /// The number of columns of a place in its order.
    pub(super) fn places(&self) -> usize {
        match self {
            Self::Everybody(_) | Self::Status(_) => self.index().2.len(),
            Self::Listed(_) => 1,
            Self::Group(_) | Self::Search => 2,
        }
    }

    /// The condition of a walk over one index, without the place.
    fn range(&self, ctx: &StoreContext, after: Option<&After<'_>>, bindings: &mut Bindings) -> String {
        let Self::Status(status) = self else { return "1".to_owned() };
        // The place bounds the index on one side; a second bound on the same side must not take its part.
        let plus = match (status, after) {
            (UserStatus::Pending, Some(after)) if !after.descending => "+",
            (UserStatus::Expired, Some(after)) if after.descending => "+",
            _ => "",
        };
        status.condition("r", now(ctx), plus, bindings)
    }

    /// The text that counts what it leads to, up to `limit` entries of its index.
    pub(super) fn counted(&self, ctx: &StoreContext, limit: u32, bindings: &mut Bindings) -> Option<String> {
        let tenant = bindings.bind(ctx.tenant.key());
        let user = bindings.bind(USER);
        Some(match self {
            Self::Everybody(_) => {
                format!("SELECT total AS number FROM counters WHERE tenant = {tenant} AND type = {user}")
            }
            Self::Status(_) => {
                let (index, partial, _) = self.index();
                let range = self.range(ctx, None, bindings);
                format!(
                    "SELECT COUNT(*) AS number FROM (SELECT 1 FROM resources r INDEXED BY {index} \
                     WHERE r.tenant = {tenant} AND r.type = {user} AND {partial} AND {range} LIMIT {limit})"
                )
            }
            Self::Group(_) | Self::Listed(_) | Self::Search => return None,
        })
    }

    /// The text that selects candidates in their order from a place on, with the place of each (`o0`, `o1`).
    pub(super) fn candidates(
        &self,
        ctx: &StoreContext,
        filter: &UserFilter,
        after: &After<'_>,
        limit: u32,
        bindings: &mut Bindings,
    ) -> String {
        let tenant = bindings.bind(ctx.tenant.key());
        let user = bindings.bind(USER);
        match self {
            Self::Everybody(_) | Self::Status(_) => {
                let (index, partial, order) = self.index();
                let range = self.range(ctx, Some(after).filter(|after| after.place.is_some()), bindings);
                let place = after.condition(order, bindings);
                format!(
                    "SELECT {COLUMNS}{} FROM resources r INDEXED BY {index} WHERE r.tenant = {tenant} AND r.type = {user} \
                     AND {partial} AND {range} AND {place} ORDER BY {} LIMIT {limit}",
                    named(order),
                    after.ordering(order)
                )
            }
            Self::Listed(ids) => {
                let order = &["r.id"];
                let place = after.condition(order, bindings);
                format!(
                    "SELECT {COLUMNS}{} FROM json_each({}) j CROSS JOIN resources r ON r.tenant = {tenant} AND r.id = j.value \
                     WHERE r.type = {user} AND {place} ORDER BY {} LIMIT {limit}",
                    named(order),
                    bindings.bind(ids.as_str()),
                    after.ordering(order)
                )
            }
            Self::Group(group) => {
                let order = &["a.group_id", "m.member_id"];
                let group = bindings.bind(group.as_str());
                let place = match after.place {
                    Some([of, member]) => {
                        // Both tables can seek with this: within the group where the last page ended, from its last
                        // member on.
                        let (of, member) = (bindings.bind(of.clone()), bindings.bind(member.clone()));
                        let (sign, end) = if after.descending { ("<", "~") } else { (">", "") };
                        format!(
                            "a.group_id {sign}= {of} AND m.member_id {sign} CASE WHEN a.group_id = {of} THEN {member} ELSE '{end}' END"
                        )
                    }
                    _ => "1".to_owned(),
                };
                // A member of another store is a row without a user.
                format!(
                    "SELECT {COLUMNS}{} FROM group_ancestors a INDEXED BY group_ancestors_ancestor \
                     CROSS JOIN members m ON m.tenant = a.tenant AND m.group_id = a.group_id \
                     LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
                     WHERE a.tenant = {tenant} AND a.ancestor_id = {group} AND m.type = {user} AND {place} \
                     ORDER BY {} LIMIT {limit}",
                    named(order),
                    after.ordering(order)
                )
            }
            Self::Search => match filter.search(ctx) {
                Some(search) => merged(&search, (&tenant, &user), after, limit, bindings),
                None => format!("SELECT {COLUMNS}, '' AS o0, '' AS o1, 0 AS arm FROM resources r WHERE 0"),
            },
        }
    }

    /// The condition over candidates `u` that each user comes once, in the order of the places.
    pub(super) fn once(&self, ctx: &StoreContext, filter: &UserFilter, bindings: &mut Bindings) -> String {
        match self {
            Self::Everybody(_) | Self::Status(_) | Self::Listed(_) => "1".to_owned(),
            Self::Group(group) => format!(
                "u.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM members o INDEXED BY members_member \
                 CROSS JOIN group_ancestors p ON p.tenant = o.tenant AND p.group_id = o.group_id AND p.ancestor_id = {} \
                 WHERE o.tenant = u.tenant AND o.member_id = u.id AND o.group_id < u.o0)",
                bindings.bind(group.as_str())
            ),
            Self::Search => filter.search(ctx).map_or_else(|| "0".to_owned(), |search| first_arm(&search, bindings)),
        }
    }
}

/// The place from which a page is read.
pub(super) struct After<'a> {
    /// The place; the beginning, or the end, where there is none.
    pub place: Option<&'a [Value]>,
    /// Whether it goes down from there.
    pub descending: bool,
}

impl After<'_> {
    fn condition(&self, order: &[&str], bindings: &mut Bindings) -> String {
        let Some(place) = self.place else { return "1".to_owned() };
        let values: Vec<String> = place.iter().map(|value| bindings.bind(value.clone())).collect();
        let sign = if self.descending { "<" } else { ">" };
        format!("({}) {sign} ({})", order.join(", "), values.join(", "))
    }

    fn ordering(&self, order: &[&str]) -> String {
        let direction = if self.descending { " DESC" } else { "" };
        order.iter().map(|column| format!("{column}{direction}")).collect::<Vec<_>>().join(", ")
    }
}

/// The columns of an order, named.
fn named(order: &[&str]) -> String {
    order.iter().enumerate().map(|(index, column)| format!(", {column} AS o{index}")).collect()
}

/// One of the indexes that a search merges: what a user can be found by.
struct Arm {
    /// The column of the key.
    key: &'static str,
    /// What stands after FROM.
    from: String,
    /// What tells SQLite that a partial index will do, and which values are meant.
    condition: &'static str,
    /// The predicate over a candidate `u` that the arm finds them.
    finds: String,
    /// The beginning of the keys.
    prefix: String,
}

fn arms(search: &Search, bindings: &mut Bindings) -> Vec<Arm> {
    let column = |key: &'static str, index: &str, condition: &'static str, prefix: &str, bindings: &mut Bindings| Arm {
        key,
        from: format!("resources r INDEXED BY {index}"),
        condition,
        finds: begins(&key.replace("r.", "u."), prefix, bindings),
        prefix: prefix.to_owned(),
    };
    let value = |condition: &'static str, finds: String| Arm {
        key: "v.key",
        from: "value_index v CROSS JOIN resources r ON r.tenant = v.tenant AND r.id = v.id".to_owned(),
        condition,
        finds,
        prefix: search.text.clone(),
    };
    let mut arms = Vec::new();
    if let Some(id) = &search.id {
        let mut arm = column("r.id", "sqlite_autoindex_resources_1", "1", id, bindings);
        arm.finds = format!("u.id = {}", bindings.bind(id.as_str()));
        arms.push(arm);
    }
    arms.push(column("r.name_key", "resources_name", "r.name_key IS NOT NULL", &search.name, bindings));
    // Nobody is called like an id; and D1 takes five in one compound.
    if search.id.is_none() {
        arms.push(column("r.full_key", "resources_full", "r.full_key IS NOT NULL", &search.text, bindings));
        arms.push(column("r.family_key", "resources_family", "r.family_key IS NOT NULL", &search.text, bindings));
    }
    let displayed = begins("u.display_key", &search.text, bindings);
    arms.push(value("v.attribute = 'displayName'", displayed));
    // Addresses are last: nothing has to know whether one has been found by them.
    arms.push(value("v.attribute = 'emails.value'", "0".to_owned()));
    arms
}

/// The candidates of all arms, merged in the order of their keys.
fn merged(
    search: &Search,
    (tenant, user): (&str, &str),
    after: &After<'_>,
    limit: u32,
    bindings: &mut Bindings,
) -> String {
    let mut selects = Vec::new();
    for (number, arm) in arms(search, bindings).iter().enumerate() {
        let owner = if arm.key == "v.key" { "v" } else { "r" };
        let key = arm.key;
        let mut conditions =
            vec![format!("{owner}.tenant = {tenant}"), format!("{owner}.type = {user}"), arm.condition.to_owned()];
        // One bound on each side: the place is one of them.
        let place = after.place.map(|_| after.condition(&[key, &format!("{owner}.id")], bindings));
        if place.is_none() || after.descending {
            conditions.push(format!("{key} >= {}", bindings.bind(arm.prefix.as_str())));
        }
        if let Some(end) = successor(&arm.prefix).filter(|_| place.is_none() || !after.descending) {
            conditions.push(format!("{key} < {}", bindings.bind(end)));
        }
        conditions.extend(place);
        selects.push(format!(
            "SELECT {COLUMNS}, {key} AS o0, {owner}.id AS o1, {number} AS arm FROM {} WHERE {}",
            arm.from,
            conditions.join(" AND ")
        ));
    }
    format!("{} ORDER BY {} LIMIT {limit}", selects.join(" UNION ALL "), after.ordering(&["o0", "o1"]))
}

/// The condition that a candidate comes from the first arm that finds its user, and with the first of their addresses.
fn first_arm(search: &Search, bindings: &mut Bindings) -> String {
    let arms = arms(search, bindings);
    let last = arms.len().saturating_sub(1);
    let mut conditions: Vec<String> = arms
        .iter()
        .take(last)
        .enumerate()
        .map(|(number, arm)| format!("(u.arm <= {number} OR ({}) IS NOT TRUE)", arm.finds))
        .collect();
    conditions.push(format!(
        "(u.arm < {last} OR NOT EXISTS (SELECT 1 FROM value_index e INDEXED BY value_index_resource \
         WHERE e.tenant = u.tenant AND e.id = u.id AND e.type = '{USER}' AND e.attribute = 'emails.value' \
         AND e.key >= {} AND e.key < u.o0))",
        bindings.bind(search.text.as_str())
    ));
    conditions.join(" AND ")
}
