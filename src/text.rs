//! Small shared text: dates.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::ports::Millis;

/// A time as RFC 3339 in UTC with milliseconds, as SCIM's `dateTime` wants it.
#[must_use]
pub fn rfc3339(millis: Millis) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_355_652_123), "2026-11-22T13:54:12.123Z");
    }
}
