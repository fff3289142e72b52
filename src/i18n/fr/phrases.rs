//! The ready-made sentences of the mails in French.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "Bonjour {name},",
    greeting: "Bonjour,",
    invited_by: "{inviter} vous invite à rejoindre {organization}.",
    invited: "Vous êtes invité à rejoindre {organization}.",
    expires: "Le lien fonctionne une seule fois et pendant {duration}, jusqu’au {when}.",
    late: "S’il est trop tard, ouvrez quand même le lien : la page vous dira comment en obtenir un nouveau.",
    never_expires: "Le lien fonctionne une seule fois et n’expire jamais.",
    never: "n’expire jamais",
    reminder: "Rappel",
    reminder_sentence: "Ceci est un rappel.",
    help_contact: "Des questions ? Écrivez à {contact}.",
    help: "Des questions ? Adressez-vous à votre administrateur.",
    sign_in: "Connectez-vous ici :",
};
