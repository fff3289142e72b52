//! Verification: whether the rows of a tenant's audit are what was sealed, from the first of them to the head.

use serde::Serialize;

use crate::access::audit_seal::heads::{self, Doubt, Standing};
use crate::access::audit_seal::macs::{self, Proof};
use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis};
use crate::store::audit::rows::{self, Entry, Mark, Stretch, Wanted};

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The row's number.
    pub number: i64,
    /// `changed`: it or the row before is not what was sealed; `missing`: there is no row of this number; `unsealed`: it has
    /// no seal, though it had one or should have; `unknown key`: its key has been retired, so that nobody can tell;
    /// `head missing`, `head changed`, `head put back`: the head is not what was left there.
    pub problem: &'static str,
}

/// The result of checking a stretch of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing was wrong.
    pub intact: bool,
    /// The first number checked.
    pub from: i64,
    /// The last one; one less than `from` when there was nothing to check.
    pub to: i64,
    /// The first things that are wrong, at most 100.
    pub breaks: Vec<Break>,
    /// Whether there are sealed rows after `to`.
    pub more: bool,
    /// The head, `NUMBER:SEAL`, to keep and to compare with later; none while the head does not count.
    pub anchor: Option<String>,
    /// What the copy of the head outside the database is: `current`, `behind` (it was not written yet), `none`,
    /// `unavailable`, or `other` than the head.
    #[serde(rename = "headCopy")]
    pub head_copy: &'static str,
}

/// Rows that one verification looks at.
const MAX_VERIFIED: u32 = 2_000;
/// Breaks that one verification names.
const MAX_BREAKS: usize = 100;
/// The age at which a row without a seal is one that should have it. The sweep seals once a minute.
const SEALED_AFTER: Millis = 10 * 60_000;

/// A row that somebody outside remembers: its number and seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The number.
    pub number: i64,
    /// The seal.
    pub seal: String,
}

impl Anchor {
    /// Reads `NUMBER:SEAL`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, seal) = text.split_once(':')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|number| is_number && (1..1 << 53).contains(number))?;
        let is_seal =
            seal.len() == 43 && seal.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_seal.then(|| Self { number, seal: seal.to_owned() })
    }
}

/// Checks the chain from a row on, or from its beginning, and the head; and that the rows that others remember are still
/// there: KV's copy of the head, and `kept`, the caller's.
///
/// # Errors
/// The database's.
pub fn verify(ctx: &StoreContext, from: Option<i64>, kept: Option<&Anchor>) -> Result<Verification, DatabaseError> {
    let tenant = ctx.tenant.number();
    let copied = heads::copy(&ctx.platform, tenant);
    let copy = copied.as_ref().ok().and_then(Option::as_ref);
    // The row before the first gives the seal to begin with.
    let least = from.map_or(0, |from| from.max(1) - 1);
    let now = ctx.platform.clock.now();
    let remembered: Vec<i64> = kept.map(|kept| kept.number).into_iter().chain(copy.map(|copy| copy.number)).collect();
    let wanted = Wanted {
        least,
        count: MAX_VERIFIED + 1,
        unsealed_before: now - SEALED_AFTER,
        unsealed_after: now + SEALED_AFTER,
        remembered: &remembered,
    };
    let stretch = rows::stretch(ctx, &wanted)?;
    let standing = heads::judge(&ctx.deployment, ctx.platform.store, tenant, stretch.head.as_ref(), copy);
    let mut check = Check { ctx, tenant, removed: (0, String::new()), breaks: Vec::new() };
    check.anchor(stretch.anchor.as_ref());
    let end = check.head(&standing, copy);
    let (from, to) = check.chain(&stretch, least, end.as_ref());
    for entry in &stretch.unsealed {
        check.found(entry.number, "unsealed");
    }
    let last = end.as_ref().map_or(i64::MAX, |end| end.0);
    if let Some((number, seal)) = &end {
        check.remembered(&stretch, *number, seal, last);
    }
    if let Some(copy) = copy.filter(|copy| matches!(&standing, Standing::Good(head) if head.number > copy.number)) {
        check.remembered(&stretch, copy.number, &copy.seal, last);
    }
    if let Some(kept) = kept {
        check.remembered(&stretch, kept.number, &kept.seal, last);
    }
    let mut breaks = check.breaks;
    breaks.truncate(MAX_BREAKS);
    let anchor = match &standing {
        Standing::Good(Mark { number, seal, .. }) if *number > 0 => Some(format!("{number}:{seal}")),
        _ => None,
    };
    let head_copy = match (&copied, &standing) {
        (Err(_), _) => "unavailable",
        (Ok(None), _) => "none",
        (Ok(Some(copy)), Standing::Good(head)) if copy.number == head.number => "current",
        (Ok(Some(_)), Standing::Good(_)) => "behind",
        (Ok(Some(_)), _) => "other",
    };
    let more = stretch.entries.len() > MAX_VERIFIED as usize;
    Ok(Verification { intact: breaks.is_empty(), from, to, breaks, more, anchor, head_copy })
}

/// A verification under way.
struct Check<'a> {
    ctx: &'a StoreContext,
    tenant: u64,
    /// The newest row that retention has removed: number and seal.
    removed: (i64, String),
    breaks: Vec<Break>,
}

