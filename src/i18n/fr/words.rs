//! Dates and durations in French.

use crate::i18n::words::{Words, counted};

pub(super) static WORDS: Words = Words {
    weekdays: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    date_time: "{weekday} {day} {month} {year}, {time} UTC",
    seconds: |n| counted(n, "seconde", "secondes"),
    minutes: |n| counted(n, "minute", "minutes"),
    hours: |n| counted(n, "heure", "heures"),
    days: |n| counted(n, "jour", "jours"),
};
