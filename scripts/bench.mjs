// `make bench`: what was measured beside what it must reach. bench.mjs WASM_FILE LIMIT_KIB

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [file, limit] = process.argv.slice(2);
const gzipped = gzipSync(readFileSync(file)).length / 1024;

/** What a native benchmark (benches/) has measured. */
const native = (name, ...crate) =>
  JSON.parse(execFileSync("cargo", ["bench", "--quiet", ...crate, "--bench", name], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
const mail = native("mail");
const write = native("requests", "-p", "latchkey-scim");
const times = (mail.mail_microseconds / mail.hmac_microseconds).toFixed(1);

const rows = [
  ["figure", "measured", "must reach", ""],
  ["Worker size, wasm gzipped", `${gzipped.toFixed(1)} KiB`, `<= ${limit} KiB`, gzipped <= limit ? "ok" : "MISSED"],
  [
    "mint and render one mail, native",
    `${mail.mail_microseconds.toFixed(1)} us, ${times} x HMAC-SHA256 of 1 KiB`,
    "<= 100 us",
    mail.mail_microseconds <= 100 ? "ok" : "MISSED",
  ],
  [
    "the most expensive write below 256 KiB, native",
    `${write.milliseconds.toFixed(1)} ms (${write.request})`,
    "<= 66 ms, a third of what a Worker may take",
    write.milliseconds <= 66 ? "ok" : "MISSED",
  ],
];

const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
process.exitCode = rows.some((row) => row.at(-1) === "MISSED") ? 1 : 0;
