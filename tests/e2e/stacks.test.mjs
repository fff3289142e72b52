// Events share one wasm instance: each has a stack, and more than a hundred wait for their turn.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, USER } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

let worker, admin;
before(async () => {
  worker = await startWorker();
  admin = new Client(worker.origin);
});
after(() => worker.close());

test("of 120 requests at once each gets its own answer", async () => {
  const names = Array.from({ length: 120 }, (_, index) => `at-once-${index}-ü`);
  const created = await Promise.all(names.map((userName) => admin.post("/scim2/Users", { schemas: [USER], userName })));
  assert.deepEqual(created.map(({ status, json }) => `${status} ${json.userName}`), names.map((name) => `201 ${name}`));
  const read = await Promise.all(created.map(({ json }) => admin.get(`/scim2/Users/${json.id}`)));
  assert.deepEqual(read.map(({ json }) => json.userName), names);
});

test("what nests as deep as it may leaves room in its stack", async () => {
  const post = (body) => admin.post("/scim2/Users", body, { headers: { "content-type": "application/scim+json" } });
  for (const body of [
    `${'{"a":'.repeat(125)}1${"}".repeat(125)}`,
    // Only the lenient parser reads these.
    `${"{a:".repeat(490)}1${"}".repeat(490)}`,
    `{a:${"[".repeat(490)}1${"]".repeat(490)}}`,
    "[".repeat(200_000),
  ]) {
    const refused = await post(body);
    assert.equal(refused.status, 400, refused.text);
  }
  const deep = `${"(".repeat(19)}userName pr${")".repeat(19)}`;
  assert.equal((await admin.get(`/scim2/Users?filter=${encodeURIComponent(deep)}`)).status, 200);
  assert.ok(!worker.log().includes("instance ended"));
});
