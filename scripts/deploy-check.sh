#!/usr/bin/env bash
# Packs what `wrangler deploy` would upload and proves that the development settings are not in it.
set -euo pipefail

out=.wrangler/deploy-check
rm -rf "$out"
mkdir -p "$out"
wrangler deploy --dry-run --outdir "$out/upload" </dev/null | tee "$out/output.txt"

# The names are secret bindings in .dev.vars; the key is its own mark.
if grep -rqE 'ADMIN_PASSWORD \(|TOKEN_KEYS \(|ENVIRONMENT \("development"\)|ZGV2ZWxvcG1lbnQtb25seS1rZXk' "$out"; then
  echo "deploy-check: a development setting would be uploaded" >&2
  exit 1
fi
