//! What a request costs, counted while it is done, so that no request costs more than its bound whatever it is made of.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::error::Error;

/// The most work of a PATCH: a unit is about a comparison of a short text, some hundred nanoseconds in a Worker.
pub const MAX_WORK: usize = 200_000;

/// The units of a change of one value besides the size of what is written.
pub(crate) const CHANGE: usize = 16;

/// So many bytes are a unit.
const UNIT: usize = 64;

/// The units of a text that is not ASCII, which is composed before it is compared.
const COMPOSED: usize = 16;

/// The work done so far, and the most of it.
#[derive(Debug)]
pub struct Work {
    done: AtomicUsize,
    most: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self::within(MAX_WORK)
    }
}

impl Work {
    /// Nothing done yet, of so many units at most.
    #[must_use]
    pub const fn within(most: usize) -> Self {
        Self { done: AtomicUsize::new(0), most }
    }

    /// Counts so many units.
    pub fn add(&self, units: usize) {
        let before = self.done.fetch_add(units, Ordering::Relaxed);
        // Where there is so much, what there was before does not matter any more.
        if before.checked_add(units).is_none() {
            self.done.store(usize::MAX / 2, Ordering::Relaxed);
        }
    }

    /// Whether more has been done than is good.
    pub(crate) fn is_too_much(&self) -> bool {
        self.done() > self.most
    }

    /// Refuses to go on when too much has been done.
    ///
    /// # Errors
    /// 400 `tooMany`
    pub fn check(&self) -> Result<(), Error> {
        if self.is_too_much() {
            return Err(Error::too_many(format!(
                "The operations of this request compare and change more than {MAX_WORK} values in all: send fewer of them \
                 at a time, or select values by 'value eq', which finds them without a look at the others."
            )));
        }
        Ok(())
    }

    /// The units done so far.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }
}

/// The units of a look at a text.
pub(crate) fn of_text(text: &str) -> usize {
    1 + text.len() / UNIT + if text.is_ascii() { 0 } else { COMPOSED }
}

/// The units of a look at a value and everything in it.
pub(crate) fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => of_text(text),
        Value::Array(values) => 1 + values.iter().map(of_value).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(of_value).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
