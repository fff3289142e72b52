//! Passwords that an administrator or a client sends. They answer for its strength beyond length; people who choose their
//! own are held to the whole policy (`invite/redeem.rs`).

use crate::access::hash_limiter::HashLimiter;
use crate::access::password;
use crate::access::password_policy::{self, Weakness};
use crate::model::context::UnitOfWork;
use crate::provision::ProvisionError;
use scim::error::Error as ScimError;

/// Seconds after which passwords that one request did not hash may be sent in another: hashing the others took one.
const RETRY_SECONDS: u32 = 1;

/// The hash of a password sent over SCIM.
///
/// # Errors
/// 400 `invalidValue` with WSO2's code for the policy; `Busy`; `TooOften` when the request has hashed its share.
pub fn hash(ctx: &impl UnitOfWork, gate: &HashLimiter, password: &str) -> Result<String, ProvisionError> {
    let minimum = ctx.settings().password_min_length;
    let problem = password_policy::weaknesses(password, minimum, &[]).into_iter().find_map(|weakness| match weakness {
        Weakness::TooShort(least) => Some(format!("20035 - The password needs at least {least} characters.")),
        Weakness::TooLong => Some(format!("20035 - The password is longer than {} bytes.", password::MAX_BYTES)),
        Weakness::Unprintable => Some("20035 - The password has a control character.".to_owned()),
        Weakness::Empty => Some("20035 - The password is empty.".to_owned()),
        // The last passwords are not looked at here: a client that sends the same user again must not fail.
        Weakness::Common | Weakness::Obvious(_) | Weakness::Repeated | Weakness::Blank | Weakness::Used => None,
    });
    if let Some(problem) = problem {
        return Err(ScimError::invalid_value(problem).into());
    }
    if !gate.may_hash() {
        let detail =
            "This request hashes no more passwords, and nothing of this operation was done: send it in another one.";
        return Err(ProvisionError::TooOften { seconds: RETRY_SECONDS, detail });
    }
    let _place = gate.enter().ok_or(ProvisionError::Busy)?;
    let hash = password::hash(password, &*ctx.platform().entropy);
    hash.ok_or_else(|| ScimError::invalid_value("The password cannot be hashed.").into())
}
