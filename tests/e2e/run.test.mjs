// `make run` as a newcomer meets it: what it prints works when pasted, and it cleans up after itself.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { portIsFree, ROOT } from "../../scripts/wrangler.mjs";
import { Client, eventually, inviteLink } from "./support/client.mjs";
import { freePort } from "./support/worker.mjs";

let port, state, run;
before(async () => {
  port = await freePort();
  state = mkdtempSync(join(tmpdir(), "latchkey-run-"));
  run = start();
  await eventually("make run to be ready", () => run.output.includes("Latchkey is ready"), 60);
});
after(async () => {
  run.child.kill("SIGTERM");
  await run.exited;
  rmSync(state, { recursive: true, force: true });
});

/** What `make run` starts once everything is built; without a terminal and with its standard input closed. */
function start() {
  const environment = { ...process.env, PORT: String(port), STATE: state };
  const child = spawn(process.execPath, ["scripts/dev.mjs"], { cwd: ROOT, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const started = { child, output: "", exited: once(child, "exit") };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (started.output += chunk));
  return started;
}

test("the printed curl, pasted into a shell, creates the seed document's user", async () => {
  const [command] = /curl -i [^]*?\/scim2\/Users$/m.exec(run.output);
  const answer = execFileSync("bash", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  assert.match(answer, /^HTTP\/1\.1 201 /);
  assert.match(answer, /"userName":"Paul"/);
});

test("no request path is printed, and so no token", async () => {
  const client = new Client(`http://127.0.0.1:${port}`);
  const link = inviteLink(await client.mailTo("paul@somemail.com"));
  const logged = run.output.length;
  assert.equal((await client.anonymous().get(link)).status, 200);
  await eventually("the request's log line", () => run.output.slice(logged).includes("/invite/{token}"));
  assert.ok(!run.output.includes(new URL(link).pathname));
  assert.ok(!/lk1\.\w/.test(run.output));
});

test("a second one on the same port says that it is taken", async () => {
  const second = start();
  assert.deepEqual(await second.exited, [1, null]);
  assert.match(second.output, new RegExp(`port ${port} is taken`));
});

test("SIGTERM ends it cleanly, and nothing keeps the port", async () => {
  run.child.kill("SIGTERM");
  assert.deepEqual(await run.exited, [0, null]);
  assert.ok(await portIsFree(port));
});
