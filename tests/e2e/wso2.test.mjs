// The twenty black-box checks of a WSO2 client, in the order of the facts that they come from, against the built Worker.
// Where Latchkey departs from WSO2 on purpose, the test says so, and docs/wso2.md says why.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, ENTERPRISE, eventually, USER, WSO2 } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const SENT = "sent by the HR system";
const CHOSEN = "violet-Tugboat-88";
const RECOVERY = "/api/identity/recovery/v0.9";
const ACCOUNT = "/api/identity/user/v1.0";
const INVITATION = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";

let worker, admin, visitor;
before(async () => {
  worker = await startWorker();
  admin = new Client(worker.origin);
  visitor = admin.anonymous();
});
after(() => worker?.close());

/** Creates a user with flags of the enterprise extension, as a WSO2 client does. */
function create(userName, flags, { prefix = "", ...more } = {}) {
  return admin.post(`${prefix}/scim2/Users`, {
    schemas: [USER, ENTERPRISE],
    userName,
    password: SENT,
    emails: [{ value: `${userName}@example.com`, primary: true }],
    [ENTERPRISE]: flags,
    ...more,
  });
}

const address = (userName) => `${userName}@example.com`;
const codeIn = (mail) => mail.links.map((link) => /\/(?:invite|verify)\/(lk1\.[\w.-]+)$/.exec(link)?.[1]).find(Boolean);
/** The code in the newest mail to a user once there are `count` of them. */
const code = async (userName, count = 1) => codeIn(await admin.mailTo(address(userName), count));
const mails = async (userName) =>
  (await admin.get("/dev/inbox.json")).json.filter((mail) => mail.to.includes(address(userName))).length;
const signsIn = async (userName, password) => (await admin.as(userName, password).get("/scim2/Me")).status === 200;
const read = async (userName) =>
  (await admin.get(`/scim2/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`)).json.Resources[0];
const post = (path, body, client = visitor) =>
  client.post(path, JSON.stringify(body), { headers: { "content-type": "application/json" } });
const validate = (code, prefix = "") =>
  post(`${prefix}${RECOVERY}/validate-code`, { code, step: "UPDATE_PASSWORD", properties: [] });
const setPassword = (key, password, prefix = "") =>
  post(`${prefix}${RECOVERY}/set-password`, { key, password, properties: [] });
const resend = (username, value) =>
  post(`${ACCOUNT}/resend-code`, { user: { username, realm: "PRIMARY" }, properties: [{ key: "RecoveryScenario", value }] }, admin);
const set = async (settings) => {
  const answer = await admin.request("PATCH", "/api/settings", { body: settings });
  assert.equal(answer.status, 200, answer.text);
};

function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.code, code, answer.text);
  assert.ok(answer.json.message && answer.json.traceId, answer.text);
}

test("1 askPassword as text: 201, locked, PENDING_AP, one mail, and the password sent does not work", async () => {
  const created = await create("one", { askPassword: "true" });
  assert.equal(created.status, 201, created.text);
  assert.equal(created.json[WSO2].accountState, "PENDING_AP");
  assert.equal(created.json[WSO2].accountLocked, true);
  assert.equal(created.json[WSO2].lockedReason, "PENDING_ASK_PASSWORD");
  const mail = await admin.mailTo(address("one"));
  assert.equal(mail.template, "AskPassword");
  const confirmation = `${worker.origin}/accountrecoveryendpoint/confirmrecovery.do?confirmation=${codeIn(mail)}`;
  const redirect = await visitor.get(confirmation);
  assert.equal(redirect.status, 303);
  assert.equal((await visitor.get(redirect.headers.get("location"))).status, 200);
  assert.equal(await mails("one"), 1);
  assert.equal(await signsIn("one", SENT), false);
});

test("2 askPassword as a boolean does the same", async () => {
  assert.equal((await create("two", { askPassword: true })).json[WSO2].accountState, "PENDING_AP");
  assert.ok(await code("two"));
});

test("3 askPassword false, \"false\" or absent: unlocked, no mail", async () => {
  for (const [userName, flags] of [["three-a", { askPassword: "false" }], ["three-b", { askPassword: false }], ["three-c", {}]]) {
    assert.equal((await create(userName, flags)).status, 201);
    assert.ok(await signsIn(userName, SENT), userName);
    assert.equal(await mails(userName), 0);
  }
});

