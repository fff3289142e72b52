// A real Worker for a test file: `wrangler dev` (workerd, local D1, KV and Queues) over a state folder of its own.

import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, migrate, startDev } from "../../../scripts/wrangler.mjs";
import { watchMemory } from "./memory.mjs";
import { assertHidden, remember } from "./secrets.mjs";

const running = new Set();
// A test runner that gives up on a file ends it with SIGTERM; workerd must not stay behind.
const killAll = () => running.forEach((dev) => dev.kill());
process.on("exit", killAll);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(1));

export async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The committed wrangler.toml with a D1 database more for each binding, as docs/stores.md tells deployers to write it. */
function withDatabases(folder, bindings) {
  const config = join(folder, "wrangler.toml");
  const absolute = (text) => text.replaceAll(/^(main|migrations_dir|directory) = "/gm, `$1 = "${ROOT}`);
  const databases = bindings.map(
    (binding, index) => `
[[d1_databases]]
binding = "${binding}"
database_name = "latchkey-${binding.toLowerCase()}"
database_id = "00000000-0000-0000-0000-${String(index + 1).padStart(12, "0")}"
migrations_dir = "schema/d1"
`,
  );
  writeFileSync(config, absolute(readFileSync(`${ROOT}wrangler.toml`, "utf8") + databases.join("")));
  return config;
}

/** Makes a state folder with the databases as the migrations leave them: applied once, then copied, which takes no time. */
async function migrated(state, config) {
  if (config) return migrate(state, config);
  const hash = createHash("sha256");
  for (const file of globSync(`${ROOT}{schema/d1/*.sql,wrangler.toml,package-lock.json}`).sort()) hash.update(readFileSync(file));
  const template = `${ROOT}.wrangler/e2e-${hash.digest("hex").slice(0, 16)}`;
  if (!existsSync(template)) {
    const fresh = `${template}-${process.pid}`;
    await migrate(fresh);
    try {
      renameSync(fresh, template);
    } catch (error) {
      // Another file's Worker was as fast: the template is as good from either.
      if (!existsSync(template)) throw error;
    }
  }
  cpSync(template, state, { recursive: true });
}

/**
 * Options: `vars` win over .dev.vars; `devVars: false` runs without .dev.vars, as a deployment does; `logFile` keeps the
 * log after `close`; `databases` are the bindings of more D1 databases.
 */
export async function startWorker({ vars = {}, devVars = true, logFile, databases = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-e2e-"));
  const state = join(folder, "state");
  const log = logFile ?? join(folder, "worker.log");
  writeFileSync(log, "");
  const config = databases.length ? withDatabases(folder, databases) : undefined;
  await migrated(state, config);

  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  if (devVars) vars = { PUBLIC_ORIGIN: origin, ...vars };
  for (const [name, value] of Object.entries(vars)) if (/KEY|SECRET|PASSWORD$/.test(name)) remember(value);
  let dev, memory;

  async function start() {
    const inspectorPort = await freePort();
    dev = startDev({ port, inspectorPort, state, vars, devVars, config, onLine: (line) => appendFileSync(log, `${line}\n`) });
    running.add(dev);
    dev.exited.then(() => running.delete(dev));
    await dev.ready();
    memory = await watchMemory(inspectorPort);
  }

  /** Ends the watch on the isolate's memory, before what it watches ends; fails where it was larger than Workers allow. */
  const endWatch = (how) => memory.end(readFileSync(log, "utf8"), how);

  await start();
  return {
    origin,
    port,
    state,
    /** All that the Worker has logged so far: what `make run` would print. */
    log: () => readFileSync(log, "utf8"),
    /** Calls the scheduled handler, as Cloudflare does every minute. */
    async scheduled() {
      const answer = await fetch(`${origin}/cdn-cgi/handler/scheduled`);
      if (!answer.ok) throw new Error(`scheduled handler: ${answer.status} ${await answer.text()}`);
    },
    async stop() {
      endWatch();
      await dev.stop();
    },
    /** kill -9 of wrangler and workerd together. */
    async crash() {
      endWatch({ killed: true });
      dev.kill();
      await dev.exited;
    },
    /** Starts again over the same state, on the same port, after `stop` or `crash`; `changed` replaces some vars. */
    async restart(changed = {}) {
      vars = { ...vars, ...changed };
      await start();
    },
    /** Stops for good; fails if a secret of the tests is in the log or on disk. */
    async close() {
      // Whatever fails, the Worker ends: a test file that has failed would run on with it.
      try {
        endWatch();
      } finally {
        await dev.stop();
      }
      assertHidden(state, readFileSync(log, "latin1"));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
