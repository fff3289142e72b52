//! Jobs: an action on many users, whose set is fixed when it is confirmed, and which is worked off in steps.
//!
//! | module | what it does |
//! |---|---|
//! | `selection` | the users that a filter or a list of ids names |
//! | `files` | imports and exports |
//! | `judgement` | what stands against doing something to a user |
//! | `step` | a step: some rows are worked off |

pub mod files;
pub mod judgement;
pub mod selection;
mod step;

pub use step::run;

use crate::model::context::Context;
use crate::model::job::{Job, JobAction, MAX_IDS, MAX_ROWS};
use crate::model::resource::GROUP;
use crate::model::settings::EmailSender;
use crate::ports::DatabaseError;
use crate::provision::jobs::selection::Selection;
use crate::provision::reindex::BeforeQuery;
use crate::store::jobs::{self as store, NewJob, Switched, listing};
use crate::store::list::ListError;
use crate::store::resources::find;
use scim::error::Error as ScimError;

/// Why a job was not confirmed, stopped or resumed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The caller lacks the scope of the action.
    #[error("The action {0} takes the scope {scope}, which these credentials do not have.", scope = .0.scope())]
    Scope(JobAction),
    /// The request says neither whom it is about, nor that it is about all that match.
    #[error("Name either ids, a list of users' ids, or filter, a SCIM filter on users; neither may be empty.")]
    Selection,
    /// The list of ids is too long.
    #[error("A job takes at most {MAX_IDS} ids: use filter, or several jobs.")]
    Ids,
    /// More users match than a job takes.
    #[error("More than {MAX_ROWS} users match, and a job takes no more: narrow the filter.")]
    Many,
    /// There is nobody to do it to.
    #[error("No user matches: there is nothing to do.")]
    Nobody,
    /// The group is missing, or there is none with its id.
    #[error("groupId must be the id of a group.")]
    Group,
    /// A group was named for an action that has none.
    #[error("groupId goes with addToGroup alone.")]
    NoGroup,
    /// The tenant mails nothing.
    #[error("No mail is sent where EMAIL_SENDER is external: ask for a new code for each user.")]
    External,
    /// Those who exist are to be changed by somebody who may not.
    #[error("existing=update takes the scope scim:write, which these credentials do not have.")]
    Update,
    /// There is no row in the file.
    #[error("The file has no row below its header: there is nothing to do.")]
    Empty,
    /// A file is sent with another action, or none with an import.
    #[error("csv, existing and passwords go with the action import alone, which takes a file and no selection.")]
    File,
    /// There is no file of such a job.
    #[error("Only imports and exports have a file: what became of each user is at /rows.")]
    NoFile,
    /// There is no such job.
    #[error("There is no job with this id. A job is kept for 30 days.")]
    NotFound,
    /// The job is over.
    #[error("The job is over: {0}.")]
    Over(&'static str),
    /// The filter is at fault.
    #[error("{}", .0.detail)]
    Filter(ScimError),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<ListError> for JobError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Refused(error) => Self::Filter(error),
            ListError::Database(failure) => Self::Database(failure),
        }
    }
}

impl From<BeforeQuery> for JobError {
    fn from(error: BeforeQuery) -> Self {
        match error {
            BeforeQuery::Refused(error) => Self::Filter(error),
            BeforeQuery::Database(failure) => Self::Database(failure),
        }
    }
}

/// Checks what can be said of a job before anybody is looked for.
///
/// # Errors
/// [`JobError`]
pub fn check_action(ctx: &Context, action: JobAction) -> Result<(), JobError> {
    if !ctx.scopes.has(action.scope()) {
        return Err(JobError::Scope(action));
    }
    if matches!(action, JobAction::Resend | JobAction::Import) && ctx.settings().email_sender == EmailSender::External {
        return Err(JobError::External);
    }
    Ok(())
}

/// Confirms a job: from here on its set is fixed, and it is worked off.
///
/// # Errors
/// [`JobError`]
pub fn create(
    ctx: &Context,
    action: JobAction,
    selection: &Selection,
    group_id: Option<&str>,
) -> Result<Job, JobError> {
    check_action(ctx, action)?;
    if action == JobAction::Import {
        return Err(JobError::File);
    }
    match (action, group_id) {
        (JobAction::AddToGroup, None) => return Err(JobError::Group),
        (JobAction::AddToGroup, Some(id)) => {
            let group = find::by_id(&ctx.in_store(None), GROUP, id, false)?;
            group.ok_or(JobError::Group)?;
        }
        (_, Some(_)) => return Err(JobError::NoGroup),
        (_, None) => {}
    }
    let users = selection::find(ctx, selection)?;
    let id = ctx.platform.new_id().to_string();
    store::create(ctx, &NewJob { id: &id, action, group_id, users: &users })?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    read(ctx, &id)
}

/// A job whose action the caller might carry out.
///
/// # Errors
/// [`JobError`]
pub fn read(ctx: &Context, id: &str) -> Result<Job, JobError> {
    allowed(ctx, listing::find(ctx, id)?)
}

fn allowed(ctx: &Context, job: Option<Job>) -> Result<Job, JobError> {
    let job = job.ok_or(JobError::NotFound)?;
    if ctx.scopes.has(job.action.scope()) { Ok(job) } else { Err(JobError::Scope(job.action)) }
}

/// The actions whose jobs the caller sees.
#[must_use]
pub fn visible_actions(ctx: &Context) -> Vec<JobAction> {
    JobAction::ALL.iter().copied().filter(|action| ctx.scopes.has(action.scope())).collect()
}

/// Stops a job: the step that is being taken is the last. One that is stopped already stays so.
///
/// # Errors
/// [`JobError`]
pub fn stop(ctx: &Context, id: &str) -> Result<Job, JobError> {
    read(ctx, id)?;
    switched(store::stop(ctx, id)?)
}

/// Resumes a job that was stopped or has failed.
///
/// # Errors
/// [`JobError`]
pub fn resume(ctx: &Context, id: &str) -> Result<Job, JobError> {
    read(ctx, id)?;
    let job = switched(store::resume(ctx, id)?)?;
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(job)
}

fn switched(switched: Switched) -> Result<Job, JobError> {
    match switched {
        Switched::Done(job) => Ok(job),
        Switched::Over(job) => Err(JobError::Over(job.state.as_str())),
        Switched::NotFound => Err(JobError::NotFound),
    }
}
