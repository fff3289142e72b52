// What the wasm's `host` functions do (crates/host), and how its events run.
//
// The wasm is synchronous: where it waits for a promise, the engine keeps its stack and goes on with other events (JavaScript
// Promise Integration, WebAssembly.Suspending). Rust has a second stack, in the wasm's memory: each event gets one of its own, and
// gets it back when it goes on.
import wasm from "./latchkey.wasm";
import { env, waitUntil } from "cloudflare:workers";

/** How many events may be under way in an instance; more wait for their turn. Each has 256 KiB of the wasm's memory. */
const MOST_EVENTS = 100;

/** The size of a stack: that of crates/host/src/lib.rs. */
const STACK = 256 * 1024;

/** The most that is read of a body to throw it away. */
const MOST_DISCARDED = 64 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Numbers, texts and bytes on their way to the wasm, as crates/host/src/message.rs reads them. */
class Message {
  words = [];
  text = "";
  bytes = undefined;

  number(value) {
    this.words.push(value);
    return this;
  }

  write(text) {
    // The wasm counts in UTF-8: `encode` puts that right where the text is not ASCII.
    this.words.push(text.length);
    (this.places ??= []).push(this.words.length - 1, text);
    this.text += text;
    return this;
  }

  headers(headers) {
    const pairs = [...headers];
    this.number(pairs.length);
    for (const [name, value] of pairs) this.write(name).write(value);
    return this;
  }

  optional(text) {
    return text === null || text === undefined ? this.number(0) : this.number(1).write(text);
  }

  encode() {
    const text = encoder.encode(this.text);
    if (text.length !== this.text.length) {
      for (let at = 0; at < this.places.length; at += 2) {
        this.words[this.places[at]] = encoder.encode(this.places[at + 1]).length;
      }
    }
    const words = Float64Array.from(this.words);
    const start = 8 + words.byteLength;
    const message = new Uint8Array(start + text.length + (this.bytes?.length ?? 0));
    new Uint32Array(message.buffer, 0, 2).set([words.length, text.length]);
    message.set(new Uint8Array(words.buffer), 8);
    message.set(text, start);
    if (this.bytes) message.set(this.bytes, start + text.length);
    return message;
  }
}

const said = (error) => String(error?.message ?? error);
const failed = (error) => new Message().number(2).write(said(error));

/** Headers from the wasm. */
function headersOf(call) {
  const headers = [];
  for (let count = call.number(); count > 0; count -= 1) headers.push([call.text(), call.text()]);
  return headers;
}

/** A write to KV that the wasm asks for. */
function put(call) {
  const [key, value, seconds] = [call.text(), call.text(), call.number()];
  return env.KV.put(key, value, seconds ? { expirationTtl: seconds } : {});
}

/** What a promise comes to within so many milliseconds; `undefined` after that. */
function within(milliseconds, promise) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A wasm instance with what is under way in it. */
class Instance {
  dead = false;
  /** Messages that the wasm has not taken yet. */
  replies = new Map();
  lastReply = 0;
  /** Events that the wasm has begun, by number. */
  events = new Map();
  lastEvent = 0;
  /** The upper ends of stacks that are free, and who waits for one. */
  stacks = [];
  stackCount = 0;
  waiting = [];
  /** Statements that the wasm has as constants, by where they stand: their texts, and what databases have prepared of them. */
  constants = new Map();

  constructor() {
    const host = {
      wait: new WebAssembly.Suspending((...call) => this.wait(...call)),
      ask: (...call) => this.ask(...call),
      arrived: (id) => {
        const reply = this.replies.get(id);
        if (reply.stack !== undefined) this.exports.__stack_pointer.value = reply.stack;
        return reply.message.length;
      },
      take: (id, at) => {
        this.memory(at, this.replies.get(id).message.length).set(this.replies.get(id).message);
        this.replies.delete(id);
      },
      now: Date.now,
      random: (at, length) => crypto.getRandomValues(this.memory(at, length)),
      log: (at, length) => console.log(this.read(at, length)),
    };
    this.exports = new WebAssembly.Instance(wasm, { host }).exports;
    this.ownStack = this.exports.__stack_pointer.value;
    this.event = WebAssembly.promising(this.exports.event);
    this.work = WebAssembly.promising(this.exports.work);
  }

