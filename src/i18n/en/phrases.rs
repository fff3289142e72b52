//! The ready-made sentences of the mails in English.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "Hello {name},",
    greeting: "Hello,",
    invited_by: "{inviter} has invited you to join {organization}.",
    invited: "You have been invited to join {organization}.",
    expires: "The link works once and for {duration}, until {when}.",
    late: "If it is too late by then, open the link all the same: the page says how to get a new one.",
    never_expires: "The link works once and never expires.",
    never: "never expires",
    reminder: "Reminder",
    reminder_sentence: "This is a reminder.",
    help_contact: "Questions? Write to {contact}.",
    help: "Questions? Ask your administrator.",
    sign_in: "Sign in here:",
};
