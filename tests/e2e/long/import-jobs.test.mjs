// Jobs of thousands on the real D1, whose Worker is killed twice each: every row once, and the progress right afterwards.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../support/client.mjs";
import { select } from "../support/d1.mjs";
import { startWorker } from "../support/worker.mjs";

const STATUS = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:status";

let worker, admin;
before(async () => {
  // Invitations end as they are sent, so that there are expired ones.
  worker = await startWorker({ vars: { ASK_PASSWORD_EMAIL_VALIDITY: "0" } });
  admin = new Client(worker.origin);
});
after(() => worker?.close());

const count = (sql) => Number(select(worker.state, `SELECT COUNT(*) AS count FROM ${sql}`)[0].count);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until the database says so; meanwhile the scheduled handler is called as Cloudflare calls it, only more often. */
async function until(what, holds, seconds) {
  const end = Date.now() + 1000 * seconds;
  while (!holds()) {
    assert.ok(Date.now() < end, `${what} took more than ${seconds} seconds`);
    await worker.scheduled().catch(() => {});
    await pause(500);
  }
}

const done = (id) => Number(select(worker.state, "SELECT done FROM jobs WHERE id = ?", id)[0].done);

/** Kills the Worker when so many rows are done, and starts it again; what the job says then is what its rows are. */
async function killed(id, rows) {
  const end = Date.now() + 240_000;
  // Not waited for: an invocation does thousands, and the kill is to come in the midst of them.
  for (let looks = 0; done(id) < rows; looks += 1) {
    assert.ok(Date.now() < end, `${rows} rows took more than 240 seconds`);
    if (looks % 100 === 0) worker.scheduled().catch(() => {});
    await pause(20);
  }
  await worker.crash();
  await worker.restart();
  const job = (await admin.get(`/api/jobs/${id}`)).json;
  assert.equal(job.state, "running", `the kill at ${rows} came too late: ${job.done} are done`);
  assert.equal(job.done, count(`job_rows WHERE job = '${id}' AND state = 'done'`));
  console.log(`killed with ${job.done} of ${job.total} recorded`);
  return job;
}

async function finished(id, total) {
  await until("the job", () => done(id) >= total, 400);
  const { state, done: worked, failed, skipped } = (await admin.get(`/api/jobs/${id}`)).json;
  assert.deepEqual({ state, worked, failed, skipped }, { state: "done", worked: total, failed: 0, skipped: 0 });
}

async function confirmed(body) {
  const reply = await admin.post("/api/jobs", JSON.stringify(body), { headers: { "content-type": "application/json" } });
  assert.equal(reply.status, 202, reply.text);
  return reply.json.id;
}

test("an import of ten thousand whose Worker is killed twice invites each once", async () => {
  const rows = Array.from({ length: 10_000 }, (_, number) => `user${number},user${number}@example.com,Given`);
  const id = await confirmed({ action: "import", csv: `userName,email,givenName\n${rows.join("\n")}\n` });
  await killed(id, 200);
  await killed(id, 3_000);
  await finished(id, 10_000);
  assert.equal(count("resources WHERE type = 'User'"), 10_000);
  assert.equal(count("outbox WHERE template = 'AskPassword'"), 10_000);
  assert.equal(count("(SELECT DISTINCT user_id FROM outbox)"), 10_000);
  assert.equal(count(`job_rows WHERE job = '${id}' AND became = 'created'`), 10_000);
});

test("an invitation is sent again to all ten thousand whose ones have expired, each once, by a Worker that is killed twice", async () => {
  await until("the mails", () => count("outbox WHERE state = 'queued'") <= 4_000, 400);
  const id = await confirmed({ action: "resend", filter: `${STATUS} eq "expired"` });
  const { total } = (await admin.get(`/api/jobs/${id}`)).json;
  assert.ok(total >= 5_000, `${total} have expired`);
  await killed(id, 500);
  await killed(id, 2_500);
  await finished(id, total);
  assert.equal(count("outbox WHERE template = 'resendAskPassword'"), total);
  assert.equal(count("(SELECT DISTINCT user_id FROM outbox WHERE template = 'resendAskPassword')"), total);
});
