//! The console sessions that there are: begun with a password, and over when they are not used, after some hours in any
//! case, with another password, with the role, or by signing out.
//!
//! The user and the roles are read for every request, in the same round trip as the session; one more each minute says
//! that it is in use. A user's sessions are in their user store.

use uuid::Uuid;

use crate::access::authenticate::{self, Admitted};
use crate::access::session_cookie::Session;
use crate::base::secret::Secret;
use crate::model::audit::Action;
use crate::model::context::{Context, UnitOfWork};
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Row};
use crate::store::kept_forms::Owner;
use crate::store::resources::{self, find};
use crate::store::sessions::{self, SessionKey, SessionRow};
use crate::store::{audit, cross_store, tenant_settings};

/// How often a session that is in use says so, in milliseconds; more often where it must be used more often.
const SEEN_EVERY: Millis = 60_000;

/// Begins a session of somebody who has just given their password; answers the cookie's value.
///
/// # Errors
/// The database's: there may be a session that nobody has the cookie of.
pub fn begin(admitted: &Admitted) -> Result<Secret, DatabaseError> {
    let home = &admitted.home;
    // The first administrator may sign in at another tenant: their home's settings were not read, and what this isolate last
    // knew of them is worth no round trip more.
    let settings = if admitted.user.is_some() { home.settings() } else { home.last_known_settings() };
    let lifetime = settings.session_max_seconds;
    let now = home.platform.clock.now();
    let (user_id, password_changed) = admitted.user.clone().unwrap_or_default();
    // Nobody becomes the first administrator for want of an id.
    let user = admitted.user.as_ref().map(|(id, _)| Uuid::try_parse(id)).transpose();
    let user = user.map_err(|error| DatabaseError::Shape(format!("a user's id: {error}")))?;
    let store = home.in_store_of(&user_id);
    let session = Session {
        tenant: home.tenant.number(),
        id: home.platform.new_id(),
        expires_at: home.now_seconds() + u64::from(lifetime),
        user,
    };
    let cookie = session.sign(&home.deployment);
    let cookie = cookie.ok_or_else(|| DatabaseError::Shape("there is no key to sign a session with".to_owned()))?;
    let expires_at = now + 1_000 * Millis::from(lifetime);
    let operation = home.platform.new_id().to_string();
    let batch = vec![
        sessions::insert(&store, &key(&session), password_changed, now, expires_at),
        audit::record_plain(&store, &operation, Action::SignIn, &target(home, &session)),
    ];
    store.platform.db.batch(batch)?;
    Ok(cookie)
}

/// Returns the context with whoever the cookie's session is of in it; `None` when it is over, or not good here.
///
/// # Errors
/// The database's.
pub fn resume(ctx: &Context, cookie: &Secret) -> Result<Option<Context>, DatabaseError> {
    let Some((home, session)) = read_cookie(ctx, cookie) else { return Ok(None) };
    let key = key(&session);
    let store = home.in_store_of(&key.user_id);
    let mut batch = vec![sessions::find(&store, &key)];
    if session.user.is_some() {
        batch.push(find::user_with_password_change(&store, &key.user_id));
    }
    let (outcomes, settings) = tenant_settings::batch(&store, batch)?;
    let first = |index: usize| outcomes.get(index).and_then(|outcome| outcome.rows.first());
    let (Some(row), Some(settings)) = (first(0), settings) else { return Ok(None) };
    let row = SessionRow::from_row(row)?;
    let idle = 1_000 * Millis::from(settings.session_idle_seconds);
    let now = home.platform.clock.now();
    let unused = now - row.seen;
    if unused >= idle {
        return Ok(None);
    }
    let resumed = match (session.user, first(1)) {
        (None, _) => authenticate::as_first_administrator(ctx)?,
        (Some(_), Some(user)) => as_user(ctx, &home, row, user)?,
        (Some(_), None) => None,
    };
    if resumed.is_some() && unused >= SEEN_EVERY.min(idle / 4) {
        store.platform.query(sessions::touch(&store, &key, now))?;
    }
    Ok(resumed)
}

/// The context with this user in it, provided that the password is still the one that the session began with.
fn as_user(ctx: &Context, home: &Context, session: SessionRow, user: &Row) -> Result<Option<Context>, DatabaseError> {
    if user.read_optional_integer("changed")? != Some(session.password_changed) {
        return Ok(None);
    }
    let mut user = resources::from_row(user)?;
    if !user.account.may_sign_in() {
        return Ok(None);
    }
    cross_store::add_groups(home, [&mut user])?;
    authenticate::as_role_holder(ctx, &home.tenant, &user)
}

/// Whose session a cookie is of, or was of until it was over.
#[must_use]
pub fn owner(ctx: &Context, cookie: &Secret) -> Option<Owner> {
    let session = Session::verify(cookie.expose(), &ctx.deployment, 0)?;
    let user_id = key(&session).user_id;
    Some(Owner { home: i64::try_from(session.tenant).ok()?, user_id })
}

/// The sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The one whose cookie was sent.
    Here,
    /// All of the user's, or of the first administrator's.
    Everywhere,
}

/// Ends the session of a cookie, or all of whoever it is of; one that is over already ends nothing.
///
/// # Errors
/// The database's.
pub fn end(ctx: &Context, cookie: &Secret, which: Ended) -> Result<(), DatabaseError> {
    let Some((home, session)) = read_cookie(ctx, cookie) else { return Ok(()) };
    // At home: a tenant that lets this user in no more has no part in it.
    let Some(home) = resume(&home, cookie)? else { return Ok(()) };
    let key = key(&session);
    let store = home.in_store_of(&key.user_id);
    let ended = match which {
        Ended::Here => sessions::delete(&store, &key),
        Ended::Everywhere => sessions::delete_all(&store, &key.user_id),
    };
    let operation = home.platform.new_id().to_string();
    let record = audit::record_plain(&store, &operation, Action::SignOut, &target(&home, &session));
    store.platform.db.batch(vec![ended, record]).map(|_| ())
}

/// Reads a cookie: the context of the tenant whose session it is of, and what it says; `None` for one that is not genuine,
/// or where that tenant's people do not come in.
fn read_cookie(ctx: &Context, cookie: &Secret) -> Option<(Context, Session)> {
    let session = Session::verify(cookie.expose(), &ctx.deployment, ctx.now_seconds())?;
    if session.tenant == ctx.tenant.number() {
        return Some((ctx.clone(), session));
    }
    let first = Tenant::super_tenant();
    (session.tenant == first.number()).then(|| (ctx.for_tenant(first), session))
}

/// The primary key of the session's row.
fn key(session: &Session) -> SessionKey {
    let user_id = session.user.map(|user| user.to_string()).unwrap_or_default();
    SessionKey { user_id, id: session.id.to_string() }
}

/// Whom the audit names: the user's id, or the first administrator's name.
fn target(ctx: &Context, session: &Session) -> String {
    let first = ctx.deployment.administrator.as_ref();
    session.user.map_or_else(|| first.map(|first| first.username.clone()).unwrap_or_default(), |user| user.to_string())
}
