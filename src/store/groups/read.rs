//! Reading a group's members, and what a change of them needs to know.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::json;

use crate::model::context::Context;
use crate::model::member::Member;
use crate::model::resource::{GROUP, Resource};
use crate::ports::{DatabaseError, Row, Statement};
use crate::store::cross_store::RemoteUsers;
use crate::store::groups::{LISTED, ancestors};
use crate::store::resources::find;
use crate::store::resources::row::from_row;

/// The most members an answer carries without being asked for them.
pub const SHOWN_UNASKED: usize = 1_000;
/// The most members an answer carries, of all its groups together.
pub const MAX_MEMBERS: usize = 100_000;
/// The most members one statement answers: one more, so that the first chunk tells a group that has more.
const READ: usize = SHOWN_UNASKED + 1;
/// The most members of several groups one statement answers.
const READ_OF_ALL: usize = 5_000;

/// The members of a group, read in chunks; `None` when they are more than [`MAX_MEMBERS`].
///
/// # Errors
/// The database's.
pub fn members(ctx: &Context, group_id: &str) -> Result<Option<Vec<Member>>, DatabaseError> {
    members_up_to(ctx, group_id, MAX_MEMBERS)
}

/// The members of a group, read in chunks; `None` when they are more than `most`.
///
/// # Errors
/// The database's.
pub fn members_up_to(ctx: &Context, group_id: &str, most: usize) -> Result<Option<Vec<Member>>, DatabaseError> {
    let rows = ctx.platform.query(members_statement(ctx, group_id, ""))?;
    read_on(ctx, group_id, &rows, most)
}

/// The first chunk's statement, to ride with the one that reads the group.
#[must_use]
pub fn members_statement(ctx: &Context, group_id: &str, after: &str) -> Statement {
    Statement::new(
        "SELECT m.member_id, m.type, COALESCE(m.display, r.display) AS display FROM members m \
         LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
         WHERE m.tenant = ?1 AND m.group_id = ?2 AND m.member_id > ?3 ORDER BY m.member_id LIMIT ?4",
        vec![ctx.tenant.key(), group_id.into(), after.into(), (READ as i64).into()],
    )
}

/// The members of a first chunk and of the others; `None` when they are more than [`MAX_MEMBERS`].
///
/// # Errors
/// The database's.
pub fn members_after(ctx: &Context, group_id: &str, first: &[Row]) -> Result<Option<Vec<Member>>, DatabaseError> {
    read_on(ctx, group_id, first, MAX_MEMBERS)
}

fn read_on(ctx: &Context, group_id: &str, first: &[Row], most: usize) -> Result<Option<Vec<Member>>, DatabaseError> {
    let mut members = first.iter().map(from_member_row).collect::<Result<Vec<_>, _>>()?;
    let mut read = first.len();
    while let (READ, Some(last)) = (read, members.last()) {
        if members.len() > most {
            return Ok(None);
        }
        let rows = ctx.platform.query(members_statement(ctx, group_id, &last.id))?;
        for row in &rows {
            members.push(from_member_row(row)?);
        }
        read = rows.len();
    }
    Ok(Some(members).filter(|members| members.len() <= most))
}

/// The members of several groups, in the groups' order, read in chunks; `None` when they are too many for one answer.
///
/// # Errors
/// The database's.
pub fn members_of_all(ctx: &Context, group_ids: &[&str]) -> Result<Option<Vec<Vec<Member>>>, DatabaseError> {
    let ids = json!(group_ids).to_string();
    let mut members: Vec<Vec<Member>> = group_ids.iter().map(|_| Vec::new()).collect();
    let mut after = (-1_i64, String::new());
    let mut listed = 0;
    loop {
        let statement = Statement::new(
            "SELECT j.key AS position, m.member_id, m.type, COALESCE(m.display, r.display) AS display \
             FROM json_each(?2) j CROSS JOIN members m ON m.tenant = ?1 AND m.group_id = j.value \
             LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
             WHERE j.key >= ?3 AND (j.key > ?3 OR m.member_id > ?4) ORDER BY j.key, m.member_id LIMIT ?5",
            vec![
                ctx.tenant.key(),
                ids.as_str().into(),
                after.0.into(),
                after.1.as_str().into(),
                (READ_OF_ALL as i64).into(),
            ],
        );
        let rows = ctx.platform.query(statement)?;
        for row in &rows {
            let position = row.read_integer("position")?;
            let index = usize::try_from(position).unwrap_or_default();
            if let Some(of_group) = members.get_mut(index) {
                of_group.push(from_member_row(row)?);
            }
            after = (position, row.read_text("member_id")?.to_owned());
        }
        listed += rows.len();
        if listed > MAX_MEMBERS {
            return Ok(None);
        }
        if rows.len() < READ_OF_ALL {
            return Ok(Some(members));
        }
    }
}

pub(super) fn from_member_row(row: &Row) -> Result<Member, DatabaseError> {
    let display = row.read_optional_text("display")?.filter(|display| !display.is_empty());
    Ok(Member {
        id: row.read_text("member_id")?.to_owned(),
        is_group: row.read_text("type")? == GROUP,
        display: display.map(str::to_owned),
    })
}

