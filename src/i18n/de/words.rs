//! Dates and durations in German.

use crate::i18n::words::{Words, counted};

pub(super) static WORDS: Words = Words {
    weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    date_time: "{weekday}, {day}. {month} {year}, {time} Uhr UTC",
    seconds: |n| counted(n, "Sekunde", "Sekunden"),
    minutes: |n| counted(n, "Minute", "Minuten"),
    hours: |n| counted(n, "Stunde", "Stunden"),
    // the phrases use durations in the accusative, where "Tage" has no ending of its own
    days: |n| counted(n, "Tag", "Tage"),
};
