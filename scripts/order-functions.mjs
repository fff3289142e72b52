// Puts functions that resemble each other side by side, for gzip: order-functions.mjs FILE
//
// gzip finds what repeats within 32 KiB; as compiled, the copies of one generic function are hundreds apart. Writes the file
// anew with each function named by its place in the order to come, which `wasm-opt --reorder-functions-by-name` then makes.

import { readFileSync, writeFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const wasm = readFileSync(file);

const CUSTOM = 0;
const IMPORT = 2;
const CODE = 10;

/** How far back gzip sees, and some bytes less: it looks for whole functions there. */
const WINDOW = 28_000;
/** Functions are alike by runs of so many bytes that both have. */
const RUN = 5;
/** A run that more functions have is everywhere within reach. */
const COMMON = 400;

function unsigned(at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = wasm[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return [value, at];
  }
}

function encoded(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/** The sections: what each is, where it starts with its head, its content. */
function* sections() {
  for (let at = 8; at < wasm.length; ) {
    const [length, start] = unsigned(at + 1);
    yield { id: wasm[at], whole: wasm.subarray(at, start + length), start };
    at = start + length;
  }
}

/** The number of imported functions, which come before all others. */
function importedFunctions(start) {
  const limits = (at) => {
    const [flags, next] = unsigned(at);
    const after = unsigned(next)[1];
    return flags & 1 ? unsigned(after)[1] : after;
  };
  const afterKind = [(at) => unsigned(at)[1], (at) => limits(at + 1), limits, (at) => at + 2, (at) => unsigned(at + 1)[1]];
  let functions = 0;
  let [count, at] = unsigned(start);
  for (; count > 0; count--) {
    for (const _ of ["module", "name"]) {
      const [length, text] = unsigned(at);
      at = text + length;
    }
    const kind = wasm[at];
    if (kind === 0) functions++;
    at = afterKind[kind](at + 1);
  }
  return functions;
}

function functionBodies(start) {
  const bodies = [];
  let [count, at] = unsigned(start);
  for (; count > 0; count--) {
    const [length, body] = unsigned(at);
    bodies.push(wasm.subarray(body, body + length));
    at = body + length;
  }
  return bodies;
}

/** For each function, the runs it has, by number and each once; and for each run, the functions that have it. */
function runs(bodies) {
  const numbers = new Map();
  const havers = [];
  bodies.forEach((body, index) => {
    for (let at = 0; at + RUN <= body.length; at++) {
      const run = body.readUIntBE(at, RUN);
      let number = numbers.get(run);
      if (number === undefined) numbers.set(run, (number = havers.push([]) - 1));
      if (havers[number].at(-1) !== index) havers[number].push(index);
    }
  });
  const shared = havers.filter((functions) => functions.length > 1 && functions.length <= COMMON);
  const has = bodies.map(() => []);
  shared.forEach((functions, number) => functions.forEach((index) => has[index].push(number)));
  const sizes = new Uint32Array(bodies.length);
  havers.forEach((functions) => functions.forEach((index) => sizes[index]++));
  return { has, shared, sizes };
}

/** Next comes always the function of which most is in the window already. */
function order(bodies) {
  const { has, shared, sizes } = runs(bodies);
  const weights = Float64Array.from(sizes, (size) => (size + 8) ** -0.8);
  const inWindow = new Int32Array(bodies.length);
  const lastSeen = new Int32Array(shared.length);
  const window = [];
  let forgotten = 0;
  let written = 0;
  const ordered = [];
  const waiting = new Set(bodies.keys());
  let next = 0;
  while (next !== undefined) {
    ordered.push(next);
    waiting.delete(next);
    written += bodies[next].length;
    for (const run of has[next]) {
      if (lastSeen[run] === 0) for (const index of shared[run]) inWindow[index]++;
      lastSeen[run] = written;
    }
    window.push({ index: next, end: written });
    for (; window[forgotten].end + WINDOW <= written; forgotten++) {
      for (const run of has[window[forgotten].index]) {
        if (lastSeen[run] !== window[forgotten].end) continue;
        lastSeen[run] = 0;
        for (const index of shared[run]) inWindow[index]--;
      }
    }
    let best = -1;
    next = undefined;
    for (const index of waiting) {
      const score = inWindow[index] * weights[index];
      if (score > best) [best, next] = [score, index];
    }
  }
  return ordered;
}

const all = [...sections()];
const start = (wanted) => all.find(({ id }) => id === wanted).start;
const imported = importedFunctions(start(IMPORT));
const bodies = functionBodies(start(CODE));
const places = new Map(order(bodies).map((index, place) => [index, place]));

const text = (string) => Buffer.concat([encoded(string.length), Buffer.from(string)]);
const names = bodies.map((_, index) =>
  Buffer.concat([encoded(imported + index), text(String(places.get(index)).padStart(6, "0"))]),
);
const functionNames = Buffer.concat([encoded(names.length), ...names]);
const section = Buffer.concat([text("name"), Buffer.from([1]), encoded(functionNames.length), functionNames]);
writeFileSync(
  file,
  Buffer.concat([
    wasm.subarray(0, 8),
    ...all.filter(({ id }) => id !== CUSTOM).map(({ whole }) => whole),
    Buffer.from([CUSTOM]),
    encoded(section.length),
    section,
  ]),
);
