// Limits as workerd and D1 keep them: the rate-limit bindings, mail to one address, resends, and the rotation of keys.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, inviteLink } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const LIMIT = 60; // PUBLIC_LIMIT in wrangler.toml
const NEW_KEY = "k2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
const OLD_KEY = "dev:ZGV2ZWxvcG1lbnQtb25seS1rZXktbmV2ZXItZGVwbG95";

let worker, admin, visitor;
before(async () => {
  worker = await startWorker({ vars: { RATE_LIMITS: "requests=on, mail-per-address=2/hour, resends=2/hour" } });
  admin = new Client(worker.origin);
  visitor = admin.anonymous();
});
after(() => worker.close());

const form = new URLSearchParams({ password: "violet-Tugboat-88", confirm: "violet-Tugboat-88" });

async function invited(userName) {
  const created = await admin.invite(userName);
  assert.equal(created.status, 201, created.text);
  return { id: created.json.id, link: inviteLink(await admin.mailTo(`${userName}@example.com`)) };
}

test("mail to one address waits when there was too much of it, and the rest goes out", async () => {
  for (const name of ["one", "two", "three"]) {
    const created = await admin.invite(`victim-${name}`, { emails: [{ value: "Victim@example.com", primary: true }] });
    assert.equal(created.status, 201, created.text);
    assert.equal(created.d1.trips, 1);
  }
  await invited("bystander");
  await worker.scheduled();
  const mails = (await admin.get("/dev/inbox.json")).json.filter((mail) => mail.to === "Victim@example.com");
  assert.equal(mails.filter((mail) => mail.state === "sent").length, 2);
  const waiting = await admin.get("/api/mail?state=deferred");
  assert.equal(waiting.json.Resources.length, 1, waiting.text);
  assert.match(waiting.json.Resources[0].lastError, /as many mails/);
  assert.ok(Date.parse(waiting.json.Resources[0].nextAttemptAt) > Date.now() + 50 * 60 * 1000);
});

test("an invitation is sent again as often as the limit allows", async () => {
  const { id } = await invited("again");
  const resend = () => admin.post(`/api/invitations/${id}/resend`);
  assert.deepEqual([(await resend()).status, (await resend()).status], [202, 202]);
  const refused = await resend();
  assert.equal(refused.status, 429, refused.text);
  assert.ok(Number(refused.headers.get("retry-after")) > 3500);
  assert.match(refused.headers.get("content-type"), /^application\/problem\+json/);
});

test("what a key has signed is sent again before the key goes", async () => {
  const { link } = await invited("rotated");
  await worker.stop();
  await worker.restart({ TOKEN_KEYS: `${NEW_KEY},${OLD_KEY}` });
  const resent = await admin.post("/api/invitations/resend", { kid: "dev" });
  assert.equal(resent.status, 202, resent.text);
  assert.ok(resent.json.resent >= 1 && !resent.json.more, resent.text);
  assert.equal(resent.d1.trips, 2);
  assert.deepEqual((await admin.post("/api/invitations/resend", { kid: "dev" })).json, { resent: 0, more: false });
  const mail = await admin.mailTo("rotated@example.com", 2);
  await worker.stop();
  await worker.restart({ TOKEN_KEYS: NEW_KEY });
  const [retired, forged] = [await visitor.get(link), await visitor.get("/invite/lk1.x.y")];
  assert.deepEqual([retired.status, retired.text], [forged.status, forged.text]);
  assert.ok([200, 303].includes((await visitor.post(inviteLink(mail), form)).status));
});

test("the binding refuses a flood from one address, and costs no round trip", async () => {
  const answers = [];
  // Two minutes may meet within the flood; three cannot.
  for (let number = 0; number < 2 * LIMIT + 10; number++) answers.push(await visitor.post("/invite/lk1.x.y", form));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 8, `${refused.length} refused`);
  assert.ok(answers.length - refused.length >= LIMIT - 2, `${refused.length} refused`);
  for (const answer of refused) {
    assert.equal(answer.headers.get("retry-after"), "60");
    assert.match(answer.headers.get("content-type"), /^text\/html/);
    assert.equal(answer.d1.trips, 0);
  }
  assert.match(worker.log(), /"limited":"public"/);
  assert.equal((await visitor.get("/invite/lk1.x.y")).status, 404, "a page still opens");
  assert.equal((await admin.get("/scim2/Users?count=1")).status, 200, "an administrator goes on");
});

test("no binding was missing", () => assert.doesNotMatch(worker.log(), /counts nothing/));
