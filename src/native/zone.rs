//! Time zones by the operating system's files (RFC 9636), as far as they list their transitions.

/// The seconds by which a zone is ahead of UTC at this time; `None` for a zone that there is not.
pub(super) fn offset(zone: &str, seconds: i64) -> Option<i64> {
    if zone.starts_with('/') || zone.contains("..") {
        return None;
    }
    let file = std::fs::read(format!("/usr/share/zoneinfo/{zone}")).ok()?;
    // The first block has times of 32 bits; what it says comes again in the second one, with times of 64.
    let counts = Counts::read(&file)?;
    let second = file.get(HEADER + counts.bytes(4)..)?;
    let counts = Counts::read(second)?;
    let data = second.get(HEADER..)?;
    let time = |index: usize| Some(i64::from_be_bytes(data.get(index * 8..index * 8 + 8)?.try_into().ok()?));
    let passed = (0..counts.times).take_while(|index| time(*index).is_some_and(|at| at <= seconds)).count();
    let kinds = data.get(counts.times * 8..)?;
    let kind = passed.checked_sub(1).map_or(Some(0), |last| kinds.get(last).map(|kind| usize::from(*kind)))?;
    let rule = kinds.get(counts.times + kind * 6..)?.get(..4)?;
    Some(i64::from(i32::from_be_bytes(rule.try_into().ok()?)))
}

const HEADER: usize = 44;

struct Counts {
    times: usize,
    rest: usize,
    kinds: usize,
    leaps: usize,
}

impl Counts {
    fn read(block: &[u8]) -> Option<Self> {
        block.starts_with(b"TZif").then_some(())?;
        let count = |place: usize| {
            let bytes = block.get(20 + place * 4..24 + place * 4)?;
            usize::try_from(u32::from_be_bytes(bytes.try_into().ok()?)).ok()
        };
        Some(Self { times: count(3)?, kinds: count(4)?, leaps: count(2)?, rest: count(0)? + count(1)? + count(5)? })
    }

    /// The bytes behind the header, of which a time takes so many.
    fn bytes(&self, time: usize) -> usize {
        self.times * (time + 1) + self.kinds * 6 + self.leaps * (time + 4) + self.rest
    }
}
