//! Dates and durations in Brazilian Portuguese.

use crate::i18n::words::{Words, counted};

pub(super) static WORDS: Words = Words {
    weekdays: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    date_time: "{weekday}, {day} de {month} de {year}, {time} UTC",
    seconds: |n| counted(n, "segundo", "segundos"),
    minutes: |n| counted(n, "minuto", "minutos"),
    hours: |n| counted(n, "hora", "horas"),
    days: |n| counted(n, "dia", "dias"),
};
