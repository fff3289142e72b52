// A panic is a bug; it is still answered, logged without its message, and forgotten by the next request.

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

test("a panic is answered with a page, and the isolate goes on", async () => {
  for (let round = 0; round < 3; round++) {
    const answer = await admin.get("/dev/panic");
    assert.equal(answer.status, 500);
    assert.match(answer.headers.get("content-type"), /^text\/html/);
    assert.match(answer.text, /The fault is on our side/);
    const created = await admin.post("/scim2/Users", { schemas: [USER], userName: `after-${round}` });
    assert.equal(created.status, 201, created.text);
  }
});

test("whoever was under way in the same isolate is answered in his own dialect", async () => {
  const bodies = Array.from({ length: 40 }, (_, index) => ({ schemas: [USER], userName: `meanwhile-${index}` }));
  const answers = await Promise.all(
    bodies.flatMap((body, index) => [admin.post("/scim2/Users", body), ...(index % 10 === 5 ? [admin.get("/dev/panic")] : [])]),
  );
  for (const answer of answers.filter(({ headers }) => !headers.get("content-type").startsWith("text/html"))) {
    assert.match(answer.headers.get("content-type"), /^application\/scim\+json/);
    assert.ok([201, 500, 503].includes(answer.status), `${answer.status} ${answer.text}`);
    if (answer.status !== 201) assert.equal(answer.json.status, String(answer.status));
  }
  // Whatever was answered: an acknowledged user is there, and trying again is harmless.
  for (const [index, body] of bodies.entries()) {
    const again = await admin.post("/scim2/Users", body);
    assert.ok([201, 409].includes(again.status), `${index}: ${again.status} ${again.text}`);
  }
});

test("the log says where, and not what", async () => {
  const log = worker.log();
  assert.match(log, /"event":"panic","place":"src\/http\/pages\/inbox\.rs:\d+"/);
  assert.ok(!log.includes("asked for"), "the message stays out of the log");
});
