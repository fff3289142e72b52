//! The functions that the JavaScript around the wasm (`src/edge/host.js`) has for it, and how values get there and back.
//!
//! The code in the wasm is synchronous. Where it waits, as for the database, [`call`] returns with the answer: meanwhile the
//! platform keeps the wasm's stack and does other events' work (JavaScript Promise Integration). Each event has a stack of its own
//! in the wasm's memory too ([`new_stack`]).
//!
//! A [`Message`] crosses in one call: numbers, texts and bytes in the order in which they are written, read on the other side in
//! the same order. What they mean is for `src/edge/` and `host.js` to say, for each [`Operation`].

#![cfg(target_arch = "wasm32")]

mod message;

pub use message::{Message, Reply};

/// What the host does. The numbers are those of `host.js`.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Operation {
    /// A batch on a D1 database.
    Database,
    /// A look into KV.
    CacheGet,
    /// A write to KV.
    CachePut,
    /// An HTTP request.
    Fetch,
    /// A mail to the mail binding.
    Email,
    /// The count of a rate limit.
    Limit,
    /// A file of the assets binding.
    Asset,
    /// The check of a signature.
    Verify,
    /// A pause.
    Sleep,
    /// The body of the request at hand.
    Body,
    /// [`concurrently`].
    Concurrently,
    /// A write to KV that nobody waits for.
    CachePutLater,
    /// A message to the queue that nobody waits for.
    Wake,
    /// A variable, or a secret.
    Variable,
    /// Whether there is a binding.
    Binding,
    /// What a zone's clocks show.
    LocalTime,
    /// A text in NFC.
    Compose,
    /// A domain in ASCII.
    Domain,
    /// The event at hand.
    Event,
    /// What becomes of the event at hand.
    Answer,
}

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    safe fn wait(operation: u32, words: usize, word_count: usize, text: usize, text_length: usize) -> u32;
    safe fn arrived(reply: u32) -> usize;
    safe fn ask(operation: u32, words: usize, word_count: usize, text: usize, text_length: usize) -> u32;
    safe fn take(reply: u32, bytes: usize);
    safe fn now() -> f64;
    safe fn random(bytes: usize, length: usize);
    safe fn log(text: usize, length: usize);
}

/// Has the host do something that takes time, and returns its answer. Others go on meanwhile: nothing that is borrowed from a
/// `RefCell`, and no lock, may be held.
#[must_use]
pub fn call(operation: Operation, message: &Message) -> Reply {
    let (words, text) = (message.words(), message.text());
    // With `arrived` the host gives this event its stack back: nothing may come between the two.
    let reply = wait(operation as u32, words.as_ptr() as usize, words.len(), text.as_ptr() as usize, text.len());
    let length = arrived(reply);
    receive(reply, length)
}

/// Has the host do something at once, and returns its answer.
#[must_use]
pub fn ask_for(operation: Operation, message: &Message) -> Reply {
    let reply = begin(operation, message);
    receive(reply, arrived(reply))
}

/// Tells the host something.
pub fn tell(operation: Operation, message: &Message) {
    begin(operation, message);
}

fn begin(operation: Operation, message: &Message) -> u32 {
    let (words, text) = (message.words(), message.text());
    ask(operation as u32, words.as_ptr() as usize, words.len(), text.as_ptr() as usize, text.len())
}

fn receive(reply: u32, length: usize) -> Reply {
    let mut bytes = vec![0_u8; length];
    take(reply, bytes.as_mut_ptr() as usize);
    Reply::new(bytes)
}

/// Milliseconds since the epoch.
#[must_use]
pub fn time() -> f64 {
    now()
}

/// Fills `bytes` from the platform's secure generator.
pub fn fill_random(bytes: &mut [u8]) {
    random(bytes.as_mut_ptr() as usize, bytes.len());
}

/// Writes a line to the log.
pub fn write_log(line: &str) {
    log(line.as_ptr() as usize, line.len());
}

/// Does `work` so many times at once, each on a stack of its own, and returns when all have ended.
pub fn concurrently(count: u32, work: &dyn Fn()) {
    let mut message = Message::default();
    message.number(f64::from(count));
    message.address((&raw const work) as usize);
    let _ = call(Operation::Concurrently, &message);
}

/// Does the work of [`concurrently`] once; for the host alone.
pub fn work(address: usize) {
    // SAFETY: the address is that of `work` in `concurrently`, which returns only when the host has seen each of its calls end;
    // and a wasm instance has one thread.
    let work = unsafe { *(address as *const &dyn Fn()) };
    work();
}

/// The size of an event's stack in the wasm's memory, in bytes. What a request needs is some 10 KiB.
const STACK: usize = 256 * 1024;

/// Returns the upper end of a new stack, whose lowest eight bytes the host watches; for the host alone. It is kept for good: the host
/// gives it to one event after the other.
#[must_use]
pub fn new_stack() -> usize {
    let stack: &'static mut [u128] = Box::leak(vec![0_u128; STACK / size_of::<u128>()].into_boxed_slice());
    stack.as_ptr_range().end as usize
}
