//! How much memory the isolate's WebAssembly has: it never gives any back, so that its size is the most it has needed.

use std::sync::atomic::{AtomicUsize, Ordering};

const PAGE: usize = 64 * 1024;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// Writes a line to the log when the memory has grown since the last event.
pub fn log_growth() {
    let bytes = core::arch::wasm32::memory_size::<0>() * PAGE;
    if LARGEST.swap(bytes, Ordering::Relaxed) < bytes {
        host::write_log(&format!("{{\"event\":\"memory\",\"wasmBytes\":{bytes}}}"));
    }
}
