//! Pages of the list of users, forwards and back by cursor. Users of several stores come store by store, PRIMARY's first.
//!
//! A page is one round trip for each store that is asked; it stops where the page is full. What an index alone decides
//! reads the page's rows and no others. Else candidates are looked at one by one, up to a bound: then the page ends there,
//! says so, and goes on from there.

use crate::model::context::{Context, StoreContext};
use crate::model::resource::GROUP;
use crate::ports::{DatabaseError, Outcome, Row, Statement, Value};
use crate::store::cursor::{self, QueryDigest};
use crate::store::filter::Bindings;
use crate::store::users::Capped;
use crate::store::users::filter::{UserFilter, members, now, read_ids};
use crate::store::users::row::ListedUser;
use crate::store::users::walk::{After, MAX_EXAMINED, UserColumn, UserSort, Walk};

/// The groups that a filter offers.
const OFFERED_GROUPS: u32 = 50;

/// A list of users, and the part of it to read.
#[derive(Clone, Copy, Debug)]
pub struct UserQuery<'a> {
    /// Which of them.
    pub filter: &'a UserFilter,
    /// The order, where there is an index for it.
    pub sort: Option<UserSort>,
    /// Where the page begins, or ends.
    pub cursor: Option<&'a str>,
}

/// A page of users.
#[derive(Debug, Default)]
pub struct UserPage {
    /// The users.
    pub users: Vec<ListedUser>,
    /// The cursor to the page before.
    pub previous: Option<String>,
    /// The cursor to the page after.
    pub next: Option<String>,
    /// The number of users in all, where it costs little to know.
    pub total: Option<Capped>,
    /// The order, if it is one that can be asked for.
    pub sort: Option<UserSort>,
    /// The columns that the list can be ordered by.
    pub sortable: &'static [UserColumn],
    /// Whether it ends where it does because so many users were looked at.
    pub is_partial: bool,
    /// Whether it is the first page because the cursor was none of this list.
    pub is_bad_cursor: bool,
    /// Groups to choose from, by id and name, with the chosen one.
    pub groups: Vec<(String, String)>,
}

/// A user who was found: the number of the store in the list's order, the place in the store's order, the user.
type Found = (usize, Vec<Value>, ListedUser);

/// Part of a page, from one store.
struct Part {
    found: Vec<Found>,
    /// The place where it stopped looking.
    stopped: Option<Vec<Value>>,
}

/// A page of the list.
///
/// # Errors
/// The database's.
pub fn list(ctx: &Context, query: UserQuery<'_>) -> Result<UserPage, DatabaseError> {
    let filter = query.filter;
    let walk = Walk::new(filter, query.sort);
    let sortable = walk.sortable();
    let asked = query.sort.filter(|sort| sortable.contains(&sort.column));
    let sort = asked.or_else(|| sortable.first().map(|column| UserSort { column: *column, descending: false }));
    let stores = filter.stores(ctx);
    let mut page = UserPage { sort, sortable, ..UserPage::default() };

    let digest = |back: bool| digest(filter, sort, back);
    let opened =
        |back: bool, text: &str| cursor::open(ctx, digest(back), text).ok().and_then(|place| split(&walk, place));
    let mut start = None;
    let mut back = false;
    if let Some(text) = query.cursor {
        start = opened(false, text);
        if start.is_none() {
            start = opened(true, text);
            back = start.is_some();
        }
        page.is_bad_cursor = start.is_none();
    }

    let descending = sort.is_some_and(|sort| sort.descending) != back;
    let size = usize::try_from(walk.page_size()).unwrap_or_default();
    let mut order: Vec<usize> = (0..stores.len()).collect();
    if back {
        order.reverse();
    }
    if let Some((store, _)) = &start {
        order.retain(|number| if back { number <= store } else { number >= store });
    }
    let mut found: Vec<Found> = Vec::new();
    let mut stopped = None;
    let reader = Reader { ctx, filter, walk: &walk, counts: stores.len() == 1, descending };
    for number in order {
        let Some(store) = stores.get(number).copied() else { continue };
        let place = start.as_ref().filter(|(of, _)| *of == number).map(|(_, place)| place.as_slice());
        let part = reader.read(store, number, place, &mut page)?;
        found.extend(part.found);
        if found.len() > size {
            break;
        }
        if let Some(place) = part.stopped {
            stopped = Some((number, place));
            break;
        }
    }
    if filter.group.is_some() && page.groups.is_empty() {
        page.groups = read_groups(&ctx.platform.db.batch(groups(ctx, filter))?)?;
    }

    let more = found.len() > size;
    found.truncate(size);
    page.is_partial = stopped.is_some() && !more;
    let seal = |back: bool, (store, place): (usize, &[Value])| {
        let store = Value::Integer(i64::try_from(store).unwrap_or_default());
        cursor::seal(ctx, digest(back), &[&[store], place].concat())
    };
    let at = |hit: Option<&Found>| hit.map(|(store, place, _)| (*store, place.clone()));
    let ahead = if more { at(found.last()) } else { stopped };
    let behind = start.is_some().then(|| at(found.first()).or(start)).flatten();
    let ahead = ahead.and_then(|(store, place)| seal(back, (store, &place)));
    let behind = behind.and_then(|(store, place)| seal(!back, (store, &place)));
    (page.previous, page.next) = if back { (ahead, behind) } else { (behind, ahead) };
    if back {
        found.reverse();
    }
    page.users = found.into_iter().map(|(_, _, user)| user).collect();
    Ok(page)
}

