//! Dates and durations in Arabic.

use crate::i18n::words::Words;

pub(super) static WORDS: Words = Words {
    weekdays: ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"],
    months: [
        "يناير",
        "فبراير",
        "مارس",
        "أبريل",
        "مايو",
        "يونيو",
        "يوليو",
        "أغسطس",
        "سبتمبر",
        "أكتوبر",
        "نوفمبر",
        "ديسمبر",
    ],
    date_time: "{weekday} {day} {month} {year}، الساعة {time} بالتوقيت العالمي (UTC)",
    seconds: |n| arabic(n, "ثانية واحدة", "ثانيتين", "ثوانٍ", "ثانية"),
    minutes: |n| arabic(n, "دقيقة واحدة", "دقيقتين", "دقائق", "دقيقة"),
    hours: |n| arabic(n, "ساعة واحدة", "ساعتين", "ساعات", "ساعة"),
    days: |n| arabic(n, "يوم واحد", "يومين", "أيام", "يومًا"),
};

/// Arabic counts in four steps that matter here: one, two (the dual carries its own number), three to ten, and
/// eleven upwards; the round hundreds take the singular without an ending.
fn arabic(n: u64, one: &str, two: &str, few: &str, many: &str) -> String {
    match (n, n % 100) {
        (1, _) => one.to_owned(),
        (2, _) => two.to_owned(),
        (_, 3..=10) => format!("{n} {few}"),
        (_, 0..=2) => format!("{n} {}", many.trim_end_matches("ًا")),
        _ => format!("{n} {many}"),
    }
}
