// Prints the size of the built Worker and fails when it is over the limit: wasm-size.mjs FILE LIMIT_KIB

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [file, limit] = process.argv.slice(2);
const wasm = readFileSync(file);
const kib = (bytes) => (bytes / 1024).toFixed(1);
const gzipped = gzipSync(wasm).length;

console.log(`${file}: ${kib(wasm.length)} KiB, gzipped ${kib(gzipped)} KiB (limit ${limit} KiB)`);
if (gzipped > Number(limit) * 1024) {
  console.error(`The Worker is ${kib(gzipped - limit * 1024)} KiB over its limit.`);
  process.exit(1);
}
