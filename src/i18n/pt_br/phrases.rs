//! The ready-made sentences of the mails in Brazilian Portuguese.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "Olá, {name}!",
    greeting: "Olá!",
    invited_by: "{inviter} convidou você para {organization}.",
    invited: "Você recebeu um convite para {organization}.",
    expires: "O link funciona uma única vez e por {duration}, até {when}.",
    late: "Se já for tarde, abra o link mesmo assim: a página explica como obter um novo.",
    never_expires: "O link funciona uma única vez e nunca expira.",
    never: "nunca expira",
    reminder: "Lembrete",
    reminder_sentence: "Este é um lembrete.",
    help_contact: "Dúvidas? Escreva para {contact}.",
    help: "Dúvidas? Fale com seu administrador.",
    sign_in: "Entre aqui:",
};
