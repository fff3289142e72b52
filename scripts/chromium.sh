#!/usr/bin/env bash
# The browser of the end-to-end tests: Debian's chromium, or whatever CHROMIUM names.
set -euo pipefail

browser=${CHROMIUM:-/usr/bin/chromium}
[ -x "$browser" ] && exit

echo "==> chromium (apt-get install)"
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if ! command -v apt-get >/dev/null ||
  ! { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null; then
  echo "missing: chromium - as root: apt-get install chromium; or point CHROMIUM at a Chromium or Chrome you have" >&2
  exit 1
fi
