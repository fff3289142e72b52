//! A resource: its row in `resources`, and how it is shown.
//!
//! The stored document is what the client wrote, ready to be shown: reading splices in the id, what is derived, and
//! `meta`, without parsing it again. A user's account is columns of its own, because conditional writes depend on them.

mod stored;

pub use stored::{MAX_DOCUMENT, stored_text};

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::base::account::{Account, Lock, Onboarding};
use crate::base::text::rfc3339;
use crate::model::context::UnitOfWork;
use crate::model::mail::{Delivery, TemplateType};
use crate::model::member::{self, Member};
use crate::ports::Millis;
use scim::projection::Projection;
use scim::resource as document;
use scim::resource::Document;
use scim::schema::{Attribute, ResourceType, Returned};

/// The name of the resource type of users, the only one with an account.
pub const USER: &str = "User";
/// The name of the resource type of groups, the only one with members.
pub const GROUP: &str = "Group";
/// The extension under which WSO2's attributes are shown.
pub const WSO2_SCHEMA: &str = "urn:scim:wso2:schema";
/// The extension under which the invitation is shown.
pub const INVITATION_SCHEMA: &str = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";

/// What users may not change about themselves: who they are to others, and what they may do.
const NOT_OWN: &[&str] = &["userName", "externalId", "active", "userType", "roles", "entitlements", "x509Certificates"];

/// Whether a user's attribute is for others to write: what is not, they may have chosen themselves.
#[must_use]
pub fn is_others_to_write(name: &str) -> bool {
    NOT_OWN.contains(&name) || name.contains(':')
}

/// What became of a user's invitation, as the sender last left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invitation {
    /// The mail it went out with.
    pub template: Option<TemplateType>,
    /// The state of its delivery.
    pub delivery: Delivery,
    /// The number of attempts to send it.
    pub attempts: u32,
    /// The time the provider accepted it.
    pub sent_at: Option<Millis>,
    /// The time the provider said that it arrived.
    pub delivered_at: Option<Millis>,
    /// The time its link expires; 0 for never; unknown until the mail is first rendered.
    pub expires_at: Option<Millis>,
}

/// A resource as stored.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The id, a UUID in its hyphenated form.
    pub id: String,
    /// The document, JSON text: `schemas` first, without `id`, `meta` and what is derived.
    pub document: String,
    /// `meta.version`.
    pub version: i64,
    /// `meta.created`.
    pub created: Millis,
    /// `meta.lastModified`.
    pub modified: Millis,
    /// Onboarding, lock and links; the default for what is no user.
    pub account: Account,
    /// The invitation, if there ever was one.
    pub invitation: Option<Invitation>,
    /// The groups it is in, as a JSON array of `value`, `display` and `type`; `None` where they were not asked for.
    pub groups: Option<String>,
}

impl Resource {
    /// The weak entity tag of `meta.version`.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// The stored document, parsed.
    #[must_use]
    pub fn attributes(&self) -> Document {
        serde_json::from_str(&self.document).unwrap_or_default()
    }

    /// The user name.
    #[must_use]
    pub fn user_name(&self) -> String {
        self.attributes().get("userName").and_then(Json::as_str).unwrap_or_default().to_owned()
    }

    /// The address of this resource below `base`.
    #[must_use]
    pub fn location(&self, base: &str, resource_type: &ResourceType) -> String {
        format!("{base}/scim2{}/{}", resource_type.endpoint, self.id)
    }

    /// Whether a user has more to say about the account than `active` does: a plain one shows no WSO2 attributes, since
    /// strict clients stumble over what they did not write.
    #[must_use]
    pub fn shows_account(&self) -> bool {
        let Account { onboarding, lock, email_verified, .. } = self.account;
        let waits = self.account.pending_email.is_some();
        self.invitation.is_some() || onboarding != Onboarding::None || lock != Lock::None || email_verified || waits
            // That they are disabled says more than `active` then: who reads it is not to wonder why a write is refused.
            || self.account.deletion.is_some()
    }

    /// The URNs in the stored document's `schemas`: with it every document begins, and whoever writes one computes it from
    /// the extensions that have values (`scim::resource::arrange`). `None` for a document that begins otherwise.
    fn stored_schemas(&self) -> Option<impl Iterator<Item = &str>> {
        let urns = self.document.strip_prefix("{\"schemas\":[")?.split(']').next()?;
        Some(urns.split(',').map(|urn| urn.trim_matches('"')))
    }

    /// Whether a client may see the stored document as it is, with what is derived after it: its schemas are all still
    /// there, none of its extensions is one that is derived too, and nothing in it is returned `never` or only on
    /// `request`.
    ///
    /// Hidden attributes are looked for by the text of the document, though what writes it takes a password out: that no
    /// secret is shown is not to depend on that. The text is compact JSON, in whose strings a quote follows a backslash,
    /// so that it has `"name":` wherever the document has a member of that name; if it ever had it elsewhere, the document
    /// would be parsed to the same effect.
    fn is_shown_as_stored(&self, resource_type: &ResourceType) -> bool {
        let Some(mut schemas) = self.stored_schemas() else { return false };
        let known = |urn: &str| *urn == *resource_type.schema.id || resource_type.extension(urn).is_some();
        let has = |attribute: &Attribute| self.document.contains(&format!("\"{}\":", attribute.name));
        let hides = |attribute: &Attribute| matches!(attribute.returned, Returned::Never | Returned::Request);
        schemas.all(|urn| known(urn) && urn != WSO2_SCHEMA)
            && !resource_type
                .places()
                .flat_map(|(_, attribute)| attribute.sub_attributes.iter().chain([attribute]))
                .any(|attribute| hides(attribute) && has(attribute))
    }

