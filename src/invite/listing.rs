//! Invitations as `/api/invitations` shows them.

use serde_json::{Value as Json, json};

use crate::base::account::Onboarding;
use crate::base::text::rfc3339;
use crate::model::mail::TemplateType;
use crate::model::resource::Resource;
use crate::ports::Millis;

/// The largest page.
pub const MAX_COUNT: u32 = 1_000;
/// The page of a request that names no size.
pub const DEFAULT_COUNT: u32 = 100;

/// An invitation as `/api/invitations` shows it (DESIGN 2.5).
#[must_use]
pub fn to_json(user: &Resource, now: Millis) -> Json {
    let account = &user.account;
    let invitation = user.invitation.as_ref();
    let expires_at = invitation.and_then(|invitation| invitation.expires_at);
    let seconds = |millis: Millis| u64::try_from(millis / 1000).unwrap_or_default();
    // An invitation from before the template was kept: the kind, at least, follows from what is yet to be done.
    let template = invitation.and_then(|invitation| invitation.template).unwrap_or(match account.onboarding {
        Onboarding::EmailVerification => TemplateType::EmailConfirm,
        _ => TemplateType::AskPassword,
    });
    let mut shown = json!({
        "userId": user.id,
        "userName": user.user_name(),
        "email": account.email,
        "template": template.name(),
        "status": account.invitation_status(invitation.is_some(), expires_at.map(seconds), seconds(now)),
        "delivery": invitation.map(|invitation| invitation.delivery.as_str()),
        "sentAt": invitation.and_then(|invitation| invitation.sent_at).map(rfc3339),
        "expiresAt": expires_at.filter(|at| *at != 0).map(rfc3339),
        "attempts": invitation.map(|invitation| invitation.attempts),
    });
    if let Some(delivered_at) = invitation.and_then(|invitation| invitation.delivered_at) {
        shown["deliveredAt"] = json!(rfc3339(delivered_at));
    }
    shown
}
