//! Dates and durations in English.

use crate::i18n::words::{Words, counted};

pub(super) static WORDS: Words = Words {
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    date_time: "{weekday}, {month} {day}, {year}, {time} UTC",
    seconds: |n| counted(n, "second", "seconds"),
    minutes: |n| counted(n, "minute", "minutes"),
    hours: |n| counted(n, "hour", "hours"),
    days: |n| counted(n, "day", "days"),
};
