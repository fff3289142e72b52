// What a deployment says before it is configured, and that it is closed until then.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const ROUTES = [
  ["GET", "/scim2/Users"],
  ["POST", "/scim2/Users"],
  ["GET", "/scim2/Me"],
  ["GET", "/scim2/ServiceProviderConfig"],
  ["GET", "/t/acme.example/scim2/Users"],
  ["GET", "/api/audit"],
  ["POST", "/api/tokens"],
  ["GET", "/invite/lk1.AAAA.AAAA"],
  ["GET", "/console"],
  ["GET", "/dev/inbox"],
  ["GET", "/dev/inbox.json"],
  ["GET", "/no/such/path"],
];

function isClosed(options, settings) {
  let worker;
  before(async () => (worker = await startWorker(options)));
  after(() => worker.close());

  test("/healthz answers 200", async () => {
    assert.equal((await new Client(worker.origin).get("/healthz")).status, 200);
  });

  for (const [method, path] of ROUTES) {
    test(`${method} ${path} answers 503 and names ${settings.join(", ")}`, async () => {
      const answer = await new Client(worker.origin).request(method, path);
      assert.equal(answer.status, 503);
      for (const setting of settings) assert.match(answer.text, new RegExp(`\\b${setting}\\b`));
    });
  }
}

describe("nothing configured", () =>
  isClosed({ devVars: false }, ["TOKEN_KEYS", "PUBLIC_ORIGIN", "MAIL_PROVIDER"]));

describe("the development settings in production", () =>
  isClosed({ vars: { ENVIRONMENT: "production" } }, ["ADMIN_PASSWORD", "TOKEN_KEYS", "MAIL_PROVIDER"]));

describe("a short key", () =>
  isClosed({ devVars: false, vars: { ...configured(), TOKEN_KEYS: "k1:c2hvcnQ" } }, ["TOKEN_KEYS"]));

describe("everything configured", () => {
  let worker;
  before(async () => (worker = await startWorker({ devVars: false, vars: configured() })));
  after(() => worker.close());

  test("the administrator is let in, others are not", async () => {
    const client = new Client(worker.origin);
    const users = `/scim2/Users?filter=${encodeURIComponent('userName eq "nobody"')}`;
    assert.equal((await client.as("root", "correct horse battery").get(users)).status, 200);
    assert.equal((await client.get(users)).status, 401);
    assert.equal((await client.anonymous().get(users)).status, 401);
  });

  test("there is no development inbox, and no figures in the answers", async () => {
    const client = new Client(worker.origin).as("root", "correct horse battery");
    assert.equal((await client.get("/dev/inbox")).status, 404);
    assert.equal((await client.get("/dev/inbox.json")).status, 404);
    assert.equal((await client.get("/scim2/Users")).headers.get("server-timing"), null);
  });
});

/** A production configuration; nothing is sent, so the provider's address leads nowhere. */
function configured() {
  return {
    PUBLIC_ORIGIN: "https://id.example.com",
    ADMIN_USERNAME: "root",
    ADMIN_PASSWORD: "correct horse battery",
    TOKEN_KEYS: `k1:${Buffer.from("a key for the end-to-end tests only").toString("base64url")}`,
    MAIL_PROVIDER: "resend",
    MAIL_API_KEY: "re_test",
    MAIL_API_BASE: "http://127.0.0.1:9",
    MAIL_FROM: "Tests <tests@example.com>",
  };
}