/// A group as a change of its members finds it.
#[derive(Debug, Default)]
pub struct Inspected {
    /// The group, if there is one.
    pub group: Option<Resource>,
    /// The number of its members: only when asked for.
    pub members: u64,
    /// The ids asked about that are members already.
    pub present: HashSet<String>,
    /// Those that are neither users nor groups.
    pub unknown: Vec<String>,
    /// Those that are groups.
    pub groups: HashSet<String>,
    /// Those that would make a circle, or a chain of more than [`MAX_DEPTH`](crate::store::groups::MAX_DEPTH).
    pub circular: Vec<String>,
    /// Those that are users of other stores.
    pub remote_users: RemoteUsers,
}

/// Reads what a change that names these members needs to know: in one round trip, and one for each other user store of a
/// member. `count_members` reads every member
/// row: only for a change that does the same.
///
/// # Errors
/// The database's.
pub fn inspect(
    ctx: &Context,
    group_id: &str,
    named: &[String],
    count_members: bool,
) -> Result<Inspected, DatabaseError> {
    // Users who are no members yet are what is usual: of them nothing is said.
    const ABOUT: &str = "SELECT j.value AS id, r.type, m.member_id IS NOT NULL AS is_present FROM json_each(?3) j \
         LEFT JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.type IN ('User', 'Group') \
         LEFT JOIN members m ON m.tenant = ?1 AND m.group_id = ?2 AND m.member_id = j.value \
         WHERE r.type IS NOT 'User' OR m.member_id IS NOT NULL";
    let circular = ancestors::circular("?3");
    let mut batch = vec![find::by_id_statement(ctx, GROUP, group_id, false)];
    for ids in named.chunks(LISTED) {
        let ids = json!(ids).to_string();
        let run =
            |sql: Cow<'static, str>| Statement::new(sql, vec![ctx.tenant.key(), group_id.into(), ids.as_str().into()]);
        batch.push(run(ABOUT.into()));
        batch.push(run(circular.clone().into()));
    }
    if count_members {
        batch.push(Statement::new(
            "SELECT COUNT(*) AS total FROM members WHERE tenant = ?1 AND group_id = ?2",
            vec![ctx.tenant.key(), group_id.into()],
        ));
    }
    let mut outcomes = ctx.platform.db.batch(batch)?.into_iter();
    let mut rows = || outcomes.next().map(|outcome| outcome.rows).unwrap_or_default();
    let mut inspected = Inspected { group: rows().first().map(from_row).transpose()?, ..Inspected::default() };
    for _ in named.chunks(LISTED) {
        for row in rows() {
            let id = row.read_text("id")?.to_owned();
            if row.read_integer("is_present")? == 1 {
                inspected.present.insert(id.clone());
            }
            match row.read_optional_text("type")? {
                None => inspected.unknown.push(id),
                Some(GROUP) => drop(inspected.groups.insert(id)),
                Some(_) => {}
            }
        }
        for row in rows() {
            inspected.circular.push(row.read_text("id")?.to_owned());
        }
    }
    if let Some(row) = rows().first() {
        inspected.members = row.read_integer("total")?.cast_unsigned();
    }
    inspected.remote_users = RemoteUsers::find(ctx, inspected.unknown.iter().map(String::as_str))?;
    inspected.unknown.retain(|id| !inspected.remote_users.contains(id));
    Ok(inspected)
}

/// Ids that are to become members of new groups, as they are found.
#[derive(Debug, Default)]
pub struct Named {
    /// Those that are neither users nor groups, or not of the type that goes with them.
    pub unknown: HashSet<(String, Option<String>)>,
    /// Those that are groups.
    pub groups: HashSet<String>,
    /// Those of them that would make a chain of more than [`MAX_DEPTH`](crate::store::groups::MAX_DEPTH).
    pub too_deep: HashSet<String>,
    /// Those that are users of other stores.
    pub remote_users: RemoteUsers,
}

/// What these ids are, which new groups name as members. Where a type goes with an id, what is of the other type is not
/// there.
///
/// # Errors
/// The database's.
pub fn named(ctx: &Context, named: &[(&str, Option<&str>)]) -> Result<Named, DatabaseError> {
    let statement = Statement::new(
        format!(
            "SELECT j.value ->> 0 AS id, j.value ->> 1 AS type, r.type AS found, r.type = 'Group' AND {} AS too_deep \
             FROM json_each(?2) j LEFT JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 \
             AND r.type IN ('User', 'Group') WHERE r.type IS NOT 'User' OR r.type <> j.value ->> 1",
            ancestors::is_full("r.id")
        ),
        vec![ctx.tenant.key(), json!(named).to_string().into()],
    );
    let mut known = Named::default();
    for row in ctx.platform.query(statement)? {
        let id = row.read_text("id")?.to_owned();
        let (kind, found) = (row.read_optional_text("type")?, row.read_optional_text("found")?);
        if row.read_optional_integer("too_deep")? == Some(1) {
            known.too_deep.insert(id.clone());
        }
        if found == Some(GROUP) {
            known.groups.insert(id.clone());
        }
        if found.is_none_or(|found| kind.is_some_and(|kind| kind != found)) {
            known.unknown.insert((id, kind.map(str::to_owned)));
        }
    }
    known.remote_users = RemoteUsers::find(ctx, known.unknown.iter().map(|(id, _)| id.as_str()))?;
    let remote_users = &known.remote_users;
    known.unknown.retain(|(id, kind)| kind.as_deref() == Some(GROUP) || !remote_users.contains(id));
    Ok(known)
}
