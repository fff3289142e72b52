//! Latchkey as a Cloudflare Worker. Its entry points are in `src/edge/`: linked by this crate, they are the wasm's exports.
//!
//! A crate of its own, because cargo optimizes across crates (`lto`) only where a library is nothing but a cdylib. The
//! wasm would be a tenth larger.

extern crate latchkey as _;
