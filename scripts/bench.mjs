// `make bench`: what was measured beside what it must reach. bench.mjs WASM_FILE LIMIT_KIB

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [file, limit] = process.argv.slice(2);
const gzipped = gzipSync(readFileSync(file)).length / 1024;

const rows = [
  ["figure", "measured", "must reach", ""],
  ["Worker size, wasm gzipped", `${gzipped.toFixed(1)} KiB`, `<= ${limit} KiB`, gzipped <= limit ? "ok" : "MISSED"],
];

const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
process.exitCode = rows.some((row) => row.at(-1) === "MISSED") ? 1 : 0;
