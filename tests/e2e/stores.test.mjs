// User stores: two D1 databases behind one Worker.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, eventually, inviteLink } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const PASSWORD = "walking the dog at nine";

let worker, admin;
before(async () => {
  worker = await startWorker({ databases: ["DB_ACME"], vars: { USER_STORES: "ACME=DB_ACME" } });
  admin = new Client(worker.origin);
});
after(() => worker?.close());

/** Invites a user, and returns what was created. */
async function invite(userName, address) {
  const created = await admin.invite(userName, { emails: [{ value: address, primary: true }] });
  assert.equal(created.status, 201, created.text);
  return created;
}

const userNames = ({ json }) => json.Resources.map((user) => user.userName);

test("a user of another store is invited, signs in, joins a group and leaves it", async () => {
  const created = await invite("ACME/alice", "alice@example.com");
  const alice = created.json;
  assert.equal(alice.userName, "ACME/alice");
  assert.match(alice.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8/);
  // Native tests assert each verb's round trips. The settings, which are PRIMARY's, may have to be read first.
  assert.ok(created.d1.trips <= 2, JSON.stringify(created.d1));

  const mail = await admin.mailTo("alice@example.com");
  assert.doesNotMatch(mail.text, /ACME/);
  const link = inviteLink(mail);
  const page = await admin.anonymous().get(link);
  assert.equal(page.status, 200);
  assert.match(page.text, /value="ACME\/alice"/);
  const used = await admin.anonymous().post(link, new URLSearchParams({ password: PASSWORD, confirm: PASSWORD }));
  assert.equal(used.status, 200, used.text);
  // One to PRIMARY: whether a group has given a role since the link was made.
  assert.equal(used.d1.trips, 3);
  assert.equal((await admin.anonymous().get(link)).status, 410);

  const me = await admin.as("ACME/alice", PASSWORD).get("/scim2/Me");
  assert.equal(me.json?.id, alice.id, me.text);
  assert.equal((await admin.as("alice", PASSWORD).get("/scim2/Me")).status, 401);

  const group = await admin.post("/scim2/Groups", { displayName: "staff", members: [{ value: alice.id }] });
  assert.equal(group.status, 201, group.text);
  assert.equal(group.json.members[0].display, "ACME/alice");
  const read = await admin.get(`/scim2/Users/${alice.id}`);
  assert.deepEqual(read.json.groups.map(({ display, type }) => [display, type]), [["staff", "direct"]]);
  assert.equal(read.d1.trips, 2);

  const gone = await admin.request("DELETE", `/scim2/Users/${alice.id}`);
  assert.equal(gone.status, 204);
  assert.equal(gone.d1.trips, 2);
  assert.equal((await admin.get(`/scim2/Groups/${group.json.id}`)).json.members, undefined);
  assert.equal((await admin.as("ACME/alice", PASSWORD).get("/scim2/Me")).status, 401);
});

test("lists visit both stores, or the one that the client names", async () => {
  await invite("paul", "paul@example.com");
  for (const name of ["zoe", "bob"]) await invite(`acme/${name}`, `${name}@example.com`);
  const all = await admin.get("/scim2/Users?excludedAttributes=groups");
  assert.deepEqual(userNames(all), ["paul", "ACME/zoe", "ACME/bob"]);
  assert.equal(all.json.totalResults, 3);
  assert.equal(all.d1.trips, 2);
  assert.deepEqual(userNames(await admin.get("/scim2/Users?domain=ACME&sortBy=userName")), ["ACME/bob", "ACME/zoe"]);
  assert.deepEqual(userNames(await admin.get("/scim2/Users?sortBy=userName")), ["ACME/bob", "ACME/zoe", "paul"]);
  for (const order of ["", "&sortBy=meta.created&sortOrder=descending"]) {
    const seen = [];
    for (let cursor = ""; cursor !== undefined; ) {
      const page = await admin.get(`/scim2/Users?count=1&cursor=${cursor}${order}`);
      assert.equal(page.status, 200, page.text);
      seen.push(...userNames(page));
      cursor = page.json.nextCursor;
    }
    const expected = ["paul", "ACME/zoe", "ACME/bob"];
    assert.deepEqual(seen, order ? expected.toReversed() : expected);
  }
  const one = await admin.get(`/scim2/Users?excludedAttributes=groups&filter=${encodeURIComponent('userName eq "ACME/bob"')}`);
  assert.deepEqual(userNames(one), ["ACME/bob"]);
  assert.equal(one.d1.trips, 1);
  assert.ok(one.d1.read <= 4, JSON.stringify(one.d1));
  const foo = await admin.get("/scim2/Users?domain=FOO");
  assert.equal(foo.status, 400);
  assert.match(foo.json.detail, /^Invalid user store domain: 'FOO'/);
});

test("the sweep visits every store", async () => {
  const { json: user } = await invite("ACME/swept", "swept@example.com");
  await worker.scheduled();
  await admin.mailTo("swept@example.com");
  await eventually("every row of ACME's audit to be sealed", async () => {
    await worker.scheduled();
    const page = await admin.get(`/api/audit?domain=ACME&userId=${user.id}`);
    return page.json.Resources.length > 0 && page.json.Resources.every((row) => row.seal);
  });
});

test("a store without its binding is named, and nothing is served", async () => {
  const broken = await startWorker({ vars: { USER_STORES: "ACME=DB_ACME" } });
  try {
    const answer = await new Client(broken.origin).get("/scim2/Users");
    assert.equal(answer.status, 503);
    assert.match(answer.text, /DB_ACME/);
    assert.equal((await fetch(`${broken.origin}/healthz`)).status, 200);
  } finally {
    await broken.close();
  }
});
