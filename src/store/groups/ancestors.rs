//! `group_ancestors`: for every group all groups it is in through others, and itself, at depth 0. Only the rare writes that
//! put a group into a group, or take one out, keep it. The depth is that of the longest way: were it the shortest, groups
//! could nest deeper than is allowed beside it, and who goes up from below would not arrive once it is gone.

use serde_json::json;

use crate::model::context::Work;
use crate::ports::Statement;

/// The greatest depth of nested groups.
pub const MAX_DEPTH: i64 = 10;

/// The query for those of the ids in a JSON parameter that cannot become members of the group `?2`: groups that it is in, so that
/// they would contain each other, and those that would nest too deep.
pub(super) fn circular(ids: &str) -> String {
    format!(
        "SELECT j.value AS id FROM json_each({ids}) j CROSS JOIN group_ancestors below INDEXED BY group_ancestors_ancestor \
         ON below.tenant = ?1 AND below.ancestor_id = j.value WHERE below.group_id = ?2 \
         OR below.depth + 1 + (SELECT COALESCE(MAX(depth), 0) FROM group_ancestors WHERE tenant = ?1 \
         AND group_id = ?2) > {MAX_DEPTH}"
    )
}

/// The condition that groups nest at the greatest depth below `group` already, so that it cannot be a member of any.
pub(super) fn is_full(group: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM group_ancestors below INDEXED BY group_ancestors_ancestor WHERE below.tenant = ?1 \
         AND below.ancestor_id = {group} AND below.depth >= {MAX_DEPTH})"
    )
}

/// The statement that makes each group that an operation creates its own ancestor.
pub(super) fn creation(ctx: &Work, group_ids: &[&str], operation: &str) -> Statement {
    Statement::new(
        "INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
         SELECT ?1, r.id, r.id, 0, r.display FROM json_each(?2) j \
         CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.operation = ?3",
        vec![ctx.tenant.key(), json!(group_ids).to_string().into(), operation.into()],
    )
}

/// The statement that adds what is above the groups that are members of these, which an operation creates.
pub(super) fn climb_from_members(ctx: &Work, group_ids: &[&str], operation: &str) -> Statement {
    Statement::new(
        format!(
            "WITH RECURSIVE up (group_id, ancestor_id, depth) AS ( \
         SELECT d.group_id, m.group_id, 1 FROM json_each(?2) j \
         CROSS JOIN members x ON x.tenant = ?1 AND x.group_id = j.value AND x.type = 'Group' \
         CROSS JOIN group_ancestors d INDEXED BY group_ancestors_ancestor ON d.tenant = ?1 AND d.ancestor_id = x.member_id \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = d.group_id WHERE ?3 = ?3 \
         UNION SELECT up.group_id, m.group_id, up.depth + 1 FROM up \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = up.ancestor_id WHERE up.depth < {MAX_DEPTH}) \
         INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
         SELECT ?1, up.group_id, up.ancestor_id, MAX(up.depth), g.display FROM up \
         CROSS JOIN resources g ON g.tenant = ?1 AND g.id = up.ancestor_id WHERE TRUE \
         GROUP BY up.group_id, up.ancestor_id \
         ON CONFLICT (tenant, group_id, ancestor_id) DO UPDATE SET depth = excluded.depth WHERE excluded.depth <> depth"
        ),
        vec![ctx.tenant.key(), json!(group_ids).to_string().into(), operation.into()],
    )
}

/// The query for one group, whose id is `?2`.
pub(super) const ONE: &str = "SELECT ?2 WHERE ?3 = ?3";

/// The statements that find anew what is above the groups below `tops`, after members have gone: a query for their ids on `list`,
/// `?2`, and the operation, `?3`.
pub(super) fn rebuild(ctx: &Work, tops: &str, list: &str, operation: &str) -> [Statement; 2] {
    let gone = Statement::new(
        format!(
            "DELETE FROM group_ancestors WHERE tenant = ?1 AND depth > 0 AND group_id IN \
             (SELECT group_id FROM group_ancestors INDEXED BY group_ancestors_ancestor WHERE tenant = ?1 \
             AND ancestor_id IN ({tops})) AND ancestor_id NOT IN ({tops})"
        ),
        vec![ctx.tenant.key(), list.into(), operation.into()],
    );
    [gone, climb(ctx, tops, list, operation)]
}

/// The statement that forgets the groups that are no longer below `top`.
pub(super) fn prune(ctx: &Work, top: &str, operation: &str) -> Statement {
    Statement::new(
        "DELETE FROM group_ancestors INDEXED BY group_ancestors_ancestor WHERE tenant = ?1 AND ancestor_id = ?2 AND depth > 0 AND ?3 = ?3 AND group_id NOT IN ( \
         WITH RECURSIVE down (id, depth) AS (SELECT ?2, 0 UNION SELECT m.member_id, down.depth + 1 FROM down \
         CROSS JOIN members m ON m.tenant = ?1 AND m.group_id = down.id AND m.type = 'Group' WHERE down.depth < ?4) \
         SELECT id FROM down)",
        vec![ctx.tenant.key(), top.into(), operation.into(), MAX_DEPTH.into()],
    )
}

/// The statement that adds what is above `tops`, and above the groups below them, by the memberships as they are now.
pub(super) fn climb(ctx: &Work, tops: &str, list: &str, operation: &str) -> Statement {
    Statement::new(
        format!(
            "WITH RECURSIVE up (group_id, ancestor_id, depth) AS ( \
         SELECT d.group_id, m.group_id, 1 FROM group_ancestors d INDEXED BY group_ancestors_ancestor \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = d.group_id \
         WHERE d.tenant = ?1 AND d.ancestor_id IN ({tops}) \
         UNION SELECT up.group_id, m.group_id, up.depth + 1 FROM up \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = up.ancestor_id WHERE up.depth < ?4) \
         INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
         SELECT ?1, up.group_id, up.ancestor_id, MAX(up.depth), g.display FROM up \
         CROSS JOIN resources g ON g.tenant = ?1 AND g.id = up.ancestor_id WHERE TRUE \
         GROUP BY up.group_id, up.ancestor_id \
         ON CONFLICT (tenant, group_id, ancestor_id) DO UPDATE SET depth = excluded.depth WHERE excluded.depth <> depth"
        ),
        vec![ctx.tenant.key(), list.into(), operation.into(), MAX_DEPTH.into()],
    )
}
