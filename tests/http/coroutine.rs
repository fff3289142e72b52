//! Work that is done by turns, in an order that the test decides: each has a thread of its own, and one of them runs.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// What the thread of a coroutine knows of it.
struct Turns {
    given: Receiver<()>,
    give_back: Box<dyn Fn()>,
}

thread_local! {
    static TURNS: RefCell<Option<Turns>> = const { RefCell::new(None) };
}

/// Why a turn has ended.
enum End<R> {
    Pause,
    Done(thread::Result<R>),
}

/// Somebody at work until the next [`pause`]. Dropped, it stops where it is.
pub struct Coroutine<R> {
    give: Option<Sender<()>>,
    ended: Receiver<End<R>>,
    thread: Option<JoinHandle<()>>,
}

impl<R: Send + 'static> Coroutine<R> {
    pub fn new(work: impl FnOnce() -> R + Send + 'static) -> Self {
        let ((give, given), (end, ended)) = (channel(), channel());
        let thread = thread::spawn(move || {
            if given.recv().is_err() {
                return;
            }
            let paused = end.clone();
            let give_back = Box::new(move || drop(paused.send(End::Pause)));
            TURNS.set(Some(Turns { given, give_back }));
            let done = catch_unwind(AssertUnwindSafe(work));
            // Nobody may be there any more.
            let _ = end.send(End::Done(done));
        });
        Self { give: Some(give), ended, thread: Some(thread) }
    }

    /// Gives it a turn; what its work came to, if that was the last one.
    pub fn go_on(&mut self) -> Option<R> {
        self.give.as_ref().unwrap().send(()).unwrap();
        match self.ended.recv().unwrap() {
            End::Pause => None,
            End::Done(Ok(result)) => Some(result),
            End::Done(Err(panic)) => resume_unwind(panic),
        }
    }
}

impl<R> Drop for Coroutine<R> {
    fn drop(&mut self) {
        self.give = None;
        let _ = self.thread.take().unwrap().join();
    }
}

/// Ends the turn of whoever calls it; returns with the next one. Does nothing outside a coroutine.
pub fn pause() {
    TURNS.with_borrow(|turns| {
        if let Some(turns) = turns {
            (turns.give_back)();
            if turns.given.recv().is_err() {
                resume_unwind(Box::new("dropped"));
            }
        }
    });
}

/// Does all of it at once, by turns.
pub fn all_at_once<R: Send + 'static>(mut works: Vec<Coroutine<R>>) -> Vec<R> {
    let mut results: Vec<Option<R>> = works.iter().map(|_| None).collect();
    while results.iter().any(Option::is_none) {
        for (work, result) in works.iter_mut().zip(&mut results) {
            if result.is_none() {
                *result = work.go_on();
            }
        }
    }
    results.into_iter().flatten().collect()
}
