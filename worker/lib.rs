//! Latchkey as a Cloudflare Worker: the wasm's exports, which `src/edge/host.js` calls.
//!
//! A crate of its own, because cargo optimizes across crates (`lto`) only where a library is nothing but a cdylib. The
//! wasm would be a tenth larger.

#![cfg(target_arch = "wasm32")]

/// Deals with an event.
#[unsafe(no_mangle)]
pub extern "C" fn event() {
    latchkey::edge::event();
}

/// Does a share of what is done concurrently.
#[unsafe(no_mangle)]
pub extern "C" fn work(address: usize) {
    host::work(address);
}

/// Makes a stack for events.
#[unsafe(no_mangle)]
pub extern "C" fn new_stack() -> usize {
    host::new_stack()
}
