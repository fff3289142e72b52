//! The writers of a resource in this isolate, in the order in which they came: whoever wrote while another did would lose,
//! and would have read in vain.
//!
//! Waiting here costs no round trip, and nothing depends on it: what a write depends on is the version in the database. So a
//! writer that keeps its turn for too long, or never gives it back because its client went away, loses it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ports::Millis;

/// The most resources that are waited for, and the most writers of one. Any other writes at once.
const MAX_RESOURCES: usize = 1_024;
const MAX_WRITERS: usize = 256;

/// The longest time that one writer keeps the others waiting, in milliseconds.
const MAX_TURN: Millis = 500;

/// The queues, by tenant and resource.
#[derive(Default)]
pub struct Writers(Mutex<Queues>);

#[derive(Default)]
struct Queues {
    by_resource: HashMap<String, Queue>,
    /// The ticket of the next writer.
    next: u64,
}

struct Queue {
    /// Each writer's ticket, with the time after which it no longer waits.
    waiting: VecDeque<(u64, Millis)>,
    /// The time since which the first has been seen to have its turn.
    since: Option<Millis>,
}

impl Writers {
    /// Joins the writers of a resource, to wait until this time at most. `None` where too many wait: to go on at once.
    #[must_use]
    pub fn join(&self, resource: String, now: Millis, until: Millis) -> Option<Ticket<'_>> {
        let mut queues = self.lock();
        if queues.by_resource.len() >= MAX_RESOURCES {
            queues.by_resource.retain(|_, queue| queue.waiting.iter().any(|(_, until)| *until >= now));
        }
        if queues.by_resource.len() >= MAX_RESOURCES && !queues.by_resource.contains_key(&resource) {
            return None;
        }
        queues.next += 1;
        let number = queues.next;
        let fresh = || Queue { waiting: VecDeque::new(), since: Some(now) };
        let queue = queues.by_resource.entry(resource.clone()).or_insert_with(fresh);
        if queue.waiting.len() >= MAX_WRITERS {
            return None;
        }
        queue.waiting.push_back((number, until));
        Some(Ticket { writers: self, resource, number })
    }

    /// Whoever panicked with the lock held left whole entries behind.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writer's place among those of a resource; given back when dropped.
pub struct Ticket<'a> {
    writers: &'a Writers,
    resource: String,
    number: u64,
}

impl Ticket<'_> {
    /// The number of writers before this one.
    #[must_use]
    pub fn ahead(&self, now: Millis) -> usize {
        let mut queues = self.writers.lock();
        let Some(queue) = queues.by_resource.get_mut(&self.resource) else { return 0 };
        while let Some((first, until)) = queue.waiting.front().copied()
            && first != self.number
            && (until < now || now - *queue.since.get_or_insert(now) > MAX_TURN)
        {
            queue.waiting.pop_front();
            queue.since = None;
        }
        queue.waiting.iter().position(|(number, _)| *number == self.number).unwrap_or_default()
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut queues = self.writers.lock();
        let Some(queue) = queues.by_resource.get_mut(&self.resource) else { return };
        let was_first = queue.waiting.front().is_some_and(|(number, _)| *number == self.number);
        queue.waiting.retain(|(number, _)| *number != self.number);
        if queue.waiting.is_empty() {
            queues.by_resource.remove(&self.resource);
        } else if was_first {
            // The next one's turn begins when somebody looks.
            queue.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_RESOURCES, MAX_TURN, MAX_WRITERS, Writers};

    #[test]
    fn writers_of_one_resource_go_one_after_another_and_those_of_others_at_once() {
        let writers = Writers::default();
        let join = |resource: &str| writers.join(resource.to_owned(), 0, 2_000).expect("a place");
        let (first, second, third, other) = (join("a"), join("a"), join("a"), join("b"));
        assert_eq!([&first, &second, &third, &other].map(|ticket| ticket.ahead(1)), [0, 1, 2, 0]);
        drop(second);
        assert_eq!(third.ahead(1), 1);
        drop(first);
        assert_eq!(third.ahead(1), 0);
        drop((third, other));
        assert!(writers.lock().by_resource.is_empty());
    }

    #[test]
    fn whoever_keeps_the_turn_or_waits_for_too_long_loses_it() {
        let writers = Writers::default();
        let join = |until| writers.join("a".to_owned(), 0, until).expect("a place");
        let (_slow, _gone, waiting) = (join(10_000), join(MAX_TURN), join(10_000));
        assert_eq!(waiting.ahead(MAX_TURN), 2);
        assert_eq!(waiting.ahead(MAX_TURN + 1), 0, "the first has had its time, and the second waits no more");
    }

    #[test]
    fn a_queue_is_bounded_and_whoever_finds_it_full_goes_on() {
        let writers = Writers::default();
        let join = |resource: String| writers.join(resource, 0, 2_000);
        let held: Vec<_> = (0..MAX_WRITERS).map(|_| join("a".to_owned()).expect("a place")).collect();
        assert!(join("a".to_owned()).is_none());
        let others: Vec<_> = (1..MAX_RESOURCES).map(|number| join(number.to_string()).expect("a place")).collect();
        assert!(join("one more".to_owned()).is_none());
        drop((held, others));
        assert!(join("one more".to_owned()).is_some());
    }
}
