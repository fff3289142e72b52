//! The filter of a list of users: one predicate for the page that shows them and for the job that acts on all of them.

use crate::base::text_enum::text_enum;
use crate::model::context::{Context, StoreContext, UnitOfWork};
use crate::model::resource::USER;
use crate::model::user_stores::PRIMARY;
use crate::ports::{DatabaseError, Row, Statement, Value};
use crate::store::filter::{Bindings, successor};
use scim::fold::fold;

/// The longest text that is looked for, in characters: keys in indexes are cut off later.
pub const MAX_SEARCH: usize = 100;
/// The members of a group that are looked up at once in another user store than PRIMARY.
const MEMBERS: u32 = 2_000;

/// What users can be chosen by, as the list and its address name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// Invited, and the invitation can be used.
    Pending,
    /// Invited, and the time of the invitation is over.
    Expired,
    /// Invited, and the invitation was withdrawn.
    Revoked,
    /// The mail of the invitation did not arrive.
    Bounced,
    /// Invited, and the invitation was used.
    Accepted,
    /// Locked by an administrator.
    Locked,
    /// Switched off.
    Disabled,
    /// Live, whether they were invited or not.
    Active,
}

text_enum!(UserStatus {
    Pending = "pending",
    Expired = "expired",
    Revoked = "revoked",
    Bounced = "bounced",
    Accepted = "accepted",
    Locked = "locked",
    Disabled = "disabled",
    Active = "active",
});

impl UserStatus {
    /// The condition that it comes to, over users of this alias. `range` stands before the column of the expiry: `+` where
    /// that must not lead SQLite to walk an index from there.
    pub(super) fn condition(self, u: &str, now: i64, range: &str, bindings: &mut Bindings) -> String {
        let mut open =
            |sign| format!("{u}.invitation = 'open' AND {range}{u}.expiry_key {sign} {}", bindings.bind(now));
        match self {
            Self::Pending => open(">"),
            Self::Expired => open("<="),
            Self::Revoked | Self::Accepted => format!("{u}.invitation = '{self}'"),
            Self::Bounced => format!("{u}.delivery = 'bounced'"),
            Self::Locked | Self::Disabled => format!("{u}.account_state = '{self}'"),
            Self::Active => format!("{u}.account_state = 'unlocked'"),
        }
    }
}

/// A filter of users. An empty one selects everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// The beginning of a user name, a name or an address, or an id; empty for none.
    pub q: String,
    /// What they are chosen by.
    pub status: Option<UserStatus>,
    /// The domain of the one user store to look in.
    pub domain: Option<String>,
    /// The id of a group that they are in, directly or by a group in it.
    pub group: Option<String>,
}

impl UserFilter {
    /// Reads a filter as the address of the list has it; what is empty, and the status `all`, filter nothing. `Err` says
    /// what is not known.
    ///
    /// # Errors
    /// A status or a domain that there is not.
    pub fn parse(ctx: &Context, q: &str, status: &str, domain: &str, group: &str) -> Result<Self, String> {
        let filled = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let status = match status.trim() {
            "" | "all" => None,
            name => Some(UserStatus::parse(name).ok_or_else(|| format!("There is no status “{name}”."))?),
        };
        let stores = &ctx.deployment.user_stores;
        let domain = match filled(domain) {
            None => None,
            Some(domain) => match stores.named(&domain) {
                None => return Err(stores.unknown(&domain)),
                Some(None) => Some(PRIMARY.to_owned()),
                Some(Some(number)) => {
                    stores.iter().find(|store| store.number == number).map(|store| store.domain.clone())
                }
            },
        };
        let q = q.trim().chars().take(MAX_SEARCH).collect();
        Ok(Self { q, status, domain, group: filled(group) })
    }

    /// Whether it selects everybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an id is looked for.
    pub(super) fn is_id(&self) -> bool {
        uuid::Uuid::try_parse(&self.q).is_ok()
    }

    /// The user stores to look in, PRIMARY first.
    #[must_use]
    pub fn stores(&self, ctx: &Context) -> Vec<Option<u16>> {
        let stores = &ctx.deployment.user_stores;
        match self.domain.as_deref().map(|domain| stores.named(domain)) {
            Some(Some(store)) => vec![store],
            Some(None) => Vec::new(),
            None => std::iter::once(None).chain(stores.iter().map(|store| Some(store.number))).collect(),
        }
    }

    /// The search in one store; `None` where nothing is looked for.
    pub(super) fn search(&self, ctx: &StoreContext) -> Option<Search> {
        if self.q.is_empty() {
            return None;
        }
        let (stores, store) = (&ctx.deployment.user_stores, ctx.platform.store);
        let prefix = stores.prefix(store);
        let name = match stores.embedded(&self.q) {
            Some((of, rest)) if of == store => format!("{prefix}{rest}"),
            Some(_) => self.q.clone(),
            None => format!("{prefix}{}", self.q),
        };
        let id = uuid::Uuid::try_parse(&self.q).ok().map(|id| id.hyphenated().to_string());
        Some(Search { name: fold(&name), text: fold(&self.q), id })
    }

