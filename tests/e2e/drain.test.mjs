// Ten thousand mails wait because their provider has had enough for today; another takes them: at most three D1 round trips
// for a hundred mails, as the sender's own log lines tell.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, ENTERPRISE, USER, eventually } from "./support/client.mjs";
import { select } from "./support/d1.mjs";
import { startResend } from "./support/resend.mjs";
import { startWorker } from "./support/worker.mjs";

const MAILS = 10_000;

let resend, worker, admin;
before(async () => {
  resend = await startResend();
  worker = await startWorker({
    vars: { MAIL_PROVIDER: "resend", MAIL_API_BASE: resend.origin, MAIL_API_KEY: "re_test_key", MAIL_RETRY_BASE_SECONDS: "60" },
  });
  admin = new Client(worker.origin);
});
after(async () => {
  await worker?.close();
  resend?.close();
});

const waiting = () =>
  select(worker.state, "SELECT COUNT(*) AS n FROM outbox WHERE state IN ('queued', 'sending', 'deferred')")[0].n;

test("draining ten thousand mails costs three round trips a hundred", { timeout: 280_000 }, async (t) => {
  const quota = { status: 429, headers: { "retry-after": "86400" }, body: { name: "daily_quota_exceeded" } };
  resend.faults.push(...Array(1000).fill(quota));
  for (let thousand = 0; thousand < MAILS / 1000; thousand += 1) {
    const operation = (number) => ({
      method: "POST",
      path: "/Users",
      bulkId: `b${number}`,
      data: {
        schemas: [USER, ENTERPRISE],
        userName: `user${thousand}-${number}`,
        emails: [{ value: `user${thousand}-${number}@example.com` }],
        [ENTERPRISE]: { askPassword: true },
      },
    });
    const answer = await admin.post("/scim2/Bulk", {
      schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
      Operations: Array.from({ length: 1000 }, (_, number) => operation(number)),
    });
    assert.equal(answer.status, 200, answer.text);
  }
  assert.equal(waiting(), MAILS, "none was sent, none was lost");
  // Three refusals in a row, those under way by then, and one more whenever the provider is tried again.
  assert.ok(resend.requests.length < 100, `the provider is left alone: ${resend.requests.length} requests`);

  await worker.stop();
  const before = worker.log().length;
  await worker.restart({ MAIL_PROVIDER: "inbox" });
  // Those that were refused wait for their time; a batch that one of them left half full is one more.
  const refused = select(worker.state, "SELECT COUNT(*) AS n FROM outbox WHERE due > unixepoch() * 1000 + 3600000")[0].n;
  await eventually("the outbox to be empty", async () => {
    await worker.scheduled();
    return waiting() === refused;
  }, 200);

  const sum = (runs, figure) => runs.map(figure).reduce((one, other) => one + other, 0);
  // A run's line comes after its last batch.
  const runs = await eventually("the lines of all runs", () => {
    const lines = worker.log().slice(before).split("\n").filter((line) => line.startsWith('{"event":"mail"'));
    const told = lines.map((line) => JSON.parse(line));
    return sum(told, (run) => run.sent) === MAILS - refused && told;
  });
  const trips = sum(runs, (run) => Number(/trips=(\d+)/.exec(run.d1)[1]));
  // A run that finds the rest taken by another, or nothing more, has looked once in vain.
  t.diagnostic(`${trips} round trips in ${runs.length} runs for ${MAILS - refused} mails`);
  const most = 3 * Math.ceil(MAILS / 100) + runs.length;
  assert.ok(trips <= most, `${trips} round trips in ${runs.length} runs for ${MAILS} mails, at most ${most}`);
});
