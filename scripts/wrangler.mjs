// Starts and stops wrangler: for `make run` (dev.mjs) and for the end-to-end tests.

import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseEnv, promisify } from "node:util";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WRANGLER = `${ROOT}node_modules/wrangler/bin/wrangler.js`;

// wrangler reads .env by itself, except when --env-file names another file.
const environment = () => ({ ...parseEnv(readFileSync(`${ROOT}.env`, "utf8")), NO_COLOR: "1", ...process.env });

/** Applies the migrations that the local D1 databases in `state` have not seen yet; `config` is another wrangler.toml. */
export async function migrate(state, config = `${ROOT}wrangler.toml`) {
  const bindings = readFileSync(config, "utf8").matchAll(/^\[\[d1_databases\]\]\nbinding = "(\w+)"/gm);
  for (const [, binding] of bindings) {
    const args = ["d1", "migrations", "apply", binding, "--local", "--persist-to", state, "--config", config];
    const run = promisify(execFile)(process.execPath, [WRANGLER, ...args], { cwd: ROOT, env: environment() });
    run.child.stdin.end();
    try {
      await run;
    } catch (error) {
      throw new Error(`D1 migrations of ${binding} failed:\n${error.stdout}${error.stderr}`);
    }
  }
}

/** True when 127.0.0.1:`port` can be listened on. */
export async function portIsFree(port) {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

/**
 * Starts `wrangler dev` on 127.0.0.1:`port` over the local state folder `state`.
 * `vars` win over .dev.vars; `devVars: false` leaves .dev.vars out, as in a deployment; `config` is another wrangler.toml.
 * `inspectorPort` is for a debugger; 0 is any free one, so that two Workers can run side by side.
 * `onLine` gets what the Worker logs. It never gets wrangler's own request lines: those show paths, and ours carry tokens.
 */
export function startDev({ port, inspectorPort = 0, state, vars = {}, devVars = true, config, onLine }) {
  const args = ["dev", "--ip", "127.0.0.1", "--port", String(port), "--persist-to", state];
  args.push("--inspector-port", String(inspectorPort), "--show-interactive-dev-session=false");
  if (!devVars) args.push("--env-file", "/dev/null");
  // wrangler looks for .dev.vars beside the configuration.
  else if (config) args.push("--env-file", `${ROOT}.dev.vars`);
  if (config) args.push("--config", config);
  for (const [name, value] of Object.entries(vars)) args.push("--var", `${name}:${value}`);

  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  // workerd outlives a wrangler that was killed, and then no longer counts as its child: so its id is kept.
  let family = [];
  const exited = once(child, "exit").then(([code, signal]) => {
    sigkill(family);
    return signal ?? `exit code ${code}`;
  });

  // Until the Worker answers, everything is kept, to explain a failed start. Afterwards wrangler's standard output is our
  // Worker's JSON lines and its own chatter; its standard error is the Worker's errors and its own, which name URLs.
  let startup = [];
  const listen = (stream, wanted) =>
    createInterface({ input: stream }).on("line", (line) => {
      if (wanted(line)) onLine(withoutPaths(line));
      else startup?.push(line);
    });
  listen(child.stdout, (line) => line.startsWith("{"));
  listen(child.stderr, (line) => startup === undefined && line.trim() !== "");

  /** Resolves when /healthz answers 200. */
  async function ready(seconds = 60) {
    const origin = `http://127.0.0.1:${port}`;
    let ended;
    exited.then((how) => (ended = how));
    for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(100)) {
      if (ended) throw new Error(`wrangler dev ended (${ended}) before the Worker answered:\n${startup.join("\n")}`);
      const answer = await fetch(`${origin}/healthz`).catch(() => undefined);
      if (answer?.status === 200) {
        startup = undefined;
        family = descendants(child.pid);
        return origin;
      }
    }
    throw new Error(`${origin}/healthz did not answer 200 within ${seconds} seconds:\n${startup.join("\n")}`);
  }

  /** Asks wrangler to stop; takes it down after ten seconds. */
  async function stop() {
    child.kill("SIGTERM");
    await Promise.race([exited, sleep(10_000, undefined, { ref: false })]);
    kill();
    await exited;
  }

  /** Takes wrangler and its workerd processes down at once, as a crash would. */
  function kill() {
    if (child.exitCode !== null || child.signalCode !== null) return;
    family = descendants(child.pid);
    sigkill([child.pid, ...family]);
  }

  return { ready, stop, kill, exited };
}

const withoutPaths = (line) => line.replaceAll(/(https?:\/\/[^/\s"]+)\/[^\s"]*/g, "$1/...");

function processes() {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid, parent, group]) => ({ pid, parent, group }));
}

/** The ids of all processes below `root`. */
function descendants(root) {
  const all = processes();
  const found = [root];
  for (const pid of found) found.push(...all.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return found.slice(1);
}

/** Kills those of `pids` that are still ours: an id may have passed to a stranger, but not into our process group. */
function sigkill(pids) {
  const all = processes();
  const { group } = all.find(({ pid }) => pid === process.pid);
  for (const one of all) {
    if (!pids.includes(one.pid) || one.group !== group) continue;
    try {
      process.kill(one.pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}
