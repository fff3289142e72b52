#!/usr/bin/env bash
# Names every missing prerequisite at once, with how to get it.
set -euo pipefail

missing=0
need() { # command, what it is for and how to get it
  command -v "$1" >/dev/null || { echo "missing: $1 - $2" >&2; missing=1; }
}

need cargo "the Rust toolchain: https://rustup.rs"
need cc "a C compiler: apt-get install gcc libc6-dev, or xcode-select --install"
need node "Node.js 20 or newer: https://nodejs.org, or apt-get install nodejs"
need npm "comes with Node.js: https://nodejs.org, or apt-get install npm"
need python3 "Python 3: apt-get install python3 python3-venv"
need ps "process list, to stop the Worker cleanly: apt-get install procps"

if command -v node >/dev/null && ! node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; then
  echo "too old: node $(node --version) - Node.js 20 or newer: https://nodejs.org" >&2
  missing=1
fi
if command -v python3 >/dev/null && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "missing: python3's venv - apt-get install python3-venv" >&2
  missing=1
fi
exit "$missing"