test("4 the feature switched off: 201, unlocked, and the password sent works", async () => {
  await set({ ENABLE_EMAIL_VERIFICATION: false });
  const created = await create("four", { askPassword: true });
  await set({ ENABLE_EMAIL_VERIFICATION: null });
  assert.equal(created.status, 201);
  assert.ok(await signsIn("four", SENT));
  assert.equal(await mails("four"), 0);
});

test("5 verifyEmail without an address: 400, and nobody was created", async () => {
  const refusal = await create("five", { verifyEmail: true }, { emails: [] });
  assert.equal(refusal.status, 400, refusal.text);
  assert.equal(refusal.json.scimType, "invalidValue");
  assert.equal((await admin.get('/scim2/Users?filter=userName%20eq%20"five"')).json.totalResults, 0);
});

test("6 verifyEmail: no sign-in, validate-code 202, then the password sent works", async () => {
  assert.equal((await create("six", { verifyEmail: "true" })).json[WSO2].accountState, "PENDING_EV");
  assert.equal(await signsIn("six", SENT), false);
  const answer = await post(`${ACCOUNT}/validate-code`, { code: await code("six"), properties: [] });
  assert.equal(answer.status, 202, answer.text);
  assert.equal(answer.json.username, "six");
  assert.ok(await signsIn("six", SENT));
  assert.equal((await read("six"))[WSO2].emailVerified, true);
});

test("7 validate-code does not use a code up, set-password does", async () => {
  const created = await create("seven", { askPassword: true });
  const key = await code("seven");
  const user = { username: "seven", realm: "PRIMARY", "tenant-domain": "carbon.super", userId: created.json.id };
  for (const answer of [await validate(key), await validate(key)]) {
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual(answer.json, user);
  }
  const done = await setPassword(key, CHOSEN);
  assert.equal(done.status, 200, done.text);
  assert.deepEqual(done.json, user);
  assert.ok(await signsIn("seven", CHOSEN));
  refused(await setPassword(key, CHOSEN), 400, "18001");
  refused(await validate(key), 400, "18001");
});

test("8 a weak password is 20035, and the same key works with a good one", async () => {
  await create("eight", { askPassword: true });
  const key = await code("eight");
  refused(await setPassword(key, "short"), 400, "20035");
  assert.equal((await read("eight"))[WSO2].accountState, "PENDING_AP");
  assert.equal((await setPassword(key, CHOSEN)).status, 200);
});

test("9 a password that was used before is a 412 with the key", async () => {
  await set({ PASSWORD_HISTORY: 3, DISABLE_RANDOM_VALUE_FOR_CREDENTIALS: true });
  await create("nine", { askPassword: true });
  const key = await code("nine");
  const answer = await setPassword(key, SENT);
  refused(answer, 412, "22001");
  assert.equal(answer.json.key, key);
  assert.equal((await setPassword(key, CHOSEN)).status, 200);
  await set({ PASSWORD_HISTORY: null, DISABLE_RANDOM_VALUE_FOR_CREDENTIALS: null });
});

test("10 expiry 0 is 18002 and -1 is for ever; a departure: a change counts for later mails only", async () => {
  await create("ten-a", { askPassword: true });
  const before = await code("ten-a");
  await set({ ASK_PASSWORD_EMAIL_VALIDITY: 0 });
  await create("ten-b", { askPassword: true });
  refused(await validate(await code("ten-b")), 400, "18002");
  await set({ ASK_PASSWORD_EMAIL_VALIDITY: -1 });
  await create("ten-c", { askPassword: true });
  assert.equal((await validate(await code("ten-c"))).status, 202);
  assert.equal((await read("ten-c"))[INVITATION].expiresAt, undefined);
  await set({ ASK_PASSWORD_EMAIL_VALIDITY: 0 });
  assert.equal((await validate(before)).status, 202, "the expiry is in the signed code");
  await set({ ASK_PASSWORD_EMAIL_VALIDITY: null });
});

test("11 resend: the old code dies, the new one works, also after expiry; after completion 400", async () => {
  await set({ ASK_PASSWORD_EMAIL_VALIDITY: 0 });
  await create("eleven", { askPassword: true });
  const expired = await code("eleven");
  refused(await validate(expired), 400, "18002");
  await set({ ASK_PASSWORD_EMAIL_VALIDITY: null });
  for (const count of [2, 3]) {
    const sent = await resend("eleven", "ASK_PASSWORD");
    assert.equal(sent.status, 201, sent.text);
    assert.equal(sent.text, "");
    await code("eleven", count);
  }
  const inbox = (await admin.get("/dev/inbox.json")).json.filter((mail) => mail.to.includes(address("eleven")));
  const [newest, older] = inbox.map(codeIn);
  assert.equal(inbox[0].template, "resendAskPassword");
  refused(await validate(older), 400, "18001");
  assert.equal((await setPassword(newest, CHOSEN)).status, 200);
  const late = await resend("eleven", "ASK_PASSWORD");
  refused(late, 400, null);
  assert.equal(late.json.message, "User recovery data is not found. Please re-initiate the recovery flow.");
});

