//! Groups and members by pages, for those who look at a few of very many.

use serde_json::json;

use crate::model::context::{Context, StoreContext};
use crate::model::member::Member;
use crate::model::resource::{GROUP, Resource, USER};
use crate::ports::{DatabaseError, Statement};
use crate::store::groups::LISTED;
use crate::store::groups::read::from_member_row;
use crate::store::resources::find;
use crate::store::resources::row::from_row;
use scim::fold::fold;

/// A group as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What its place in the order is: the next page begins after it.
    pub key: String,
}

/// The groups whose names begin so, whatever the case, in the order of their names: those after the key `after`, at most `count`,
/// and the key of the next page, if there is one.
///
/// # Errors
/// The database's.
pub fn starting_with(
    ctx: &Context,
    prefix: &str,
    after: &str,
    count: u32,
) -> Result<(Vec<ListedGroup>, Option<String>), DatabaseError> {
    let prefix = fold(prefix);
    let statement = Statement::new(
        "SELECT r.id, r.keys ->> 'displayName' AS name_key, COALESCE(NULLIF(r.display, ''), r.keys ->> 'displayName') AS name \
         FROM resources r WHERE r.tenant = ?1 AND r.type = 'Group' AND r.keys ->> 'displayName' >= ?2 \
         AND r.keys ->> 'displayName' <= ?3 AND r.keys ->> 'displayName' > ?4 ORDER BY r.keys ->> 'displayName' LIMIT ?5",
        vec![
            ctx.tenant.key(),
            prefix.as_str().into(),
            format!("{prefix}\u{10ffff}").into(),
            after.into(),
            (count + 1).into(),
        ],
    );
    let rows = ctx.platform.query(statement)?;
    let more = rows.len() > count as usize;
    let groups = rows.iter().take(count as usize).map(|row| {
        Ok(ListedGroup {
            id: row.read_text("id")?.to_owned(),
            name: row.read_text("name")?.to_owned(),
            key: row.read_text("name_key")?.to_owned(),
        })
    });
    let groups = groups.collect::<Result<Vec<_>, DatabaseError>>()?;
    let next = groups.last().filter(|_| more).map(|group| group.key.clone());
    Ok((groups, next))
}

/// A group and a page of its members, those with ids after `after`, at most `count`, with the id after which the next ones come,
/// if there are any; `None` where there is no such group. With `only`, that member alone. One round trip.
///
/// # Errors
/// The database's.
pub fn members_page(
    ctx: &Context,
    group_id: &str,
    after: &str,
    only: Option<&str>,
    count: u32,
) -> Result<Option<(Resource, Vec<Member>, Option<String>)>, DatabaseError> {
    let statement = Statement::new(
        format!(
            "SELECT m.member_id, m.type, COALESCE(m.display, r.display) AS display FROM members m \
             LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
             WHERE m.tenant = ?1 AND m.group_id = ?2 AND m.member_id {} ?3 ORDER BY m.member_id LIMIT ?4",
            if only.is_some() { "=" } else { ">" }
        ),
        vec![ctx.tenant.key(), group_id.into(), only.unwrap_or(after).into(), (count + 1).into()],
    );
    let batch = vec![find::by_id_statement(ctx, GROUP, group_id, false), statement];
    let outcomes = ctx.platform.db.batch(batch)?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let Some(group) = rows(0).first().map(from_row).transpose()? else { return Ok(None) };
    let members = rows(1).iter().take(count as usize).map(from_member_row).collect::<Result<Vec<_>, _>>()?;
    let next = members.last().filter(|_| rows(1).len() > count as usize).map(|member| member.id.clone());
    Ok(Some((group, members, next)))
}

/// The ids of the users of a store who have one of these names, as they are looked up: each with its folded name.
///
/// # Errors
/// The database's.
pub fn ids_of_names(ctx: &StoreContext, folded: &[String]) -> Result<Vec<(String, String)>, DatabaseError> {
    let some = |names: &[String]| {
        Statement::new(
            "SELECT r.name_key, r.id FROM json_each(?3) j CROSS JOIN resources r \
             ON r.tenant = ?1 AND r.type = ?2 AND r.name_key = j.value",
            vec![ctx.tenant.key(), USER.into(), json!(names).to_string().into()],
        )
    };
    let outcomes = ctx.platform.db.batch(folded.chunks(LISTED).map(some).collect())?;
    let rows = outcomes.iter().flat_map(|outcome| &outcome.rows);
    rows.map(|row| Ok((row.read_text("name_key")?.to_owned(), row.read_text("id")?.to_owned()))).collect()
}
