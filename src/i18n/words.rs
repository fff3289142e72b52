//! Names of days and months, date patterns and units of time.

/// The words a language needs for a date or a duration.
pub struct Words {
    /// names of the days, from Monday
    pub weekdays: [&'static str; 7],
    /// names of the months
    pub months: [&'static str; 12],
    /// a pattern of `{weekday}`, `{day}`, `{month}`, `{year}` and `{time}`
    pub date_time: &'static str,
    /// a number of seconds
    pub seconds: fn(u64) -> String,
    /// a number of minutes
    pub minutes: fn(u64) -> String,
    /// a number of hours
    pub hours: fn(u64) -> String,
    /// a number of days
    pub days: fn(u64) -> String,
}

/// A number with its noun, for languages with one singular and one plural.
pub(super) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