  memory(at, length) {
    return new Uint8Array(this.exports.memory.buffer, at, length);
  }

  read(at, length) {
    return length ? decoder.decode(this.memory(at, length)) : "";
  }

  reply(message, stack) {
    this.lastReply = (this.lastReply % 0xffff_ffff) + 1;
    this.replies.set(this.lastReply, { message: message.encode(), stack });
    return this.lastReply;
  }

  /** The numbers and texts of a call, to be read in their order. */
  call(words, count, at, length) {
    const numbers = count ? new Float64Array(this.exports.memory.buffer.slice(words, words + 8 * count)) : [];
    const text = this.read(at, length);
    let [word, place] = [0, 0];
    return {
      number: () => numbers[word++],
      text: () => text.slice(place, (place += numbers[word++])),
      bytes: () => this.memory(numbers[word++], numbers[word++]).slice(),
      constant: (start) => {
        const length = numbers[word++];
        let known = this.constants.get(start);
        if (known?.length !== length) {
          this.constants.set(start, (known = { length, text: this.read(start, length), prepared: {} }));
        }
        return known;
      },
    };
  }

  ask(operation, ...call) {
    const message = ASKED[operation].call(this, this.call(...call));
    // Nobody takes a reply to what was only told.
    return message ? this.reply(message) : 0;
  }

  async wait(operation, ...call) {
    const stack = this.exports.__stack_pointer.value;
    const message = await WAITED[operation].call(this, this.call(...call));
    // Whoever goes on in an instance that has panicked finds it as the panic has left it.
    if (this.dead) throw new Error("panic");
    return this.reply(message, stack);
  }

  /** Runs an export on a stack of its own. */
  async run(what) {
    const pointer = this.exports.__stack_pointer;
    let stack = this.stacks.pop();
    try {
      if (!stack) {
        pointer.value = this.ownStack;
        stack = this.exports.new_stack();
        this.stackCount += 1;
      }
      pointer.value = stack;
      await what();
      // Nothing may reach the lower end, where others' memory begins.
      if (this.memory(stack - STACK, 8).some((byte) => byte)) throw new Error("the stack was too small");
      this.stacks.push(stack);
      this.waiting.shift()?.();
    } catch (error) {
      this.end(error);
      throw error;
    }
  }

  /**
   * What is under way in an instance that has panicked ends with it, each at the next thing that it waits for (`wait`); the next
   * event finds a new one.
   */
  end(error) {
    if (this.dead) return;
    this.dead = true;
    if (current === this) current = undefined;
    console.error(JSON.stringify({ event: "instance ended", error: said(error) }));
    for (const resolve of this.waiting) resolve();
  }

  /** Has the wasm deal with an event, and returns its answer. */
  async deal(event) {
    // Shares of an event under way (`Concurrently`) do not wait: whoever holds a stack waits for no other.
    while (!this.stacks.length && this.stackCount >= MOST_EVENTS) {
      await new Promise((resolve) => this.waiting.push(resolve));
      if (this.dead) throw new Error("panic");
    }
    const id = ++this.lastEvent;
    this.events.set(id, event);
    try {
      await this.run(() => ((this.atHand = id), this.event()));
      return event.answer;
    } finally {
      this.events.delete(id);
    }
  }
}

const FETCH = 0;
const QUEUE = 1;
const SCHEDULED = 2;