/// Stands for the list under a cursor: with another filter or order, a cursor is none.
fn digest(filter: &UserFilter, sort: Option<UserSort>, back: bool) -> QueryDigest {
    let order = format!("{sort:?} {back}");
    let status = filter.status.map(|status| status.as_str()).unwrap_or_default();
    let (domain, group) = (filter.domain.as_deref().unwrap_or_default(), filter.group.as_deref().unwrap_or_default());
    QueryDigest::new(["users", &filter.q, status, domain, group, &order])
}

/// The number of a store and the place in its order, of a cursor's position.
fn split(walk: &Walk, mut position: Vec<Value>) -> Option<(usize, Vec<Value>)> {
    if position.is_empty() {
        return None;
    }
    let place = position.split_off(1);
    match position.first() {
        Some(Value::Integer(store)) if place.len() == walk.places() || place.len() == 1 => {
            Some((usize::try_from(*store).ok()?, place))
        }
        _ => None,
    }
}

/// What all parts of a page share.
struct Reader<'a> {
    ctx: &'a Context,
    filter: &'a UserFilter,
    walk: &'a Walk,
    counts: bool,
    descending: bool,
}

impl Reader<'_> {
    /// Reads what one store has of the page; PRIMARY answers with the groups, too.
    fn read(
        &self,
        store: Option<u16>,
        number: usize,
        place: Option<&[Value]>,
        page: &mut UserPage,
    ) -> Result<Part, DatabaseError> {
        let at_store = self.ctx.in_store(store);
        let mut walk = self.walk.clone();
        let mut listed_to = None;
        if let (Some(store), Some(group)) = (store, &self.filter.group) {
            let from = match place.and_then(<[Value]>::first) {
                Some(Value::Text(id)) => id.as_str(),
                _ if self.descending => "~",
                _ => "",
            };
            let statement = members(self.ctx, store, group, from, self.descending, MAX_EXAMINED);
            let ids = read_ids(&self.ctx.platform.query(statement)?)?;
            let is_full = ids.len() >= usize::try_from(MAX_EXAMINED).unwrap_or(usize::MAX);
            listed_to = ids.last().cloned().filter(|_| is_full);
            walk = Walk::Listed(serde_json::json!(ids).to_string());
        }
        let mut batch = vec![self.statement(&at_store, &walk, place)];
        let count = self.count(&at_store, &walk);
        let has_count = count.is_some();
        batch.extend(count);
        let has_groups = store.is_none();
        if has_groups {
            batch.extend(groups(self.ctx, self.filter));
        }
        let outcomes = at_store.platform.db.batch(batch)?;
        let (first, rest) = outcomes.split_first().map_or((&[][..], &[][..]), |(first, rest)| (&first.rows[..], rest));
        let (counted, of_groups) = rest.split_at(usize::from(has_count).min(rest.len()));
        if let Some(row) = counted.first().and_then(|outcome| outcome.rows.first()) {
            let is_exact = matches!(walk, Walk::Everybody(_));
            page.total = Some(Capped::new(row.read_integer("number")?, is_exact));
        } else if has_count {
            page.total = Some(Capped::new(0, true));
        }
        if has_groups {
            page.groups = read_groups(of_groups)?;
        }
        let now = now(&at_store);
        let mut part = Part { found: Vec::new(), stopped: listed_to.map(|id| vec![id.into()]) };
        for row in first {
            let place =
                (0..walk.places()).map(|index| row.value(PLACES[index.min(1)])).collect::<Result<Vec<_>, _>>()?;
            if row.read_integer("hit")? == 0 {
                part.stopped = Some(place);
            } else {
                part.found.push((number, place, ListedUser::read(row, now)?));
            }
        }
        Ok(part)
    }

    /// The number of users, where the walk says it all.
    fn count(&self, ctx: &StoreContext, walk: &Walk) -> Option<Statement> {
        if !self.counts || walk.residual(self.filter).is_some() {
            return None;
        }
        let mut bindings = Bindings::default();
        let sql = walk.counted(ctx, Capped::LIMIT, &mut bindings)?;
        Some(Statement::new(sql, bindings.into_values()))
    }

    /// The statement of a page. Where candidates are looked at one by one, a row that is no hit tells where it stopped.
    fn statement(&self, ctx: &StoreContext, walk: &Walk, place: Option<&[Value]>) -> Statement {
        let mut bindings = Bindings::default();
        let place = place.filter(|place| place.len() == walk.places());
        let after = After { place, descending: self.descending };
        let wanted = walk.page_size() + 1;
        let residual = walk.residual(self.filter);
        let mut candidates = |limit: u32| walk.candidates(ctx, self.filter, &after, limit, &mut bindings);
        let sql = if residual.is_none() && walk.is_exact() {
            format!("SELECT 1 AS hit, u.* FROM ({}) u", candidates(wanted))
        } else {
            let candidates = candidates(MAX_EXAMINED);
            let once = walk.once(ctx, self.filter, &mut bindings);
            let residual =
                residual.map_or_else(|| "1".to_owned(), |rest| rest.predicate(ctx, "u", None, &mut bindings));
            format!(
                "WITH hits AS MATERIALIZED (SELECT u.* FROM ({candidates}) u WHERE {once} AND {residual} LIMIT {wanted}) \
                 SELECT 1 AS hit, f.* FROM hits f UNION ALL \
                 SELECT 0 AS hit, s.* FROM (SELECT * FROM ({candidates}) LIMIT (SELECT COUNT(*) < {wanted} FROM hits) \
                 OFFSET {}) s",
                MAX_EXAMINED - 1
            )
        };
        Statement::new(sql, bindings.into_values())
    }
}

