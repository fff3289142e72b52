//! The console sessions that there are: begun with a password, and over when they are not used, after some hours in any
//! case, with another password, with the role, or by signing out.
//!
//! The user and the roles are read for every request, in the same round trip as the session; one more each minute says
//! that it is in use. A user's sessions are in his user store.

use uuid::Uuid;

use crate::access::authenticate::{self, Admitted};
use crate::access::session::Session;
use crate::base::secret::Secret;
use crate::model::context::Context;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement, Value};
use crate::store::audit::{self, Action, OPERATION_HOLDS};
use crate::store::cross_store;
use crate::store::resources::{self, find};
use crate::store::tenant_settings;

/// How often a session that is in use says so, in milliseconds; more often where it must be used more often.
const SEEN_EVERY: Millis = 60_000;

/// Begins a session of somebody who has just given his password; answers the cookie's value.
///
/// # Errors
/// The database's: there may be a session that nobody has the cookie of.
pub async fn begin(admitted: &Admitted) -> Result<Secret, DatabaseError> {
    let home = Context { tenant: admitted.home.clone(), ..admitted.ctx.clone() };
    let settings = home.settings();
    let now = home.platform.clock.now();
    let (user_id, password_changed) = admitted.user.clone().unwrap_or_default();
    // Nobody becomes the first administrator for want of an id.
    let user = admitted.user.as_ref().map(|(id, _)| Uuid::try_parse(id)).transpose();
    let user = user.map_err(|error| DatabaseError::Shape(format!("a user's id: {error}")))?;
    let there = home.in_store_of(&user_id);
    let session = Session {
        tenant: home.tenant.number(),
        id: home.platform.new_id(),
        expires_at: home.now_seconds() + u64::from(settings.session_max_seconds),
        user,
    };
    let cookie = session.sign(&home.deployment);
    let cookie = cookie.ok_or_else(|| DatabaseError::Shape("there is no key to sign a session with".to_owned()))?;
    let mut params = key(&there, &session).to_vec();
    params.extend([
        password_changed.into(),
        now.into(),
        (now + 1_000 * Millis::from(settings.session_max_seconds)).into(),
    ]);
    let operation = home.platform.new_id().to_string();
    let batch = vec![
        Statement::new(
            "INSERT INTO sessions (tenant, user_id, id, password_changed, started, seen, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
            params,
        ),
        audit::record_plain(&there, &operation, Action::SignIn, &target(&home, &session)),
    ];
    there.platform.db.batch(batch).await?;
    Ok(cookie)
}

/// The context with whoever the cookie's session is of in it; `None` when it is over, or not good here.
///
/// # Errors
/// The database's.
pub async fn resume(ctx: &Context, cookie: &Secret) -> Result<Option<Context>, DatabaseError> {
    let Some((home, session)) = of_cookie(ctx, cookie) else { return Ok(None) };
    let user_id = id_of_user(&session);
    let there = home.in_store_of(&user_id);
    let row = Statement::new(
        "SELECT password_changed, seen FROM sessions WHERE tenant = ?1 AND user_id = ?2 AND id = ?3",
        key(&there, &session).to_vec(),
    );
    let mut batch = vec![row];
    if session.user.is_some() {
        batch.push(find::user_with_password_change(&there, &user_id));
    }
    let outcomes = tenant_settings::queries(&there, batch).await?;
    let first = |index: usize| outcomes.get(index).and_then(|outcome| outcome.rows.first());
    let Some(row) = first(0) else { return Ok(None) };
    let idle = 1_000 * Millis::from(home.settings().session_idle_seconds);
    let now = home.platform.clock.now();
    let unused = now - row.integer("seen")?;
    if unused >= idle {
        return Ok(None);
    }
    let resumed = match (session.user, first(1)) {
        (None, _) => authenticate::as_first_administrator(ctx).await?,
        (Some(_), Some(user)) => of_user(ctx, &home, row, user).await?,
        (Some(_), None) => None,
    };
    if resumed.is_some() && unused >= SEEN_EVERY.min(idle / 4) {
        let mut params = key(&there, &session).to_vec();
        params.push(now.into());
        let seen = "UPDATE sessions SET seen = ?4 WHERE tenant = ?1 AND user_id = ?2 AND id = ?3";
        there.platform.query(Statement::new(seen, params)).await?;
    }
    Ok(resumed)
}

