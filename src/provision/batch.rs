//! Prepared creations that wait to go to the database together.

use crate::model::new_resource::NewResource;

/// The limits of one batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// The most resources.
    pub count: usize,
    /// The most bytes.
    pub bytes: usize,
}

/// A queue of prepared creations, each with a tag that says what it is the creation of. Whoever fills it takes the batch
/// when it is full, or when something depends on what is in it.
#[derive(Debug)]
pub struct Batcher<T> {
    limits: BatchLimits,
    waiting: Vec<(T, NewResource)>,
    bytes: usize,
}

impl<T> Batcher<T> {
    /// An empty queue.
    pub fn new(limits: BatchLimits) -> Self {
        Self { limits, waiting: Vec::new(), bytes: 0 }
    }

    /// Adds a creation that counts for so many bytes.
    pub fn push(&mut self, tag: T, new: NewResource, bytes: usize) {
        self.bytes += bytes;
        self.waiting.push((tag, new));
    }

    /// Whether the limits are reached.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.limits.count || self.bytes >= self.limits.bytes
    }

    /// Takes out what waits, in order.
    pub fn take(&mut self) -> Vec<(T, NewResource)> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }
}
