//! The ready-made sentences of the mails.
//!
//! They exist because templates have no conditions: what depends on whether something is known is chosen here.

/// Slots: `{name}` given name, `{inviter}`, `{organization}`, `{when}` a moment, `{duration}`, `{contact}` an
/// address to write to.
pub struct Phrases {
    /// salutation, when the given name is known: `{name}`
    pub greeting_named: &'static str,
    /// salutation, when it is not
    pub greeting: &'static str,
    /// who invites whom to what: `{inviter}`, `{organization}`
    pub invited_by: &'static str,
    /// the same when a program invites: `{organization}`
    pub invited: &'static str,
    /// how long the link works: `{duration}`, `{when}`
    pub expires: &'static str,
    /// follows `expires`: what to do when that time is over
    pub late: &'static str,
    /// instead of `expires`, for a link without an end
    pub never_expires: &'static str,
    /// stands for a moment or a duration when there is none
    pub never: &'static str,
    /// stands before the subject of a reminder
    pub reminder: &'static str,
    /// says that the mail is a reminder
    pub reminder_sentence: &'static str,
    /// whom to ask: `{contact}`
    pub help_contact: &'static str,
    /// the same when no address is known
    pub help: &'static str,
    /// the address of the sign-in page follows it
    pub sign_in: &'static str,
}
