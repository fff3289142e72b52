// A life on workerd with secrets that can be told from anything else, then a look for each of them in all that is left on
// disk (D1, KV, the queue: rows and raw files), in the log, and in the answers. attacks.md, row 20.

import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, ENTERPRISE, inviteLink, USER, WSO2 } from "./support/client.mjs";
import { dump } from "./support/d1.mjs";
import { startWorker } from "./support/worker.mjs";

const ADMIN = "Adm1nSecretOfTheDeployment";

let worker, admin;
before(async () => {
  worker = await startWorker({ vars: { ADMIN_USERNAME: "root", ADMIN_PASSWORD: ADMIN } });
  admin = new Client(worker.origin).as("root", ADMIN);
});
after(() => worker?.close());

test("no secret of a whole life is at rest, in the log, or in an answer that does not hand it out", async () => {
  const secrets = new Set([ADMIN]);
  const answers = [];
  const secret = (text) => (secrets.add(text), text);
  const told = async (label, answering) => {
    const answer = await answering;
    answers.push([label, `${[...answer.headers].join("\n")}\n${answer.text}`]);
    return answer;
  };
  const form = (fields) => [new URLSearchParams(fields), { headers: { "content-type": "application/x-www-form-urlencoded" } }];
  const tokenIn = (text) => secret(/lk1\.[\w-]+\.[\w-]+/.exec(text)[0]);

  // Created with a password; invited with one that becomes void; refused with one that is too long.
  const created = secret("CreatedSecret41");
  await told("create", admin.post("/scim2/Users", { schemas: [USER], userName: "peter", password: created }));
  assert.equal((await told("sign in", admin.as("peter", created).get("/scim2/Me"))).status, 200);
  const wrong = secret("WrongSecret52");
  assert.equal((await told("sign in", admin.as("peter", wrong).get("/scim2/Me"))).status, 401);
  assert.equal((await told("sign in", admin.as("root", wrong).get("/api/settings"))).status, 401);
  const paul = await told("invite", admin.invite("paul", { password: secret("VoidSecret63") }));
  assert.equal(paul.status, 201, paul.text);

  // The link: looked at, replaced, used with a password that is refused and one that is taken.
  const first = inviteLink(await admin.mailTo("paul@example.com"));
  tokenIn(first);
  assert.equal((await admin.anonymous().get(first)).status, 200);
  assert.equal((await told("resend", admin.post(`/api/invitations/${paul.json.id}/resend`, ""))).status, 202);
  const second = inviteLink(await admin.mailTo("paul@example.com", 2));
  tokenIn(second);
  // The button of a replaced link posts to the link that was opened, and to none besides.
  const old = await admin.anonymous().get(first);
  assert.equal(old.status, 410);
  await told("old link", { ...old, text: old.text.replaceAll(tokenIn(first), "") });
  await admin.anonymous().post(second, ...form({ password: secret("Shrt74") }));
  const chosen = secret("ChosenSecret85");
  const done = await told("redeem", admin.anonymous().post(second, ...form({ password: chosen, confirm: chosen })));
  assert.equal(done.status, 200, done.text);
  assert.equal((await told("sign in", admin.as("paul", chosen).get("/scim2/Me"))).status, 200);

  // A console session: its cookie is handed out once.
  const origin = { headers: { origin: worker.origin } };
  const nobody = admin.anonymous();
  const begun = await nobody.post("/console/login", new URLSearchParams({ username: "root", password: ADMIN, next: "" }), origin);
  assert.equal(begun.status, 303, begun.text);
  const session = secret(/=(lk_sa_[^;]+)/.exec(begun.headers.get("set-cookie"))[1]);
  const cookie = { cookie: `latchkey-session=${session}` };
  assert.equal((await told("console", nobody.get("/console", { headers: cookie }))).status, 200);
  assert.equal((await told("audit", nobody.get("/api/audit", { headers: cookie }))).status, 200);
  const forged = { cookie: `latchkey-session=${session.slice(0, -3)}AAA` };
  assert.equal((await told("forged", nobody.get("/console", { headers: forged }))).status, 303);

  // A confirmed address, a file, a template, a link to hand over, a code for others to send, an API token.
  const verified = { schemas: [USER], userName: "vera", password: secret("VerifiedSecret96"), emails: ["vera@example.com"], [WSO2]: { verifyEmail: true } };
  assert.equal((await told("verify", admin.post("/scim2/Users", verified))).status, 201);
  const verify = (await admin.mailTo("vera@example.com")).links.find((link) => link.includes("/verify/"));
  tokenIn(verify);
  assert.equal((await told("confirm", admin.anonymous().post(verify, ...form({ intent: "confirm-email" })))).status, 200);
  const file = "userName,email\nann,ann@example.com\nann,ann@example.com\n";
  await told("import", admin.post("/api/invitations/import", file, { headers: { "content-type": "text/csv" } }));
  tokenIn(inviteLink(await admin.mailTo("ann@example.com")));
  const offline = await admin.post("/api/users/v1/offline-invite-link", { username: "ann", userstore: "PRIMARY" });
  assert.equal(offline.status, 201, offline.text);
  tokenIn(offline.text);
  const made = await admin.post("/api/tokens", { name: "ci", scopes: ["scim:read"], expiresInDays: 1 });
  assert.equal(made.status, 201, made.text);
  secret(made.json.token);
  const bearer = new Client(worker.origin, `Bearer ${made.json.token}`);
  assert.equal((await told("bearer", bearer.get("/scim2/Users"))).status, 200);
  const operation = { method: "POST", path: "/Users", bulkId: "1", data: { userName: "bulk", password: secret("BulkSecret107") } };
  await told("bulk", admin.post("/scim2/Bulk", { schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], Operations: [operation] }));
  await told("broken", admin.post("/scim2/Users", `{"userName":"x","password":"${secret("BrokenSecret118")}"`));
  await told("schema", admin.post("/api/schemas", { id: "urn:example:schemas:Badge", name: "Badge", attributes: [{ name: "number", type: "string" }] }));
  assert.equal((await told("settings", admin.request("PATCH", "/api/settings", { body: { EMAIL_SENDER: "external" } }))).status, 200);
  const external = await admin.post("/scim2/Users", { schemas: [USER, ENTERPRISE], userName: "ext", emails: ["ext@example.com"], [ENTERPRISE]: { askPassword: true } });
  tokenIn([...external.headers].join("\n"));
  for (const path of ["/api/audit", "/api/mail", "/api/tokens", "/api/settings", "/api/invitations", "/scim2/Users", "/console"])
    await told(path, admin.get(path));

  // All that workerd has written, once it has stopped: the rows, and every file with whatever pages and logs it has.
  await worker.stop();
  const rows = dump(worker.state);
  const files = globSync(join(worker.state, "**/*")).filter((file) => statSync(file).isFile());
  assert.match(rows, /vera@example\.com/);
  assert.ok(files.some((file) => file.includes("/kv/")), "KV is on disk");
  assert.ok(files.some((file) => readFileSync(file).includes("vera@example.com")), "the search sees what is there");
  const log = worker.log();
  assert.match(log, /^\{/m);
  assert.ok(secrets.size > 14);
  for (const text of secrets) {
    assert.ok(!log.includes(text), `${text} is in the log`);
    assert.ok(!rows.includes(text), `${text} is in D1`);
    for (const file of files) assert.ok(!readFileSync(file).includes(text), `${text} is in ${file}`);
    for (const [label, answer] of answers) assert.ok(!answer.includes(text), `${text} is in the answer to: ${label}`);
  }
});