impl Check<'_> {
    fn found(&mut self, number: i64, problem: &'static str) {
        let found = Break { number, problem };
        if !self.breaks.contains(&found) {
            self.breaks.push(found);
        }
    }

    fn missing(&mut self, from: i64, to: i64) {
        for number in (from..=to).take(MAX_BREAKS) {
            self.found(number, "missing");
        }
    }

    /// The mark that retention left.
    fn anchor(&mut self, mark: Option<&Mark>) {
        let Some(mark) = mark else { return };
        match macs::prove_anchor(&self.ctx.deployment, self.tenant, mark) {
            Proof::Ours => self.removed = (mark.number, mark.seal.clone()),
            Proof::UnknownKey => self.found(mark.number, "unknown key"),
            Proof::Forged => self.found(mark.number, "changed"),
        }
    }

    /// The head: answers the number and the seal of the last row that was sealed, as far as somebody vouches for them.
    fn head(&mut self, standing: &Standing, copy: Option<&Mark>) -> Option<(i64, String)> {
        let vouched = match standing {
            Standing::Good(head) => Some(head),
            Standing::Unbegun => None,
            Standing::Doubtful(Doubt { number, problem }) => {
                self.found(*number, problem);
                copy
            }
        };
        vouched.map(|mark| (mark.number, mark.seal.clone()))
    }

    /// The rows, from the first one behind what has been removed: answers the first and the last number checked.
    fn chain(&mut self, stretch: &Stretch, least: i64, end: Option<&(i64, String)>) -> (i64, i64) {
        let start = least.max(self.removed.0) + 1;
        let mut previous = match stretch.entries.first() {
            Some(before) if before.number == start - 1 => before.seal.clone().unwrap_or_default(),
            _ if start == self.removed.0 + 1 => self.removed.1.clone(),
            _ => String::new(),
        };
        let (mut expected, mut to) = (start, start - 1);
        let last = end.map_or(i64::MAX, |end| end.0);
        let deployment = &self.ctx.deployment;
        for entry in stretch.entries.iter().take(MAX_VERIFIED as usize).filter(|entry| entry.number >= start) {
            self.missing(expected, entry.number - 1);
            expected = entry.number + 1;
            if let (Some(stored), Some(kid)) = (&entry.seal, &entry.kid) {
                match macs::seal_of(deployment, kid, self.tenant, &previous, entry) {
                    // The sealer writes no seal behind the head.
                    Some(seal) if seal == *stored && entry.number <= last => {}
                    Some(_) => self.found(entry.number, "changed"),
                    None => self.found(entry.number, "unknown key"),
                }
                previous.clone_from(stored);
                to = entry.number;
            } else if entry.number <= last && end.is_some() {
                self.found(entry.number, "unsealed");
                previous = self.seal_it_had(entry, &previous);
                to = entry.number;
            }
        }
        if stretch.entries.len() <= MAX_VERIFIED as usize && end.is_some() {
            self.missing(expected, last);
        }
        (start, to)
    }

    /// The seal that an unsealed row had, if nothing else about it was changed and its key is still the current one: so that
    /// the row behind it is not blamed.
    fn seal_it_had(&self, entry: &Entry, previous: &str) -> String {
        let deployment = &self.ctx.deployment;
        let kid = deployment.keys.current_kid().unwrap_or_default();
        macs::seal_of(deployment, kid, self.tenant, previous, entry).unwrap_or_default()
    }

    /// A row that somebody remembers is there, with its seal; or retention has removed it. `last` is the head's number.
    fn remembered(&mut self, stretch: &Stretch, number: i64, seal: &str, last: i64) {
        let stored = stretch.remembered.iter().find(|row| row.number == number).and_then(|row| row.seal.as_deref());
        let is_there = stretch.remembered.iter().any(|row| row.number == number);
        if number == 0 || number < self.removed.0 {
            return;
        }
        if number == self.removed.0 {
            if seal != self.removed.1 {
                self.found(number, "changed");
            }
        } else if !is_there || number > last {
            self.found(number, "missing");
        } else if stored.is_none() {
            self.found(number, "unsealed");
        } else if stored != Some(seal) {
            self.found(number, "changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Anchor;

    #[test]
    fn an_anchor_is_a_number_and_a_seal() {
        let seal = "a".repeat(43);
        let anchor = Anchor { number: 7, seal: seal.clone() };
        assert_eq!(Anchor::parse(&format!("7:{seal}")), Some(anchor));
        for bad in [
            "",
            "7",
            ":",
            "7:",
            "7:short",
            "+7:SEAL",
            "-7:SEAL",
            "0:SEAL",
            "x:SEAL",
            "7:SEAL=",
            " 7:SEAL",
            "7:SEAL:SEAL",
        ] {
            assert_eq!(Anchor::parse(&bad.replace("SEAL", &seal)), None, "{bad}");
        }
        assert_eq!(Anchor::parse(&format!("9007199254740992:{seal}")), None);
        assert_eq!(Anchor::parse(&format!("7:{}", "é".repeat(43))), None);
    }
}
