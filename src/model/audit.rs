//! What the audit names: the actions.

use crate::model::resource::{GROUP, USER};

/// An action, as the audit names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A user was created.
    UserCreate,
    /// A user was changed.
    UserUpdate,
    /// A user asked for another e-mail address of their own.
    UserAddress,
    /// The deletion of a user was asked for on the console, where it can be undone for a while.
    UserDeletion,
    /// It was undone.
    UserDeletionUndo,
    /// A user was deleted.
    UserDelete,
    /// A group was created.
    GroupCreate,
    /// A group, or its members, were changed.
    GroupUpdate,
    /// A group was deleted.
    GroupDelete,
    /// A resource of a tenant's own type was created.
    ResourceCreate,
    /// A resource of a tenant's own type was changed.
    ResourceUpdate,
    /// A resource of a tenant's own type was deleted.
    ResourceDelete,
    /// An invitation was made.
    InvitationCreate,
    /// An invitation was sent again.
    InvitationResend,
    /// An invitation was sent again as a reminder.
    InvitationRemind,
    /// An invitation was withdrawn.
    InvitationRevoke,
    /// A link was given to a caller instead of being mailed.
    InvitationLink,
    /// A link was used.
    InvitationRedeem,
    /// Somebody asked for a link to a new password, and was mailed.
    PasswordRecover,
    /// A new password was set by a link.
    PasswordReset,
    /// A tenant was created.
    TenantCreate,
    /// A tenant was let in again.
    TenantActivate,
    /// A tenant was shut out.
    TenantDeactivate,
    /// A tenant's settings were changed.
    SettingsUpdate,
    /// A schema was registered, or an extension by one.
    SchemaCreate,
    /// A schema was removed.
    SchemaDelete,
    /// A resource type was registered.
    ResourceTypeCreate,
    /// A resource type was removed.
    ResourceTypeDelete,
    /// A mail template was stored.
    TemplateUpdate,
    /// A mail template was removed.
    TemplateDelete,
    /// A mail that had ended unsent was queued again.
    MailRetry,
    /// Somebody mailed a template to themselves.
    MailTest,
    /// An action on many users was confirmed.
    JobCreate,
    /// A job was stopped.
    JobStop,
    /// A job was resumed.
    JobResume,
    /// An API token was made.
    TokenCreate,
    /// An API token was revoked.
    TokenRevoke,
    /// Rows of the audit were taken as they are, to be sealed anew.
    AuditAccept,
    /// Somebody signed in to the console, or failed to sign in anywhere.
    SignIn,
    /// Somebody signed out of the console.
    SignOut,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::UserCreate,
        Self::UserUpdate,
        Self::UserAddress,
        Self::UserDeletion,
        Self::UserDeletionUndo,
        Self::UserDelete,
        Self::GroupCreate,
        Self::GroupUpdate,
        Self::GroupDelete,
        Self::ResourceCreate,
        Self::ResourceUpdate,
        Self::ResourceDelete,
        Self::InvitationCreate,
        Self::InvitationResend,
        Self::InvitationRemind,
        Self::InvitationRevoke,
        Self::InvitationLink,
        Self::InvitationRedeem,
        Self::PasswordRecover,
        Self::PasswordReset,
        Self::TenantCreate,
        Self::TenantActivate,
        Self::TenantDeactivate,
        Self::SettingsUpdate,
        Self::SchemaCreate,
        Self::SchemaDelete,
        Self::ResourceTypeCreate,
        Self::ResourceTypeDelete,
        Self::TemplateUpdate,
        Self::TemplateDelete,
        Self::MailRetry,
        Self::MailTest,
        Self::TokenCreate,
        Self::TokenRevoke,
        Self::AuditAccept,
        Self::SignIn,
        Self::SignOut,
    ];

    /// The creation of a resource of this type.
    #[must_use]
    pub fn create(type_name: &str) -> Self {
        match type_name {
            USER => Self::UserCreate,
            GROUP => Self::GroupCreate,
            _ => Self::ResourceCreate,
        }
    }

    /// A change of a resource of this type.
    #[must_use]
    pub fn update(type_name: &str) -> Self {
        match type_name {
            USER => Self::UserUpdate,
            GROUP => Self::GroupUpdate,
            _ => Self::ResourceUpdate,
        }
    }

    /// The deletion of a resource of this type.
    #[must_use]
    pub fn delete(type_name: &str) -> Self {
        match type_name {
            USER => Self::UserDelete,
            GROUP => Self::GroupDelete,
            _ => Self::ResourceDelete,
        }
    }

    /// The name in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserCreate => "user.create",
            Self::UserUpdate => "user.update",
            Self::UserAddress => "user.address",
            Self::UserDeletion => "user.deletion",
            Self::UserDeletionUndo => "user.deletion.undo",
            Self::UserDelete => "user.delete",
            Self::GroupCreate => "group.create",
            Self::GroupUpdate => "group.update",
            Self::GroupDelete => "group.delete",
            Self::ResourceCreate => "resource.create",
            Self::ResourceUpdate => "resource.update",
            Self::ResourceDelete => "resource.delete",
            Self::InvitationCreate => "invitation.create",
            Self::InvitationResend => "invitation.resend",
            Self::InvitationRemind => "invitation.remind",
            Self::InvitationRevoke => "invitation.revoke",
            Self::InvitationLink => "invitation.link",
            Self::InvitationRedeem => "invitation.redeem",
            Self::PasswordRecover => "password.recover",
            Self::PasswordReset => "password.reset",
            Self::TenantCreate => "tenant.create",
            Self::TenantActivate => "tenant.activate",
            Self::TenantDeactivate => "tenant.deactivate",
            Self::SettingsUpdate => "settings.update",
            Self::SchemaCreate => "schema.create",
            Self::SchemaDelete => "schema.delete",
            Self::ResourceTypeCreate => "resourcetype.create",
            Self::ResourceTypeDelete => "resourcetype.delete",
            Self::TemplateUpdate => "template.update",
            Self::TemplateDelete => "template.delete",
            Self::MailRetry => "mail.retry",
            Self::MailTest => "mail.test",
            Self::JobCreate => "job.create",
            Self::JobStop => "job.stop",
            Self::JobResume => "job.resume",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::AuditAccept => "audit.accept",
            Self::SignIn => "signin",
            Self::SignOut => "signout",
        }
    }
}
