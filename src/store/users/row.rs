//! A user as a list shows them.

use crate::base::account::{Lock, Onboarding};
use crate::model::mail::Delivery;
use crate::ports::{DatabaseError, Millis, Row};
use crate::store::users::UserStatus;

/// The columns of a candidate: what is shown of a user, and what filters ask for.
pub(super) const COLUMNS: &str = "r.tenant AS tenant, r.id AS id, r.name_key AS name_key, r.full_key AS full_key, \
    r.family_key AS family_key, r.display_key AS display_key, r.invitation AS invitation, r.expiry_key AS expiry_key, \
    r.account_state AS account_state, r.delivery AS delivery, r.sent_at AS sent_at, \
    CASE WHEN r.delivered_at >= r.sent_at THEN r.delivered_at END AS delivered_at, r.expires_at AS expires_at, \
    r.deletion_at AS deletion_at, r.onboarding AS onboarding, r.lock AS lock, r.disabled AS disabled, r.document ->> '$.userName' AS user_name, \
    r.document ->> '$.name.givenName' AS given, r.document ->> '$.name.familyName' AS family, \
    COALESCE(r.document ->> '$.displayName', r.document ->> '$.name.formatted') AS shown, \
    COALESCE(r.email, r.document ->> '$.emails[0].value') AS address";

/// A user as a list shows them. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct ListedUser {
    /// The id.
    pub id: String,
    /// The user name, with the domain of the user store.
    pub user_name: String,
    /// Given and family name, or else what they are called; empty where nobody has said.
    pub name: String,
    /// The address that invitations go to, or else the first; empty for none.
    pub address: String,
    /// What is true of them, of what a list can be filtered by: the account's state first.
    pub states: Vec<UserStatus>,
    /// What became of the mail of the latest invitation.
    pub delivery: Option<Delivery>,
    /// When the provider took that mail.
    pub sent_at: Option<Millis>,
    /// When the provider said that it arrived.
    pub delivered_at: Option<Millis>,
    /// When the invitation ends; `Some(0)` for never, `None` where there is none to end or that is not known yet.
    pub expires_at: Option<Millis>,
    /// When they are deleted, where somebody has asked for it.
    pub deletion_at: Option<Millis>,
}

impl ListedUser {
    /// Reads a row of [`COLUMNS`].
    pub(super) fn read(row: &Row, now: Millis) -> Result<Self, DatabaseError> {
        let text = |column: &str| {
            Ok::<_, DatabaseError>(row.read_optional_text(column)?.unwrap_or_default().trim().to_owned())
        };
        let (given, family) = (text("given")?, text("family")?);
        let name = match (given.is_empty(), family.is_empty()) {
            (false, false) => format!("{given} {family}"),
            (true, true) => text("shown")?,
            _ => given + &family,
        };
        let delivery = row.read_optional_text("delivery")?.and_then(Delivery::parse);
        let expires_at = row.read_optional_integer("expires_at")?;
        Ok(Self {
            id: text("id")?,
            user_name: text("user_name")?,
            name,
            address: text("address")?,
            states: states(row, expires_at, now)?,
            delivery,
            deletion_at: row.read_optional_integer("deletion_at")?,
            delivered_at: row.read_optional_integer("delivered_at")?,
            sent_at: row.read_optional_integer("sent_at")?,
            expires_at: if text("onboarding")? == Onboarding::None.as_str() { None } else { expires_at },
        })
    }
}

/// Whatever of [`UserStatus`] is true of a user.
fn states(row: &Row, expires_at: Option<Millis>, now: Millis) -> Result<Vec<UserStatus>, DatabaseError> {
    let invitation = match row.read_optional_text("invitation")? {
        Some("accepted") => Some(UserStatus::Accepted),
        Some("revoked") => Some(UserStatus::Revoked),
        Some(_) if expires_at.is_some_and(|at| at > 0 && at <= now) => Some(UserStatus::Expired),
        Some(_) => Some(UserStatus::Pending),
        // Whoever is to set a password without having been invited waits all the same.
        None if row.read_text("onboarding")? != Onboarding::None.as_str() => Some(UserStatus::Pending),
        None => None,
    };
    let account = match (row.read_integer("disabled")? != 0, row.read_text("lock")?) {
        (true, _) => Some(UserStatus::Disabled),
        (false, lock) if lock == Lock::Admin.as_str() => Some(UserStatus::Locked),
        _ if row.read_optional_text("account_state")? == Some("unlocked") => Some(UserStatus::Active),
        _ => None,
    };
    let bounced = (row.read_optional_text("delivery")? == Some("bounced")).then_some(UserStatus::Bounced);
    Ok(account.into_iter().chain(invitation).chain(bounced).collect())
}
