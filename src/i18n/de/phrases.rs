//! The ready-made sentences of the mails in German.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "Guten Tag {name},",
    greeting: "Guten Tag,",
    invited_by: "{inviter} hat Sie zu {organization} eingeladen.",
    invited: "Sie wurden zu {organization} eingeladen.",
    expires: "Der Link funktioniert einmal und {duration} lang, bis {when}.",
    late: "Sollte es dann zu spät sein, öffnen Sie den Link trotzdem: Die Seite sagt Ihnen, wie Sie einen neuen bekommen.",
    never_expires: "Der Link funktioniert einmal und läuft nie ab.",
    never: "läuft nie ab",
    reminder: "Erinnerung",
    reminder_sentence: "Dies ist eine Erinnerung.",
    help_contact: "Fragen? Schreiben Sie an {contact}.",
    help: "Fragen? Wenden Sie sich an Ihren Administrator.",
    sign_in: "Hier melden Sie sich an:",
};
