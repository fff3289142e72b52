#!/usr/bin/env bash
# Every test, then one summary. A failing group does not hide the next one.
set -uo pipefail

failed=0
summary=()
group() { # name, command...
  local name=$1 began=$SECONDS result=passed
  shift
  echo "==> tests: $name"
  "$@" </dev/null || { result=FAILED; failed=1; }
  summary+=("$(printf '%-28s %-7s %4d s' "$name" "$result" $((SECONDS - began)))")
}

# The documentation's examples too: those of crates/scim and of its README.
group "native (cargo test)" cargo test --quiet --workspace --exclude latchkey-worker
# The suite above has walked once, further.
group "random walk, 50 seeds" env LATCHKEY_SEEDS=50 LATCHKEY_STEPS=300 cargo test --quiet --test http whatever_eight_callers_do
group "workerd and browser (e2e)" node --disable-warning=ExperimentalWarning --test --test-reporter=spec --test-timeout=600000 'tests/e2e/*.test.mjs'
group "conformance (scim2, scim-sanity)" node --disable-warning=ExperimentalWarning tests/conformance/run.mjs
group "token vectors (python)" python3 scripts/token-vectors.py --check

echo "==> summary"
printf '%s\n' "${summary[@]}"
exit "$failed"