/// The columns of a place.
const PLACES: [&str; 2] = ["o0", "o1"];

/// The statements that read groups to choose from, and the chosen one.
fn groups(ctx: &Context, filter: &UserFilter) -> Vec<Statement> {
    let mut statements = vec![Statement::new(
        format!(
            "SELECT r.id AS id, r.display AS display FROM resources r INDEXED BY resources_group_name \
             WHERE r.tenant = ?1 AND r.type = '{GROUP}' AND r.keys ->> 'displayName' >= '' \
             ORDER BY r.keys ->> 'displayName' LIMIT {OFFERED_GROUPS}"
        ),
        vec![ctx.tenant.key()],
    )];
    statements.extend(filter.group.as_deref().map(|id| {
        Statement::new(
            "SELECT r.id AS id, r.display AS display FROM resources r \
             WHERE r.tenant = ?1 AND r.id = ?2 AND r.type = ?3",
            vec![ctx.tenant.key(), id.into(), GROUP.into()],
        )
    }));
    statements
}

fn read_groups(outcomes: &[Outcome]) -> Result<Vec<(String, String)>, DatabaseError> {
    let read =
        |row: &Row| Ok::<_, DatabaseError>((row.read_text("id")?.to_owned(), row.read_text("display")?.to_owned()));
    let mut groups = Vec::new();
    for row in outcomes.iter().flat_map(|outcome| &outcome.rows) {
        let group = read(row)?;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(groups)
}
