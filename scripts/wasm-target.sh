#!/usr/bin/env bash
# rustup adds the target named in rust-toolchain.toml by itself, unless RUSTUP_AUTO_INSTALL=0 or the toolchain is not rustup's.
set -euo pipefail

target=wasm32-unknown-unknown
[ -d "$(rustc --print target-libdir --target "$target")" ] && exit

echo "==> Rust target $target"
if ! command -v rustup >/dev/null; then
  echo "missing: Rust's $target - install Rust from https://rustup.rs, or your distribution's package of that target" >&2
  exit 1
fi
rustup target add "$target"