    /// The resource as a SCIM client sees it, with a group's members if they are given.
    #[must_use]
    pub fn render(
        &self,
        ctx: &impl UnitOfWork,
        resource_type: &ResourceType,
        members: Option<&[Member]>,
        projection: &Projection,
    ) -> String {
        let mut text = self.render_document(ctx, resource_type, projection);
        if let Some(members) = members.and_then(|members| member::render(members, &ctx.base(), projection)) {
            text.pop();
            text.reserve_exact(members.len() + r#","members":}"#.len());
            text.push_str(r#","members":"#);
            text.push_str(&members);
            text.push('}');
        }
        text
    }

    fn render_document(&self, ctx: &impl UnitOfWork, resource_type: &ResourceType, projection: &Projection) -> String {
        let derived = self.derived(ctx, resource_type);
        if projection.is_default() && self.is_shown_as_stored(resource_type) {
            let inner = self.document.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
            let derived = Json::Object(derived).to_string();
            let mut text = String::with_capacity(self.document.len() + derived.len() + 64);
            text.push_str("{\"id\":\"");
            text.push_str(&self.id);
            text.push_str("\",");
            text.push_str(inner);
            text.push(',');
            text.push_str(&derived[1..]);
            return text;
        }
        let mut document = self.merged(derived);
        projection.apply(&mut document);
        Json::Object(document).to_string()
    }

    /// The whole document, with everything derived but a group's members: what a PATCH applies to, and what a filter means.
    #[must_use]
    pub fn whole(&self, ctx: &impl UnitOfWork, resource_type: &ResourceType) -> Document {
        let mut document = self.merged(self.derived(ctx, resource_type));
        document::arrange(resource_type, &mut document);
        document
    }

    fn merged(&self, derived: Document) -> Document {
        let mut document = Document::new();
        document.insert("id".to_owned(), json!(self.id));
        document.extend(self.attributes());
        for (name, value) in derived {
            match (document.get_mut(&name), value) {
                (Some(Json::Object(stored)), Json::Object(value)) => stored.extend(value),
                (_, value) => {
                    document.insert(name, value);
                }
            }
        }
        document
    }

    /// What is not stored in the document, besides members: groups, the account, the invitation and `meta`.
    fn derived(&self, ctx: &impl UnitOfWork, resource_type: &ResourceType) -> Document {
        let base = ctx.base();
        let mut derived = Document::new();
        if resource_type.name == USER {
            let groups = self.groups_shown(&base);
            if !groups.is_empty() {
                derived.insert("groups".to_owned(), Json::from(groups));
            }
            self.derive_account(ctx, &mut derived);
        }
        let meta = json!({
            "resourceType": resource_type.name,
            "created": rfc3339(self.created),
            "lastModified": rfc3339(self.modified),
            "location": self.location(&base, resource_type),
            "version": self.etag(),
        });
        derived.insert("meta".to_owned(), meta);
        derived
    }

    /// `groups` with addresses; a group met on several ways is shown once, direct if it is that on any of them.
    fn groups_shown(&self, base: &str) -> Vec<Json> {
        let listed: Vec<Json> =
            self.groups.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut shown: Vec<Json> = Vec::with_capacity(listed.len());
        let mut places: HashMap<String, usize> = HashMap::with_capacity(listed.len());
        for mut group in listed {
            let id = group["value"].as_str().unwrap_or_default().to_owned();
            match places.get(&id).and_then(|place| shown.get_mut(*place)) {
                Some(other) if group["type"] == "direct" => other["type"] = json!("direct"),
                Some(_) => {}
                None => {
                    group["$ref"] = json!(format!("{base}/scim2/Groups/{id}"));
                    places.insert(id, shown.len());
                    shown.push(group);
                }
            }
        }
        shown
    }

    fn derive_account(&self, ctx: &impl UnitOfWork, derived: &mut Document) {
        let account = &self.account;
        if self.shows_account() {
            let mut wso2 = json!({
                "accountState": account.state().as_str(),
                "accountLocked": account.is_locked(),
                "emailVerified": account.email_verified,
            });
            if let Some(reason) = account.locked_reason() {
                wso2["lockedReason"] = json!(reason);
            }
            if let Some(pending) = &account.pending_email {
                wso2["pendingEmails"] = json!([{ "value": pending }]);
            }
            derived.insert(WSO2_SCHEMA.to_owned(), wso2);
        }
        let expires_at = self.invitation.as_ref().and_then(|invitation| invitation.expires_at);
        let expiry_seconds = expires_at.map(|millis| u64::try_from(millis / 1000).unwrap_or_default());
        let status = account.invitation_status(self.invitation.is_some(), expiry_seconds, ctx.now_seconds());
        if let (Some(invitation), Some(status)) = (&self.invitation, status) {
            let mut shown = json!({
                "status": status,
                "delivery": invitation.delivery.as_str(),
                "attempts": invitation.attempts,
            });
            if let Some(sent_at) = invitation.sent_at {
                shown["sentAt"] = json!(rfc3339(sent_at));
            }
            if let Some(delivered_at) = invitation.delivered_at {
                shown["deliveredAt"] = json!(rfc3339(delivered_at));
            }
            if let Some(expires_at) = expires_at.filter(|at| *at != 0) {
                shown["expiresAt"] = json!(rfc3339(expires_at));
            }
            derived.insert(INVITATION_SCHEMA.to_owned(), shown);
        }
    }
}