/** What takes no time, by the numbers of `Operation` (crates/host/src/lib.rs). */
const ASKED = {
  // CachePutLater
  11(call) {
    waitUntil(put(call).catch(() => {}));
  },
  // Wake
  12(call) {
    waitUntil(env.MAIL_QUEUE.send("wake", { delaySeconds: call.number() }).catch(() => {}));
  },
  // Variable
  13(call) {
    const value = env[call.text()];
    return new Message().optional(typeof value === "string" ? value : undefined);
  },
  // Binding
  14(call) {
    const value = env[call.text()];
    return new Message().number(typeof value === "object" && value !== null ? 1 : 0);
  },
  // LocalTime
  15(call) {
    const [timeZone, at] = [call.text(), call.number()];
    const two = "2-digit";
    const parts = { year: "numeric", month: two, day: two, hour: two, minute: two, second: two, hourCycle: "h23" };
    try {
      return new Message().optional(new Date(at).toLocaleString("en-US", { ...parts, timeZone }));
    } catch {
      return new Message().number(0);
    }
  },
  // Compose
  16: (call) => new Message().write(call.text().normalize("NFC")),
  // Domain
  17: (call) => new Message().optional(URL.parse(`http://${call.text()}`)?.hostname),
  // Event
  18() {
    const event = this.events.get(this.atHand);
    const message = new Message().number(this.atHand).number(event.kind);
    if (event.kind === QUEUE) {
      message.write(event.batch.queue).number(event.batch.messages.length);
      for (const { body } of event.batch.messages) message.write(JSON.stringify(body) ?? "");
    } else if (event.kind === FETCH) {
      const { request, path } = event;
      message.number(request.body ? 1 : 0).write(request.method).write(path).headers(request.headers);
    }
    return message;
  },
  // Answer
  19(call) {
    const event = this.events.get(call.number());
    if (event.kind === QUEUE) {
      event.answer = call.number();
      return;
    }
    const [status, isConfigured, headers] = [call.number(), call.number(), headersOf(call)];
    const body = call.bytes();
    const hasNone = status === 204 || status === 304 || !body.length;
    event.isConfigured = isConfigured;
    event.answer = new Response(hasNone ? null : body, { status, headers });
  },
};

