// Who may redeem a link, what it costs, and what does not use it up.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, inviteLink, rawRequest } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

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
  return inviteLink(await admin.mailTo(`${userName}@example.com`));
}

const redeem = (link, password) => visitor.post(link, new URLSearchParams({ password, confirm: password }));
const succeeded = (answer) => [200, 303].includes(answer.status);
const signsIn = async (userName, password) => (await admin.as(userName, password).get("/scim2/Me")).status === 200;

/** The link with one character of its tag changed: well formed, wrong signature. */
function forge(link) {
  const [head, tag] = [link.slice(0, link.lastIndexOf(".") + 1), link.slice(link.lastIndexOf(".") + 1)];
  return head + (tag[0] === "A" ? "B" : "A") + tag.slice(1);
}

test("the page costs one D1 round trip, redeeming two", async () => {
  const link = await invited("costs");
  assert.equal((await visitor.get(link)).d1.trips, 1);
  const redeemed = await redeem(link, "violet-Tugboat-88");
  assert.ok(succeeded(redeemed), redeemed.text);
  assert.equal(redeemed.d1.trips, 2);
  assert.ok(await signsIn("costs", "violet-Tugboat-88"));
});

test("a forged link costs no D1 round trip and opens nothing", async () => {
  const link = forge(await invited("forged"));
  for (const answer of [await visitor.get(link), await redeem(link, "violet-Tugboat-88")]) {
    assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}`);
    assert.equal(answer.d1?.trips ?? 0, 0);
  }
  assert.ok(!(await signsIn("forged", "violet-Tugboat-88")));
});

test("of 50 at once with 50 passwords exactly one wins, and its password signs in", async () => {
  const link = await invited("race");
  const passwords = Array.from({ length: 50 }, (_, number) => `racing-Tugboat-${number}`);
  const answers = await Promise.all(passwords.map((password) => redeem(link, password)));
  assert.deepEqual(answers.filter((answer) => answer.status >= 500).map((answer) => answer.status), []);
  const winners = passwords.filter((_, number) => succeeded(answers[number]));
  assert.equal(winners.length, 1);
  for (const password of [winners[0], ...passwords.slice(0, 3)]) {
    assert.equal(await signsIn("race", password), password === winners[0]);
  }
});

test("GET, HEAD and empty forms, 100 times each, leave the link alive", async () => {
  const link = await invited("scanned");
  for (let round = 0; round < 100; round++) {
    const page = await visitor.get(link);
    const head = await visitor.request("HEAD", link);
    const empty = await visitor.post(link, new URLSearchParams({ password: "", confirm: "" }));
    const bare = await visitor.post(link, new URLSearchParams());
    assert.deepEqual([page.status, head.status], [200, 200]);
    for (const answer of [empty, bare]) assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}`);
  }
  assert.ok(succeeded(await redeem(link, "violet-Tugboat-88")));
});

test("a Host or X-Forwarded-Host header never reaches a link", async () => {
  const answer = await rawRequest({
    port: worker.port,
    method: "POST",
    path: "/scim2/Users",
    headers: {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      forwarded: "host=evil.example",
      authorization: admin.authorization,
      "content-type": "application/scim+json",
    },
    body: JSON.stringify({
      userName: "host",
      emails: [{ value: "host@example.com" }],
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { askPassword: "true" },
    }),
  });
  assert.equal(answer.status, 201, answer.text);
  const mail = await admin.mailTo("host@example.com");
  assert.ok(inviteLink(mail).startsWith(`${worker.origin}/invite/`));
  for (const text of [answer.text, JSON.stringify(answer.headers), JSON.stringify(mail)]) {
    assert.ok(!text.includes("evil.example"), text);
  }
});

describe("a link that was never valid", () => {
  let expired;
  before(async () => (expired = await startWorker({ vars: { ASK_PASSWORD_EMAIL_VALIDITY: "0" } })));
  after(() => expired.close());

  test("an expired link says so without asking D1", async () => {
    const client = new Client(expired.origin);
    assert.equal((await client.invite("late")).status, 201);
    const link = inviteLink(await client.mailTo("late@example.com"));
    const page = await client.anonymous().get(link);
    assert.ok(page.status >= 400 && page.status < 500, `status ${page.status}`);
    assert.match(page.text, /expired/i);
    assert.ok(!page.text.includes('name="password"'), "nothing to type");
    assert.equal(page.d1?.trips ?? 0, 0);
  });
});