test("12 a code of another tenant is refused there, and works in its own", async () => {
  const owners = [{ username: "owner", email: "owner@acme.example", firstname: "O", lastname: "W", provisioningMethod: "invite-via-email" }];
  assert.equal((await post("/api/server/v1/tenants", { domain: "acme.example", owners }, admin)).status, 201);
  assert.equal((await create("twelve", { askPassword: true }, { prefix: "/t/acme.example" })).status, 201);
  const key = await code("twelve");
  assert.equal((await validate(key)).status, 400);
  refused(await setPassword(key, CHOSEN), 400, "UAR-10005");
  const own = await setPassword(key, CHOSEN, "/t/acme.example");
  assert.equal(own.status, 200, own.text);
  assert.equal(own.json["tenant-domain"], "acme.example");
});

test("13 a deleted user's code is 18001", async () => {
  const { json } = await create("thirteen", { askPassword: true });
  const key = await code("thirteen");
  assert.equal((await admin.request("DELETE", `/scim2/Users/${json.id}`)).status, 204);
  refused(await validate(key), 400, "18001");
});

test("14 an administrator's password ends the invitation, and the code is dead", async () => {
  const { json } = await create("fourteen", { askPassword: true });
  const key = await code("fourteen");
  const Operations = [{ op: "replace", path: "password", value: CHOSEN }];
  const patched = await admin.request("PATCH", `/scim2/Users/${json.id}`, { body: { Operations } });
  assert.equal(patched.json[WSO2].accountState, "UNLOCKED", patched.text);
  assert.ok(await signsIn("fourteen", CHOSEN));
  refused(await validate(key), 400, "18001");
});

test("15 mails managed externally: the code in a header, and per operation in Bulk; no mail", async () => {
  await set({ EMAIL_SENDER: "external" });
  const created = await create("fifteen", { askPassword: true });
  const key = created.headers.get("Ask-Password-Confirmation-Code");
  assert.match(key, /^lk1\./);
  const data = (userName) => ({ userName, emails: [{ value: address(userName) }], [WSO2]: { askPassword: true } });
  const bulk = await admin.post("/scim2/Bulk", {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    Operations: ["fifteen-a", "fifteen-b"].map((name) => ({ method: "POST", path: "/Users", bulkId: name, data: data(name) })),
  });
  const codes = bulk.json.Operations.map((operation) => operation.headers["Ask-Password-Confirmation-Code"]);
  const again = await resend("fifteen-b", "ASK_PASSWORD");
  await set({ EMAIL_SENDER: null });
  assert.equal((await setPassword(codes[0], CHOSEN)).status, 200);
  refused(await validate(codes[1]), 400, "18001");
  assert.equal((await setPassword(again.text, CHOSEN)).status, 200, "the resend answers the code");
  assert.equal((await setPassword(key, CHOSEN)).status, 200);
  assert.ok(await signsIn("fifteen", CHOSEN));
  // The mail that tells of the chosen password is none that brings a code.
  const sent = (await admin.get("/dev/inbox.json")).json.filter((mail) => mail.to.includes(address("fifteen")));
  assert.deepEqual(sent.filter((mail) => mail.template !== "AccountActivationSuccess"), []);
});

test("16 the mail is in the user's language; a language that there is none for falls back to en_US", async () => {
  await create("sixteen-a", { askPassword: true }, { locale: "fr_FR" });
  await create("sixteen-b", { askPassword: true }, { locale: "xx_XX" });
  assert.equal((await admin.mailTo(address("sixteen-a"))).locale, "fr_FR");
  assert.equal((await admin.mailTo(address("sixteen-b"))).locale, "en_US");
});

test("17 a '+' and an '@' in a user name harm neither the link nor a resend", async () => {
  const userName = "seven+teen@example.com";
  const created = await create(userName, { askPassword: true }, { emails: [{ value: userName }] });
  assert.equal(created.status, 201, created.text);
  await admin.mailTo(userName);
  assert.equal((await resend(userName, "ASK_PASSWORD")).status, 201);
  const key = codeIn(await admin.mailTo(userName, 2));
  assert.equal((await setPassword(key, CHOSEN)).json.username, userName);
  assert.ok(await signsIn(userName, CHOSEN));
});