/** What takes time, by the numbers of `Operation`. */
const WAITED = {
  // Database
  async 0(call) {
    const name = call.text();
    const prepare = ({ text, prepared }) => (prepared[name] ??= env[name].prepare(text));
    try {
      const statements = [];
      for (let count = call.number(); count > 0; count -= 1) {
        const constant = call.number();
        const statement = constant ? prepare(call.constant(constant)) : env[name].prepare(call.text());
        const params = [];
        for (let left = call.number(); left > 0; left -= 1) {
          const type = call.number();
          params.push(type === 0 ? null : type === 1 ? call.number() : call.text());
        }
        statements.push(params.length ? statement.bind(...params) : statement);
      }
      return table(await env[name].batch(statements));
    } catch (error) {
      return failed(error);
    }
  },
  // CacheGet
  async 1(call) {
    try {
      return new Message().number(0).optional(await env.KV.get(call.text()));
    } catch (error) {
      return failed(error);
    }
  },
  // CachePut
  async 2(call) {
    try {
      await put(call);
      return new Message().number(0);
    } catch (error) {
      return failed(error);
    }
  },
  // Fetch
  async 3(call) {
    const [timeout, method, url, headers] = [call.number(), call.text(), call.text(), headersOf(call)];
    const bytes = call.bytes();
    const signal = AbortSignal.timeout(timeout);
    try {
      // A redirect is an answer like any other: followed, it would take mail, key and all, to whom it names. A GET with a body,
      // be it an empty one, is refused.
      const body = bytes.length ? bytes : undefined;
      const response = await fetch(url, { method, headers, body, signal, redirect: "manual" });
      const answer = new Message().number(0).number(response.status).headers(response.headers);
      answer.bytes = new Uint8Array(await response.arrayBuffer());
      return answer;
    } catch (error) {
      return signal.aborted ? new Message().number(1) : failed(error);
    }
  },
  // Email
  async 4(call) {
    const [timeout, mail] = [call.number(), JSON.parse(call.text())];
    try {
      const sent = await within(timeout, env.EMAIL.send(mail));
      return sent ? new Message().number(0).write(sent.messageId ?? "") : new Message().number(1);
    } catch (error) {
      return new Message().number(2).write(String(error?.code ?? ""));
    }
  },
  // Limit
  async 5(call) {
    const [name, key] = [call.text(), call.text()];
    try {
      const { success } = await env[name].limit({ key });
      return new Message().number(1).number(success ? 1 : 0);
    } catch (error) {
      return new Message().number(0).number(0).write(said(error));
    }
  },
  // Asset
  async 6(call) {
    try {
      // The binding looks at the path alone.
      const response = await env.ASSETS.fetch(`https://assets.invalid/assets/${call.text()}`);
      return new Message().optional(response.ok ? await response.text() : undefined);
    } catch {
      return new Message().number(0);
    }
  },
  // Verify
  async 7(call) {
    const [form, name, key, message, signature] = [call.text(), call.text(), call.bytes(), call.bytes(), call.bytes()];
    const algorithm = { name, namedCurve: "P-256", hash: "SHA-256" };
    try {
      const imported = await crypto.subtle.importKey(form, key, algorithm, false, ["verify"]);
      return new Message().number((await crypto.subtle.verify(algorithm, imported, signature, message)) ? 1 : 0);
    } catch {
      // What is not well-formed is an exception there.
      return new Message().number(0);
    }
  },
  // Sleep
  async 8(call) {
    await new Promise((resolve) => setTimeout(resolve, call.number()));
    return new Message();
  },
  // Body
  async 9(call) {
    const { request } = this.events.get(call.number());
    const bytes = await body(request, call.number());
    const message = new Message().number(bytes ? 1 : 0);
    message.bytes = bytes;
    return message;
  },
  // Concurrently
  async 10(call) {
    const [count, address] = [call.number(), call.number()];
    await Promise.all(Array.from({ length: count }, () => this.run(() => this.work(address))));
    return new Message();
  },
};

/** Rows and costs of a batch. */
function table(results) {
  const message = new Message().number(0);
  for (const { results: rows, meta } of results) {
    message.number(meta.rows_read ?? 0).number(meta.rows_written ?? 0);
    const names = rows.length ? Object.keys(rows[0]) : [];
    message.number(names.length).number(rows.length);
    for (const name of names) message.write(name);
    for (const row of rows) {
      for (const name of names) {
        const value = row[name];
        if (typeof value === "string") message.number(2).write(value);
        else if (typeof value === "number") message.number(1).number(value);
        else message.number(0);
      }
    }
  }
  return message;
}

/** All of a request's body; `undefined` where it is larger than `limit`, or breaks off. The rest is read and thrown away. */
async function body(request, limit) {
  const chunks = [];
  let length = 0;
  try {
    for await (const chunk of request.body) {
      length += chunk.length;
      if (length > MOST_DISCARDED) return undefined;
      if (length <= limit) chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  if (length > limit) return undefined;
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The instance that new events go to. */
let current;
const instance = () => (current ??= new Instance());

/** Whether this isolate has swept the outbox once, as each does with its first request. */
let hasSwept = false;

/** Answers a request, whose path with its query is spelt as a URI. */
export async function answer(request, path) {
  const event = { kind: FETCH, request, path };
  const response = await instance().deal(event);
  if (event.isConfigured && !hasSwept) {
    hasSwept = true;
    waitUntil(sweep().catch(() => {}));
  }
  return response;
}

/** Takes a batch of messages; whether they are done with. */
export const take = (batch) => instance().deal({ kind: QUEUE, batch });

/** A run of the cron trigger. */
export const sweep = () => instance().deal({ kind: SCHEDULED });
