//! Jobs: an action on many users, and what becomes of each of them.

use crate::base::scope::Scope;
use crate::base::text_enum::text_enum;
use crate::ports::Millis;

/// The most users of a job.
pub const MAX_ROWS: usize = 50_000;
/// The most ids that a request names.
pub const MAX_IDS: usize = 5_000;

/// How long the deletion of one user can be undone on the console, in milliseconds.
pub const UNDO_TIME: Millis = 60_000;

/// Why nothing is done to a user who awaits their deletion.
pub const AWAITS_DELETION: &str =
    "The user is about to be deleted, as somebody asked for on the console: undo that there first.";

/// What is done to each user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAction {
    /// The invitation is sent again.
    Resend,
    /// The invitation is withdrawn.
    Revoke,
    /// The account is locked.
    Lock,
    /// The account is unlocked.
    Unlock,
    /// The account is disabled.
    Disable,
    /// The account is enabled.
    Enable,
    /// The user is deleted.
    Delete,
    /// The user becomes a member of a group.
    AddToGroup,
    /// The user that a row of a file describes is created, or met as the job says.
    Import,
    /// The user becomes a row of a file.
    Export,
}

text_enum!(JobAction {
    Resend = "resend",
    Revoke = "revoke",
    Lock = "lock",
    Unlock = "unlock",
    Disable = "disable",
    Enable = "enable",
    Delete = "delete",
    AddToGroup = "addToGroup",
    Import = "import",
    Export = "export",
});

impl JobAction {
    /// The scope that the action takes, as it does for one user.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self {
            Self::Resend | Self::Revoke | Self::Import => Scope::Invitations,
            Self::Export => Scope::ScimRead,
            _ => Scope::ScimWrite,
        }
    }
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It is being worked off.
    Running,
    /// It was stopped, and can be resumed.
    Stopped,
    /// All of its rows are worked off.
    Done,
    /// It could not go on.
    Failed,
}

text_enum!(JobState { Running = "running", Stopped = "stopped", Done = "done", Failed = "failed" });

/// The state of a row of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// It is not worked off yet.
    Waiting,
    /// The action was carried out.
    Done,
    /// The action was refused.
    Failed,
    /// There was nothing to do, or the user has changed since.
    Skipped,
}

text_enum!(RowState { Waiting = "waiting", Done = "done", Failed = "failed", Skipped = "skipped" });

/// A job as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is done to each user.
    pub action: JobAction,
    /// The group, of an addition to one.
    pub group_id: Option<String>,
    /// The state.
    pub state: JobState,
    /// Why it stopped or failed by itself.
    pub reason: Option<String>,
    /// The number of users.
    pub total: u32,
    /// The users to whom it was done.
    pub done: u32,
    /// The users to whom it was refused.
    pub failed: u32,
    /// The users who were passed over.
    pub skipped: u32,
    /// When it was confirmed.
    pub created: Millis,
    /// Of the deletion of one user that can be undone: until when.
    pub undo_until: Option<Millis>,
}

/// Why there is nothing to do to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// There is no such user.
    Gone,
    /// It is the user who asks for it.
    Oneself,
    /// The invitation has been accepted.
    Accepted,
    /// There was no invitation.
    NeverInvited,
    /// They are about to be deleted.
    Deletion,
    /// Their deletion was undone.
    Undone,
    /// The account is disabled.
    Disabled,
    /// An administrator has locked the account.
    Locked,
    /// There is no address.
    NoAddress,
    /// The invitation was sent as often as the limit allows.
    Limit,
    /// The invitation was revoked already.
    Revoked,
    /// No administrator has locked the account.
    NotLocked,
    /// The account is enabled.
    Enabled,
    /// The user is a member already.
    Member,
}

impl Obstacle {
    /// What stands against `action`, and what to do instead.
    #[must_use]
    pub fn reason(self, action: JobAction) -> &'static str {
        match (self, action) {
            (Self::Gone, _) => "There is no user with this id.",
            (Self::Oneself, _) => "Nobody locks, disables or deletes themselves by a job.",
            (Self::Accepted, JobAction::Revoke) => "The invitation has been accepted: there is nothing to revoke.",
            (Self::Accepted, _) => "The invitation has been accepted: there is nothing to send again.",
            (Self::NeverInvited, JobAction::Revoke) => "This user was never invited: there is nothing to revoke.",
            (Self::NeverInvited, _) => "This user was never invited: there is nothing to send again.",
            (Self::Deletion, _) => AWAITS_DELETION,
            (Self::Undone, _) => "The deletion was undone.",
            (Self::Disabled, JobAction::Resend) => {
                "The account is disabled: set active to true first, which sends a new invitation by itself unless it was \
                 revoked."
            }
            (Self::Disabled, _) => "The account is disabled already.",
            (Self::Locked, JobAction::Resend) => {
                "An administrator has locked the account: set accountLocked to false first, which sends a new invitation \
                 by itself unless it was revoked."
            }
            (Self::Locked, _) => "An administrator has locked the account already.",
            (Self::NoAddress, _) => "The user has no e-mail address: add one to emails, which sends a new invitation.",
            (Self::Limit, _) => {
                "This invitation was sent again as often as RATE_LIMITS allows for now: try again later."
            }
            (Self::Revoked, _) => "The invitation has been revoked already.",
            (Self::NotLocked, _) => "No administrator has locked the account.",
            (Self::Enabled, _) => "The account is enabled already.",
            (Self::Member, _) => "The user is a member of the group already.",
        }
    }
}
