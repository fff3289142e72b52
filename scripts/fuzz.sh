#!/usr/bin/env bash
# Runs each fuzz target, or those named, for FUZZ_SECONDS (20) from the committed corpus; what it finds is in fuzz/found.
set -euo pipefail
# libFuzzer's instrumentation is LLVM's own and works on a stable compiler; the sanitizers would need a nightly one, and
# there is no unsafe code here for them to watch.
command -v c++ >/dev/null || { echo "missing: c++ - a C++ compiler, for libFuzzer: apt-get install g++" >&2; exit 1; }
echo "==> fuzz targets (compiled once, a few minutes)"
cargo fuzz build --sanitizer none 2>/dev/null || cargo fuzz build --sanitizer none
# The binaries themselves: `cargo fuzz run` would compile again whatever has changed since.
binaries=fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release
mapfile -t targets < <(if (($#)); then printf '%s\n' "$@"; else cargo fuzz list; fi)
for target in "${targets[@]}"; do
  echo "==> fuzz $target, ${FUZZ_SECONDS:-20} s"
  mkdir -p "fuzz/found/$target" "fuzz/artifacts/$target"
  # FUZZ_COSTS: targets hold times, too. What is new goes to the first folder; the corpus itself is only read.
  if ! FUZZ_COSTS=1 "$binaries/$target" "fuzz/found/$target" "fuzz/corpus/$target" -artifact_prefix="fuzz/artifacts/$target/" \
    -max_total_time="${FUZZ_SECONDS:-20}" -timeout=25 >"fuzz/found/$target.log" 2>&1; then
    tail -60 "fuzz/found/$target.log"
    exit 1
  fi
  grep '^Done' "fuzz/found/$target.log"
done
