// The flows of an invitation where they meet what the native tests do not have: D1, Queues, and processes that die.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, eventually, inviteLink } from "./support/client.mjs";
import { select } from "./support/d1.mjs";
import { startWorker } from "./support/worker.mjs";

const WSO2 = "urn:scim:wso2:schema";
const PASSWORD = "walking the dog at nine";
let worker, admin, visitor;
before(async () => {
  worker = await startWorker();
  admin = new Client(worker.origin);
  visitor = admin.anonymous();
});
after(() => worker.close());

async function invited(userName) {
  const created = await admin.invite(userName);
  assert.equal(created.status, 201, created.text);
  return { id: created.json.id, link: inviteLink(await admin.mailTo(`${userName}@example.com`)) };
}

const redeem = (link) => visitor.post(link, new URLSearchParams({ password: PASSWORD, confirm: PASSWORD }));
const signsIn = async (userName) => (await admin.as(userName, PASSWORD).get("/scim2/Me")).status === 200;
const patch = (id, path, value) =>
  admin.request("PATCH", `/scim2/Users/${id}`, {
    body: {
      schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
      Operations: [{ op: "replace", path, value }],
    },
  });

const rivals = {
  revoke: (id) => admin.post(`/api/invitations/${id}/revoke`),
  resend: (id) => admin.post(`/api/invitations/${id}/resend`),
  delete: (id) => admin.request("DELETE", `/scim2/Users/${id}`),
  lock: (id) => patch(id, `${WSO2}:accountLocked`, true),
  disable: (id) => patch(id, "active", false),
};

for (const [name, rival] of Object.entries(rivals)) {
  test(`redeeming races ${name}: never both win`, async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async (_, round) => {
        const userName = `${name}${round}`;
        const { id, link } = await invited(userName);
        const [redeemed, other] = await Promise.all([redeem(link), sleep(round * 3).then(() => rival(id))]);
        const redeeming = redeemed.status === 200;
        assert.ok(redeeming || redeemed.status === 410 || (name === "delete" && redeemed.status === 404), redeemed.text);
        const won = other.status < 300;
        if (name === "revoke" || name === "resend") {
          assert.notEqual(redeeming, won, `redeem ${redeemed.status}, ${name} ${other.status}`);
          assert.equal(await signsIn(userName), redeeming);
          assert.equal(won || other.status === 409, true, other.text);
        } else {
          // Who has redeemed can still be deleted or locked; nobody redeems, or signs in, afterwards.
          assert.ok(won, other.text);
          assert.equal(await signsIn(userName), false);
          assert.notEqual((await redeem(link)).status, 200);
        }
        return redeeming;
      }),
    );
    assert.equal(outcomes.length, 8);
  });
}

test("of 20 resends at once each has a seq of its own, and the newest link works", async () => {
  const { id } = await invited("often");
  const answers = await Promise.all(Array.from({ length: 20 }, () => rivals.resend(id)));
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([202]));
  assert.equal(answers[0].d1.trips, 1);
  const [{ rows, seqs }] = select(
    worker.state,
    "SELECT COUNT(*) AS rows, COUNT(DISTINCT seq) AS seqs FROM outbox WHERE user_id = ?",
    id,
  );
  assert.deepEqual([rows, seqs], [21, 21]);
  const live = await eventually("the newest link", async () => {
    const { json } = await admin.get("/dev/inbox.json");
    for (const mail of json.filter((mail) => mail.to === "often@example.com")) {
      if ((await visitor.get(inviteLink(mail))).status === 200) return inviteLink(mail);
    }
  });
  assert.equal((await redeem(live)).status, 200);
});

