//! Dates and durations in Spanish.

use crate::i18n::words::{Words, counted};

pub(super) static WORDS: Words = Words {
    weekdays: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    date_time: "{weekday}, {day} de {month} de {year}, {time} UTC",
    seconds: |n| counted(n, "segundo", "segundos"),
    minutes: |n| counted(n, "minuto", "minutos"),
    hours: |n| counted(n, "hora", "horas"),
    days: |n| counted(n, "día", "días"),
};
