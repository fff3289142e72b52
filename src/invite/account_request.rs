//! What a client says about an account rather than about the person, taken out of a user's document: the password, the
//! invitation flags, and WSO2's attributes (which older servers have in the enterprise extension; the schema's aliases
//! lead both to one place).

use serde_json::{Map, Value as Json, json};

use crate::base::secret::Secret;
use crate::model::resource::{INVITATION_SCHEMA, WSO2_SCHEMA};
use scim::patch::Patch;
use scim::resource::{self, Document};
use scim::schema::ResourceType;

/// What a request asks of an account. `None`: nothing was said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRequest {
    /// `askPassword`
    pub ask_password: bool,
    /// `verifyEmail`
    pub verify_email: bool,
    /// `password`
    pub password: Option<Secret>,
    /// `accountLocked`
    pub locked: Option<bool>,
    /// `active`, inverted, or `accountDisabled`
    pub disabled: bool,
    /// `emailVerified`
    pub email_verified: Option<bool>,
    /// Whether `pendingEmails` has an address: the one that waits, since nobody writes it.
    pub pending_email: bool,
    /// The attributes that the client named itself.
    pub explicit: ExplicitFields,
}

/// The attributes that a PATCH names and does not merely send back. A PUT sends the whole user, so that what it says is so already may be
/// what was read; a PATCH that sends back what is read-only as well is taken for the same. Such an echo says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExplicitFields {
    /// `accountLocked`
    pub locked: bool,
    /// `emailVerified`
    pub email_verified: bool,
    /// `emails`
    pub emails: bool,
    /// `pendingEmails`
    pub pending_email: bool,
}

impl ExplicitFields {
    /// The attributes that `patch` names.
    #[must_use]
    pub fn from_patch(patch: &Patch) -> Self {
        let touches = |name: &str| patch.touches(&format!("{WSO2_SCHEMA}:{name}"));
        // Nobody who writes a single attribute sends one that is derived from it.
        let echoes = touches("accountState") || touches("lockedReason");
        let pending_email = touches("pendingEmails");
        Self {
            locked: touches("accountLocked") && !echoes,
            email_verified: touches("emailVerified") && !echoes,
            emails: patch.touches("emails") && !echoes && !pending_email,
            pending_email,
        }
    }
}

impl AccountRequest {
    /// Takes the request about the account, and everything that is derived on reading, out of a document.
    #[must_use]
    pub fn take(resource_type: &ResourceType, document: &mut Document) -> Self {
        let mut secrets = resource::take_secrets(resource_type, document);
        let flag = |holder: &Document, name: &str| {
            holder.get(WSO2_SCHEMA).is_some_and(|extension| extension[name] == Json::Bool(true))
        };
        let mut request = Self {
            ask_password: flag(&secrets, "askPassword"),
            verify_email: flag(&secrets, "verifyEmail"),
            password: secrets.shift_remove("password").and_then(|value| value.as_str().map(Secret::new)),
            ..Self::default()
        };
        for derived in ["id", "meta", "groups", INVITATION_SCHEMA] {
            document.shift_remove(derived);
        }
        let mut account_disabled = None;
        if let Some(Json::Object(extension)) = document.get_mut(WSO2_SCHEMA) {
            let mut take = |name: &str| extension.shift_remove(name).and_then(|value| value.as_bool());
            request.locked = take("accountLocked");
            request.email_verified = take("emailVerified");
            account_disabled = take("accountDisabled");
            for derived in ["accountState", "lockedReason"] {
                extension.shift_remove(derived);
            }
            request.pending_email = extension.shift_remove("pendingEmails").is_some();
            if extension.is_empty() {
                document.shift_remove(WSO2_SCHEMA);
            }
        }
        if let Some(disabled) = account_disabled {
            document.insert("active".to_owned(), json!(!disabled));
        }
        request.disabled = document.get("active") == Some(&Json::Bool(false));
        request
    }
}

/// Sets `schemas`, once it is known which extensions the user will show: first in the document, as readers expect it.
pub fn set_schemas(document: &mut Document, shows_account: bool, invited: bool) {
    document.shift_remove("schemas");
    let mut schemas = vec!["urn:ietf:params:scim:schemas:core:2.0:User".to_owned()];
    schemas.extend(document.keys().filter(|name| name.contains(':') && *name != WSO2_SCHEMA).cloned());
    if shows_account || document.contains_key(WSO2_SCHEMA) {
        schemas.push(WSO2_SCHEMA.to_owned());
    }
    if invited {
        schemas.push(INVITATION_SCHEMA.to_owned());
    }
    let mut ordered = Map::new();
    ordered.insert("schemas".to_owned(), Json::from(schemas));
    ordered.append(document);
    *document = ordered;
}
