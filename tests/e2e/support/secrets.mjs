// The secrets of a test file, whatever it tests: each password that was sent must be in no answer, and when the Worker is
// closed neither it nor any token may be in the log or in anything that workerd has written. attacks.md, row 20.

import { closeSync, globSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** Tokens need not be remembered: none is at rest, whichever it is. */
const TOKENS = [/lk1\.[\w-]{30,}\.[\w-]{43}/, /\blk_[0-9A-Za-z]{36}\b/, /lk_(?:at|sa?)_[\w-]{30,}\.[\w-]{43}/];
/** A password of `.dev.vars` or of the seed document is a word that may be anywhere. */
const SHORTEST = 10;

const passwords = new Set();

export function remember(password) {
  if (password?.length >= SHORTEST) passwords.add(password);
}

/** Remembers the passwords of a request: Basic, a form's fields, a member of some JSON. */
export function rememberRequest(headers, body) {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
  if (basic) {
    const credentials = Buffer.from(basic, "base64").toString();
    if (credentials.length >= SHORTEST + 4) remember(basic);
    remember(credentials.slice(credentials.indexOf(":") + 1));
  }
  if (body instanceof URLSearchParams) for (const name of ["password", "confirm"]) remember(body.get(name));
  else if (typeof body === "string") for (const [, text] of body.matchAll(/"password"\s*:\s*"([^"\\]+)"/g)) remember(text);
}

/** Throws if an answer repeats a password. */
export function assertUnsaid(what, text) {
  for (const password of passwords) if (text.includes(password)) throw new Error(`${what} answers with ${password}`);
}

/** The file in pieces that a string can hold, each with the end of the one before: no secret is as long as that. */
function* pieces(file) {
  const buffer = Buffer.alloc(64 * 1024 * 1024);
  const overlap = 4096;
  const descriptor = openSync(file);
  try {
    for (let position = 0; ; position += buffer.length - overlap) {
      const length = readSync(descriptor, buffer, 0, buffer.length, position);
      yield buffer.latin1Slice(0, length);
      if (length < buffer.length) return;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Throws if a secret is in the log, or in a file below the state folder. */
export function assertHidden(state, log) {
  const files = globSync(join(state, "**/*")).filter((file) => statSync(file).isFile());
  for (const [place, texts] of [["the log", [log]], ...files.map((file) => [file, pieces(file)])]) {
    for (const text of texts) assertNoneIn(place, text);
  }
}

function assertNoneIn(place, text) {
  for (const pattern of TOKENS) {
    const [found] = pattern.exec(text) ?? [];
    if (found) throw new Error(`${found} is in ${place}`);
  }
  for (const password of passwords) {
    if (text.includes(Buffer.from(password).toString("latin1"))) throw new Error(`${password} is in ${place}`);
  }
}