test("the list of invitations costs one round trip and reads its page", async () => {
  const answer = await admin.get("/api/invitations?count=5");
  assert.equal(answer.status, 200);
  assert.equal(answer.json.Resources.length, 5);
  assert.equal(answer.d1.trips, 1);
  assert.ok(answer.d1.read <= 15, `read ${answer.d1.read}`);
  const next = await admin.get(`/api/invitations?count=5&cursor=${answer.json.nextCursor}`);
  assert.ok(next.d1.read <= 15, `read ${next.d1.read}`);
  const ids = [...answer.json.Resources, ...next.json.Resources].map((one) => one.userId);
  assert.equal(new Set(ids).size, 10);
});

test("the button of an expired link brings a new mail through the queue", async () => {
  const { link } = await invited("late");
  await worker.stop();
  await worker.restart({ ASK_PASSWORD_EMAIL_VALIDITY: "0" });
  assert.equal((await visitor.get(link)).status, 200, "a validity changed later is for later mails");
  assert.equal((await admin.invite("later")).status, 201);
  const expired = inviteLink(await admin.mailTo("later@example.com"));
  const page = await visitor.get(expired);
  assert.equal(page.status, 410);
  assert.equal(page.d1.trips, 0);
  assert.match(page.text, /value="new-mail"/);
  const pressed = await visitor.post(expired, new URLSearchParams({ intent: "new-mail" }));
  assert.equal(pressed.status, 200, pressed.text);
  assert.equal(pressed.d1.trips, 1);
  const mail = await admin.mailTo("later@example.com", 2);
  assert.equal(mail.template, "resendAskPassword");
});

test("killed while users are created: no user without its invitation, no invitation without its user", async () => {
  const crashing = await startWorker();
  const client = new Client(crashing.origin);
  const acknowledged = new Map();
  try {
    for (let round = 0; round < 6; round++) {
      const creating = Array.from({ length: 40 }, async (_, number) => {
        const userName = `crash${round}.${number}`;
        const answer = await client.invite(userName).catch(() => undefined);
        if (answer?.status === 201) acknowledged.set(answer.json.id, userName);
      });
      // Earlier or later into the run: before the first commit, and between the others.
      await sleep(5 + round * 25);
      await crashing.crash();
      await Promise.all(creating);
      const count = (sql) => select(crashing.state, `SELECT COUNT(*) AS count FROM ${sql}`)[0].count;
      assert.equal(
        count("resources r WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.tenant = r.tenant AND o.user_id = r.id)"),
        0,
        "a user without invitation",
      );
      assert.equal(
        count("outbox o WHERE NOT EXISTS (SELECT 1 FROM resources r WHERE r.tenant = o.tenant AND r.id = o.user_id)"),
        0,
        "an invitation without user",
      );
      const users = count("resources");
      for (const action of ["user.create", "invitation.create"]) {
        assert.equal(count(`audit WHERE action = '${action}'`), users, action);
      }
      assert.equal(count("counters WHERE type = 'User' AND total = " + users), users ? 1 : 0);
      const stored = new Set(select(crashing.state, "SELECT id FROM resources").map((row) => row.id));
      for (const id of acknowledged.keys()) assert.ok(stored.has(id), `${id} was acknowledged and is lost`);
      await crashing.restart();
    }
    // Whatever the crashes interrupted, every user gets a mail in the end, and none gets two.
    const total = select(crashing.state, "SELECT COUNT(*) AS count FROM resources")[0].count;
    assert.ok(total > 0, "some users were created");
    await crashing.scheduled();
    const leased = select(crashing.state, "SELECT COUNT(*) AS count FROM outbox WHERE state = 'sending'")[0].count;
    await eventually(
      "the mails",
      () => {
        const waiting = "SELECT COUNT(*) AS count FROM outbox WHERE state IN ('queued', 'deferred')";
        return select(crashing.state, waiting)[0].count === 0;
      },
      30,
    );
    const { json } = await client.get("/dev/inbox.json");
    assert.equal(new Set(json.map((mail) => mail.to)).size, json.length, "nobody got two");
    // What a dead process had leased is sent when its lease has ended, which takes minutes.
    assert.ok(json.length + leased >= total, `${json.length} mails, ${leased} leased, ${total} users`);
  } finally {
    await crashing.close();
  }
});
