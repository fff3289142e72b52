//! What a write of a resource is asked to make: the resource, its members, and the mail that is due with it.

use std::sync::Arc;

use crate::base::address::Address;
use crate::model::code::Code;
use crate::model::mail::TemplateType;
use crate::model::resource::Resource;
use crate::ports::Millis;
use scim::schema::ResourceType;

/// A mail that a write makes due, for the user it writes.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// The mail's type.
    pub template: TemplateType,
    /// Its recipient.
    pub recipient: Address,
    /// The inviter, as the mail names them.
    pub invited_by: Option<String>,
    /// The address that is to take the place of the user's present one, where the mail is about that.
    pub new_email: Option<Address>,
    /// When its link ends, in seconds, where that is not as the setting says.
    pub ends_at: Option<u64>,
}

/// A member to be, as the client named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// The id of a user or a group.
    pub id: String,
    /// The client's own name for it.
    pub display: Option<String>,
    /// The type that it has by the `$ref` that stands for its id; `None` where the client named the id itself.
    pub referred_as: Option<&'static str>,
    /// Whether it is known to be a group.
    pub is_group: bool,
}

/// A resource to be created.
#[derive(Clone, Debug)]
pub struct NewResource {
    /// The number of the user store that it is created in, and whose id it has; `None` for PRIMARY.
    pub store: Option<u16>,
    /// Its type.
    pub resource_type: Arc<ResourceType>,
    /// Itself, at version 1.
    pub resource: Resource,
    /// The hash of its password.
    pub password_hash: Option<String>,
    /// Its invitation.
    pub mail: Option<NewMail>,
    /// The code of its invitation, where the caller sends it on.
    pub code: Option<Code>,
    /// Its members, which exist.
    pub members: Vec<NewMember>,
    /// The ids of the groups that a user joins. One that is gone by then is passed over, as if it had gone just after.
    pub groups: Vec<String>,
    /// The job that imports it.
    pub import: Option<String>,
}

impl NewResource {
    /// Has the invitation end then, and not as the setting says; milliseconds. Nothing where nobody is invited.
    pub fn end_invitation_at(&mut self, at: Millis) {
        let seconds = u64::try_from(at / 1000).unwrap_or_default();
        if let Some(mail) = &mut self.mail {
            mail.ends_at = Some(seconds);
        }
        if let Some(code) = &mut self.code {
            code.expires_at = seconds;
        }
        if let Some(invitation) = &mut self.resource.invitation {
            invitation.expires_at = Some(at);
        }
    }
}
