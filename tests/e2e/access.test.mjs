// Who gets in, on workerd: API tokens through memory, KV and D1, roles, client credentials, and who has to wait.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, USER } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const PASSWORD = "walking the dog at nine";

let worker, admin;
before(async () => {
  worker = await startWorker({ vars: { RATE_LIMITS: "on" } });
  admin = new Client(worker.origin);
});
after(() => worker.close());

const json = { "content-type": "application/json" };
const bearer = (token) => new Client(worker.origin, `Bearer ${token}`);

async function makeToken(scopes) {
  const answer = await admin.post("/api/tokens", JSON.stringify({ name: "a script", scopes, expiresInDays: 1 }), { headers: json });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

async function makeUser(userName, more = {}) {
  const answer = await admin.post("/scim2/Users", { schemas: [USER], userName, password: PASSWORD, ...more });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

test("a token works until it is revoked, and is in no log", async () => {
  const { id, token } = await makeToken(["scim:read"]);
  assert.match(token, /^lk_[0-9A-Za-z]{36}$/);
  const script = bearer(token);
  assert.equal((await script.get("/scim2/Users")).status, 200);
  // Known by now: the request costs what it costs the first administrator.
  const { d1 } = await script.get(`/scim2/Users?filter=${encodeURIComponent('userName eq "nobody"')}`);
  assert.deepEqual([d1.trips, d1.written], [1, 0]);
  assert.equal((await script.post("/scim2/Users", { userName: "x" })).status, 403);
  const mistyped = await bearer(token.slice(0, -1) + (token.endsWith("0") ? "1" : "0")).get("/scim2/Users");
  assert.deepEqual([mistyped.status, mistyped.d1.trips], [401, 0]);

  assert.equal((await admin.request("DELETE", `/api/tokens/${id}`)).status, 204);
  const dead = await script.get("/scim2/Users");
  assert.equal(dead.status, 401);
  assert.match(dead.headers.get("www-authenticate"), /Bearer/);
  assert.ok(!worker.log().includes(token));
});

test("a token outlives the isolate, and its last use is on record", async () => {
  const { id, token } = await makeToken(["scim:read", "tokens"]);
  assert.equal((await bearer(token).get("/scim2/Users")).status, 200);
  await worker.stop();
  await worker.restart();
  assert.equal((await bearer(token).get("/scim2/Users")).status, 200);
  const listed = (await bearer(token).get("/api/tokens")).json.Resources.find((other) => other.id === id);
  assert.ok(Date.parse(listed.lastUsed) > Date.now() - 60_000, JSON.stringify(listed));
});

test("client credentials are exchanged for an access token", async () => {
  const { id, token } = await makeToken(["scim:read", "audit"]);
  const client = new Client(worker.origin).as(id, token);
  const body = new URLSearchParams({ grant_type: "client_credentials", scope: "scim:read" });
  const granted = await client.post("/oauth2/token", body);
  assert.equal(granted.status, 200, granted.text);
  assert.deepEqual([granted.json.token_type, granted.json.expires_in, granted.json.scope], ["Bearer", 3600, "scim:read"]);
  assert.equal((await bearer(granted.json.access_token).get("/scim2/Users")).status, 200);
  assert.equal((await client.as(id, "wrong").post("/oauth2/token", body)).status, 401);
});

test("a user with a role administers", async () => {
  await makeUser("alice", { roles: [{ value: "admin" }] });
  await makeUser("bob");
  const group = await admin.post("/scim2/Groups", { displayName: "Auditor" });
  assert.equal(group.status, 201, group.text);
  const bob = (await admin.get(`/scim2/Users?filter=${encodeURIComponent('userName eq "bob"')}`)).json.Resources[0];
  const operations = [{ op: "add", path: "members", value: [{ value: bob.id }] }];
  assert.equal((await admin.as("bob", PASSWORD).get("/scim2/Users")).status, 401);
  await admin.request("PATCH", `/scim2/Groups/${group.json.id}`, { body: { Operations: operations } });
  assert.equal((await admin.as("bob", PASSWORD).get("/scim2/Users")).status, 200);
  assert.equal((await admin.as("bob", PASSWORD).post("/scim2/Users", { userName: "x" })).status, 403);

  assert.equal((await admin.as("alice", PASSWORD).get("/api/settings")).status, 200);
});

test("whoever guesses waits, and nobody else does", async () => {
  await makeUser("victim");
  const from = (address, password) =>
    admin.as("victim", password).get("/scim2/Me", { headers: { "cf-connecting-ip": address } });
  for (let attempt = 0; attempt < 5; attempt++) assert.equal((await from("192.0.2.66", "wrong")).status, 401);
  const refused = await from("192.0.2.66", PASSWORD);
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get("retry-after"), /^[12]$/);
  assert.equal((await from("198.51.100.1", PASSWORD)).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.equal((await from("192.0.2.66", PASSWORD)).status, 200);
});