    /// The predicate over one store's users of this alias; `members` are a group's, where the store does not know them.
    pub(super) fn predicate(
        &self,
        ctx: &StoreContext,
        u: &str,
        members: Option<&str>,
        bindings: &mut Bindings,
    ) -> String {
        let mut terms: Vec<String> = Vec::new();
        if let Some(status) = self.status {
            terms.push(format!("({})", status.condition(u, now(ctx), "+", bindings)));
        }
        if let Some(search) = self.search(ctx) {
            terms.push(search.predicate(u, bindings));
        }
        if let Some(group) = &self.group {
            terms.push(match members {
                Some(ids) => format!("{u}.id IN (SELECT value FROM json_each({}))", bindings.bind(ids)),
                None => format!(
                    "EXISTS (SELECT 1 FROM members m INDEXED BY members_member CROSS JOIN group_ancestors a \
                     ON a.tenant = m.tenant AND a.group_id = m.group_id AND a.ancestor_id = {} \
                     WHERE m.tenant = {u}.tenant AND m.member_id = {u}.id)",
                    bindings.bind(group.as_str())
                ),
            });
        }
        if terms.is_empty() { "1".to_owned() } else { terms.join(" AND ") }
    }
}

/// What is looked for, as keys have it.
pub(super) struct Search {
    /// The beginning of a user name, with the store's domain.
    pub name: String,
    /// The beginning of a name or an address.
    pub text: String,
    /// The id, if it can be one.
    pub id: Option<String>,
}

impl Search {
    fn predicate(&self, u: &str, bindings: &mut Bindings) -> String {
        let mut terms = vec![begins(&format!("{u}.name_key"), &self.name, bindings)];
        for column in ["full_key", "family_key", "display_key"] {
            terms.push(begins(&format!("{u}.{column}"), &self.text, bindings));
        }
        let address = begins("e.key", &self.text, bindings);
        terms.push(format!(
            "EXISTS (SELECT 1 FROM value_index e INDEXED BY value_index_resource WHERE e.tenant = {u}.tenant AND e.id = {u}.id \
             AND e.type = '{USER}' AND e.attribute = 'emails.value' AND {address})"
        ));
        if let Some(id) = &self.id {
            terms.push(format!("{u}.id = {}", bindings.bind(id.as_str())));
        }
        format!("({})", terms.join(" OR "))
    }
}

/// The condition that a key begins so.
pub(super) fn begins(column: &str, prefix: &str, bindings: &mut Bindings) -> String {
    let lower = format!("{column} >= {}", bindings.bind(prefix));
    match successor(prefix) {
        Some(upper) => format!("({lower} AND {column} < {})", bindings.bind(upper)),
        None => lower,
    }
}

/// The end of the current second: invitations expire by the second.
pub(super) fn now(ctx: &impl UnitOfWork) -> i64 {
    i64::try_from(ctx.now_seconds()).unwrap_or(i64::MAX / 2_000) * 1_000 + 999
}

/// The statement that reads a group's members in another user store than PRIMARY, in the order of their ids: PRIMARY knows
/// them, and an id says its store.
pub(super) fn members(ctx: &Context, store: u16, group: &str, place: &str, descending: bool, limit: u32) -> Statement {
    let (sign, direction) = if descending { ("<", " DESC") } else { (">", "") };
    let store = format!("8{store:03x}");
    Statement::new(
        format!(
            "SELECT DISTINCT m.member_id AS id FROM group_ancestors a INDEXED BY group_ancestors_ancestor \
             CROSS JOIN members m ON m.tenant = a.tenant AND m.group_id = a.group_id \
             WHERE a.tenant = ?1 AND a.ancestor_id = ?2 AND m.type = '{USER}' AND m.member_id {sign} ?3 \
             AND substr(m.member_id, 15, 4) = ?4 ORDER BY m.member_id{direction} LIMIT ?5"
        ),
        vec![ctx.tenant.key(), group.into(), place.into(), store.into(), limit.into()],
    )
}

/// Reads the ids in rows.
pub(super) fn read_ids(rows: &[Row]) -> Result<Vec<String>, DatabaseError> {
    rows.iter().map(|row| row.read_text("id").map(str::to_owned)).collect()
}

/// Ids of users in one store that a filter selects, in their order: up to `limit` of those after `after` (empty to begin);
/// and where to go on, unless there are no more. One round trip, and one more for a group's members in another store than
/// PRIMARY. It looks at the store's users one by one: for jobs, which act on all of them.
///
/// # Errors
/// The database's.
pub fn ids(
    ctx: &Context,
    store: Option<u16>,
    filter: &UserFilter,
    after: &str,
    limit: u32,
) -> Result<(Vec<String>, Option<String>), DatabaseError> {
    let at_store = ctx.in_store(store);
    let mut known = None;
    let mut place = None;
    if let (Some(group), Some(store)) = (&filter.group, store) {
        let rows = ctx.platform.query(members(ctx, store, group, after, false, MEMBERS.min(limit)))?;
        let ids = read_ids(&rows)?;
        let Some(last) = ids.last().cloned() else { return Ok((Vec::new(), None)) };
        place = (ids.len() >= usize::try_from(MEMBERS.min(limit)).unwrap_or(usize::MAX)).then_some(last);
        known = Some(serde_json::json!(ids).to_string());
    }
    let mut bindings = Bindings::default();
    let tenant = bindings.bind(ctx.tenant.key());
    let user = bindings.bind(USER);
    let after = bindings.bind(after);
    let predicate = filter.predicate(&at_store, "r", known.as_deref(), &mut bindings);
    let count = bindings.bind(Value::from(limit));
    let sql = format!(
        "SELECT r.id AS id FROM resources r INDEXED BY sqlite_autoindex_resources_1 \
         WHERE r.tenant = {tenant} AND r.id > {after} AND r.type = {user} AND {predicate} ORDER BY r.id LIMIT {count}"
    );
    let found = read_ids(&at_store.platform.query(Statement::new(sql, bindings.into_values()))?)?;
    if known.is_none() && found.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
        place = found.last().cloned();
    }
    Ok((found, place))
}