/// The context with this user in it, provided that his password is still the one that the session began with.
async fn of_user(ctx: &Context, home: &Context, session: &Row, user: &Row) -> Result<Option<Context>, DatabaseError> {
    let began_with = session.integer("password_changed")?;
    if user.optional_integer("changed")? != Some(began_with) {
        return Ok(None);
    }
    let mut user = resources::from_row(user)?;
    if !user.account.may_sign_in() {
        return Ok(None);
    }
    cross_store::add_groups(home, [&mut user]).await?;
    authenticate::as_role_holder(ctx, &home.tenant, &user).await
}

/// Which sessions are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The one whose cookie was sent.
    Here,
    /// All of the user's, or of the first administrator's.
    Everywhere,
}

/// The statement that ends all of a user's sessions, to ride in the batch of `operation`: what has ended by a lock does not
/// come back when the lock is lifted. The context is of his user store.
#[must_use]
pub fn ending(there: &Context, user_id: &str, operation: &str) -> Statement {
    Statement::new(
        format!("DELETE FROM sessions WHERE tenant = ?1 AND user_id = ?2 AND {OPERATION_HOLDS}"),
        vec![there.tenant.key(), user_id.into(), operation.into()],
    )
}

/// Ends the session of a cookie, or all of whoever it is of; one that is over already ends nothing.
///
/// # Errors
/// The database's.
pub async fn end(ctx: &Context, cookie: &Secret, which: Ended) -> Result<(), DatabaseError> {
    let Some((home, session)) = of_cookie(ctx, cookie) else { return Ok(()) };
    // At home: a tenant that does not let him in any more has no part in it.
    let Some(home) = resume(&home, cookie).await? else { return Ok(()) };
    let there = home.in_store_of(&id_of_user(&session));
    let [tenant, user_id, id] = key(&there, &session);
    let ended = match which {
        Ended::Here => Statement::new(
            "DELETE FROM sessions WHERE tenant = ?1 AND user_id = ?2 AND id = ?3",
            vec![tenant, user_id, id],
        ),
        Ended::Everywhere => {
            Statement::new("DELETE FROM sessions WHERE tenant = ?1 AND user_id = ?2", vec![tenant, user_id])
        }
    };
    let operation = home.platform.new_id().to_string();
    let record = audit::record_plain(&there, &operation, Action::SignOut, &target(&home, &session));
    there.platform.db.batch(vec![ended, record]).await.map(|_| ())
}

/// What a genuine cookie says, and the context of the tenant it is of; `None` where that tenant's people do not come in.
fn of_cookie(ctx: &Context, cookie: &Secret) -> Option<(Context, Session)> {
    let session = Session::verify(cookie.expose(), &ctx.deployment, ctx.now_seconds())?;
    let known = [ctx.tenant.clone(), Tenant::super_tenant()];
    let tenant = known.into_iter().find(|tenant| tenant.number() == session.tenant)?;
    Some((Context { tenant, ..ctx.clone() }, session))
}

fn id_of_user(session: &Session) -> String {
    session.user.map(|user| user.to_string()).unwrap_or_default()
}

/// The row's primary key.
fn key(home: &Context, session: &Session) -> [Value; 3] {
    [home.tenant.key(), id_of_user(session).into(), session.id.to_string().into()]
}

/// Whom the audit names: the user's id, or the first administrator's name.
fn target(ctx: &Context, session: &Session) -> String {
    let first = ctx.deployment.administrator.as_ref();
    session.user.map_or_else(|| first.map(|first| first.username.clone()).unwrap_or_default(), |user| user.to_string())
}

/// Forgets the sessions that are over, in every user store: what the sweep does.
///
/// # Errors
/// The database's.
pub async fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    for there in platform.all_stores() {
        let statement = Statement::new(
            "DELETE FROM sessions INDEXED BY sessions_expires_at WHERE expires_at <= ?1",
            vec![there.clock.now().into()],
        );
        there.query(statement).await?;
    }
    Ok(())
}
