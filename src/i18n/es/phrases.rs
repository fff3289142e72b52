//! The ready-made sentences of the mails in Spanish.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "Hola, {name}:",
    greeting: "Hola:",
    invited_by: "{inviter} le ha invitado a unirse a {organization}.",
    invited: "Ha recibido una invitación para unirse a {organization}.",
    expires: "El enlace funciona una sola vez y durante {duration}, hasta el {when}.",
    late: "Si para entonces ya es tarde, abra el enlace de todos modos: la página le dirá cómo obtener uno nuevo.",
    never_expires: "El enlace funciona una sola vez y no caduca nunca.",
    never: "no caduca nunca",
    reminder: "Recordatorio",
    reminder_sentence: "Esto es un recordatorio.",
    help_contact: "¿Tiene preguntas? Escriba a {contact}.",
    help: "¿Tiene preguntas? Consulte a su administrador.",
    sign_in: "Inicie sesión aquí:",
};
