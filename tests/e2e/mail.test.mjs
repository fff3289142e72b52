// Mail through a provider: never lost, never twice.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, beforeEach, test } from "node:test";
import { Client, eventually } from "./support/client.mjs";
import { startResend } from "./support/resend.mjs";
import { startWorker } from "./support/worker.mjs";

let resend, worker, admin;
before(async () => {
  resend = await startResend();
  worker = await startWorker({
    vars: {
      MAIL_PROVIDER: "resend",
      MAIL_API_BASE: resend.origin,
      MAIL_API_KEY: "re_test_key",
      MAIL_FROM: "Latchkey <invitations@example.com>",
      MAIL_RETRY_BASE_SECONDS: "1",
      MAIL_TIMEOUT_SECONDS: "2",
      MAIL_LEASE_SECONDS: "5",
    },
  });
  admin = new Client(worker.origin);
});
after(async () => {
  await worker?.close();
  resend?.close();
});
beforeEach(() => {
  for (const list of [resend.requests, resend.accepted, resend.faults]) list.length = 0;
});

/** Invites, and returns the provider's requests once `count` mails were accepted and nothing more has come for a while. */
async function delivered(userName, count = 1) {
  const created = await admin.invite(userName);
  assert.equal(created.status, 201, created.text);
  await settled(count);
  return resend.requests;
}

async function settled(count) {
  await eventually(`${count} accepted mail(s)`, async () => {
    // The queue and the retries bring it on by themselves; Cloudflare's cron, which wrangler dev lacks, only later.
    await worker.scheduled();
    return resend.accepted.length >= count;
  }, 60);
  await sleep(2000);
  await worker.scheduled();
}

const isMail = (request) => JSON.stringify([request.headers["idempotency-key"], request.body]);

test("a mail is sent once, with all that Resend wants", async () => {
  const [request, ...others] = await delivered("plain");
  assert.deepEqual(others, []);
  assert.equal(request.method, "POST");
  assert.equal(request.path, "/emails");
  assert.equal(request.headers.authorization, "Bearer re_test_key");
  assert.match(request.headers["idempotency-key"], /^AskPassword\/[0-9a-f-]{36}\/\d+/);
  assert.ok(request.headers["idempotency-key"].length <= 256);
  assert.ok(request.headers["user-agent"]);
  assert.equal(request.body.from, "Latchkey <invitations@example.com>");
  assert.ok([request.body.to].flat().some((address) => address.includes("plain@example.com")));
  assert.match(request.body.text, new RegExp(`${worker.origin}/invite/lk1\\.`));
});

for (const [name, faults] of [
  ["refused with 500 twice", [{ status: 500 }, { status: 500 }]],
  ["rate limited with Retry-After", [{ status: 429, headers: { "retry-after": "2" }, body: { name: "rate_limit_exceeded" } }]],
  ["its connection closed after it was taken", [{ close: "after" }]],
  ["its connection closed before it was read", [{ close: "before" }]],
  ["its answer late", [{ stall: 6000 }]],
]) {
  test(`a mail is accepted exactly once when ${name}`, async () => {
    resend.faults.push(...faults);
    const userName = `fault-${name.replaceAll(/\W+/g, "-")}`;
    const requests = await delivered(userName);
    assert.equal(resend.accepted.length, 1);
    assert.equal(new Set(requests.map(isMail)).size, 1, "every attempt is the same, under the same key");
  });
}

test("a mail keeps to the template of its first attempt, whatever is edited meanwhile", async () => {
  const path = "/api/server/v2/email/template-types/QXNrUGFzc3dvcmQ/org-templates/en_US";
  const store = async (subject) => {
    const body = { contentType: "text/html", subject, body: "<a href='{{invitation-link}}'>go</a>", footer: "" };
    const stored = await admin.request("PUT", path, { body });
    assert.equal(stored.status, 200, stored.text);
  };
  await store("First");
  resend.faults.push({ status: 500 });
  const created = await admin.invite("edited");
  assert.equal(created.status, 201, created.text);
  await eventually("a first attempt", () => resend.requests.length === 1, 60);
  await store("Second");
  await settled(1);
  assert.deepEqual(resend.requests.map((request) => request.body.subject), ["First", "First"]);
  assert.equal(new Set(resend.requests.map(isMail)).size, 1);
  assert.equal((await admin.request("DELETE", path)).status, 204);
  const shown = await admin.get(path);
  assert.equal(shown.json.subject, "You are invited to {{organization-name}}");
});

test("a crash right after the answer loses no mail and sends none twice", async () => {
  const created = await admin.invite("crash");
  assert.equal(created.status, 201, created.text);
  await worker.crash();
  await worker.restart();
  await settled(1);
  assert.equal(resend.accepted.length, 1);
});

test("the key of the provider is in no log line", () => {
  assert.ok(!worker.log().includes("re_test_key"));
});
