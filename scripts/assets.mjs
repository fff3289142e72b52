// Lays out what is deployed beside the Worker, in public/: assets.mjs [--keep]
//
// The files' names carry a hash of their content (64-bit FNV-1a), as src/pages/assets.rs names them. A page that a browser got
// from the release before asks for that one's files, so those are laid out too: `--keep` puts today's among them
// (released/assets/), which is done once for each release.

import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = ["src/pages/assets", "docs/openapi.json"];
const KEPT = `${ROOT}released/assets/`;

/** What every file is answered with. */
const HEADERS = `/assets/*
  Cache-Control: public, max-age=31536000, immutable
  X-Content-Type-Options: nosniff
  Content-Security-Policy: default-src 'none'; frame-ancestors 'none'
  Referrer-Policy: no-referrer
  Cross-Origin-Resource-Policy: same-origin
`;

function hash(bytes) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}

const files = SOURCES.flatMap((source) =>
  extname(source) ? [`${ROOT}${source}`] : readdirSync(`${ROOT}${source}`).map((name) => `${ROOT}${source}/${name}`),
);
const named = files.map((file) => [file, `latchkey-${hash(readFileSync(file))}${extname(file)}`]);

if (process.argv.includes("--keep")) {
  rmSync(KEPT, { recursive: true, force: true });
  mkdirSync(KEPT, { recursive: true });
  for (const [file, name] of named) copyFileSync(file, KEPT + name);
}

const target = `${ROOT}public/assets/`;
rmSync(`${ROOT}public`, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
if (existsSync(KEPT)) for (const name of readdirSync(KEPT)) copyFileSync(KEPT + name, target + name);
for (const [file, name] of named) copyFileSync(file, target + name);
writeFileSync(`${ROOT}public/_headers`, HEADERS);