test("18 connectors: read, changed and reverted, with strings for values", async () => {
  const connector = "/api/server/v1/identity-governance/VXNlciBPbmJvYXJkaW5n/connectors/dXNlci1lbWFpbC12ZXJpZmljYXRpb24";
  const expiry = "EmailVerification.AskPassword.ExpiryTime";
  const value = async () => {
    const answer = await admin.get(connector);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.properties.find(({ name }) => name === expiry).value;
  };
  assert.equal(await value(), "1440");
  const body = { operation: "UPDATE", properties: [{ name: expiry, value: "30" }] };
  assert.equal((await admin.request("PATCH", connector, { body })).status, 200);
  assert.equal(await value(), "30");
  const wrong = { operation: "UPDATE", properties: [{ name: expiry, value: "soon" }] };
  assert.equal((await admin.request("PATCH", connector, { body: wrong })).status, 400);
  assert.equal(await value(), "30");
  const revert = "/api/server/v1/identity-governance/VXNlciBPbmJvYXJkaW5n/connectors/revert";
  const id = connector.split("/").pop();
  assert.equal((await admin.post(`${revert}?connectorId=${id}`, { properties: [expiry] })).status, 200);
  assert.equal(await value(), "1440");
  assert.equal((await admin.get(`${connector}x`)).status, 404);
});

test("19 departures: sortBy and gt work; count 0 counts, as WSO2's does", async () => {
  const sorted = await admin.get("/scim2/Users?sortBy=userName&count=5");
  assert.equal(sorted.status, 200, sorted.text);
  const names = sorted.json.Resources.map((user) => user.userName);
  assert.deepEqual(names, [...names].sort());
  assert.equal((await admin.get('/scim2/Users?filter=userName%20gt%20"seven"')).status, 200);
  const none = await admin.get("/scim2/Users?count=0");
  assert.ok(none.json.totalResults > 0 && !none.json.Resources?.length, none.text);
});

test("20 a new address waits in pendingEmails until its code confirms it; a stale code is 18023", async () => {
  await set({ EMAIL_UPDATE_VERIFICATION: true });
  const { json } = await create("twenty", { verifyEmail: true });
  await post(`${ACCOUNT}/validate-code`, { code: await code("twenty") });
  const change = (value) => {
    const Operations = [{ op: "replace", path: "emails", value: [{ value, primary: true }] }];
    return admin.request("PATCH", `/scim2/Users/${json.id}`, { body: { Operations } });
  };
  const changed = await change(address("twenty-a"));
  assert.equal(changed.json.emails[0].value, address("twenty"), changed.text);
  assert.equal(changed.json[WSO2].pendingEmails[0].value, address("twenty-a"), changed.text);
  const stale = await code("twenty-a");
  await change(address("twenty-b"));
  refused(await post(`${ACCOUNT}/validate-code`, { code: stale }), 400, "18023");
  const told = await post(`${ACCOUNT}/introspect-code`, { code: await code("twenty-b") });
  assert.equal(told.status, 202, told.text);
  assert.deepEqual([told.json.recoveryScenario, told.json.isExpired], ["EMAIL_VERIFICATION_ON_UPDATE", false]);
  assert.equal((await post(`${ACCOUNT}/validate-code`, { code: await code("twenty-b") })).status, 202);
  const user = await read("twenty");
  assert.equal(user.emails[0].value, address("twenty-b"));
  assert.equal(user[WSO2].pendingEmails, undefined);
  await eventually("a notice to the old address", async () => (await mails("twenty")) > 1);
  await set({ EMAIL_UPDATE_VERIFICATION: null });
});

test("an offline link is handed over, audited, and leaves the mailed one alive", async () => {
  await create("offline", { askPassword: true });
  const mailed = await code("offline");
  const answer = await post("/api/users/v1/offline-invite-link", { username: "offline", userstore: "PRIMARY" }, admin);
  assert.equal(answer.status, 201, answer.text);
  assert.match(answer.headers.get("content-type"), /^text\/plain/);
  assert.equal((await validate(mailed)).status, 202);
  const redirect = await visitor.get(answer.text);
  const form = new URLSearchParams({ password: CHOSEN, confirm: CHOSEN });
  assert.equal((await visitor.post(redirect.headers.get("location"), form)).status, 200);
  refused(await validate(mailed), 400, "18001");
  assert.equal((await post("/api/users/v1/offline-invite-link", { username: "offline", userstore: "PRIMARY" })).status, 401);
});
