// Importing invitations on the real D1: what ten thousand rows cost, and what a crash in the middle leaves.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, WSO2, eventually } from "./support/client.mjs";
import { select } from "./support/d1.mjs";
import { startWorker } from "./support/worker.mjs";

let worker, admin;
before(async () => {
  worker = await startWorker();
  admin = new Client(worker.origin);
});
after(() => worker?.close());

const upload = (file, query = "") =>
  admin.post(`/api/invitations/import${query}`, file, { headers: { "content-type": "text/csv" } });
const count = (sql) => select(worker.state, `SELECT COUNT(*) AS count FROM ${sql}`)[0].count;

/** Rows `prefix0` and so on; every twentieth is bad, each in one of five ways. */
function people(prefix, rows) {
  const bad = [
    (name) => `${name},${name} at example.com,Given,Family,en_US,`,
    (name) => `${name},,Given,Family,en_US,`,
    (name) => `${name},${name}@example.com,Given,Family,en_US,Nobodies`,
    () => `${prefix.toUpperCase()}0,again@example.com,Given,Family,en_US,`,
    (name) => `${name},${name}@example.com,Given,Family,en_US,,surplus`,
  ];
  const row = (number) => {
    const name = `${prefix}${number}`;
    if (number % 20 === 19) return bad[((number - 19) / 20) % bad.length](name);
    return `${name},${name}@example.com,"Given, ""${number}""",Family,de_DE,${number % 100 === 0 ? "Everybody; Cooks" : ""}`;
  };
  return `\ufeffuserName,email,givenName,familyName,locale,groups\r\n${Array.from({ length: rows }, (_, number) => row(number)).join("\r\n")}\r\n`;
}

test("ten thousand rows with five hundred bad ones: 9,500 are invited, 500 reported", async () => {
  for (const displayName of ["Everybody", "Cooks"]) {
    assert.equal((await admin.post("/scim2/Groups", { displayName })).status, 201);
  }
  const file = people("user", 10_000);

  const dry = await upload(file, "?dryRun=true");
  assert.equal(dry.status, 200, dry.text);
  assert.deepEqual([dry.json.created, dry.json.failed], [9_500, 500]);
  assert.equal(dry.d1.written, 0);
  assert.equal(count("resources WHERE type = 'User'"), 0);

  const began = performance.now();
  const { status, text, json, d1 } = await upload(file);
  const seconds = (performance.now() - began) / 1000;
  assert.equal(status, 200, text);
  assert.deepEqual([json.created, json.failed, json.rows.length], [9_500, 500, 10_000]);
  assert.ok(d1.trips <= 250, `${d1.trips} round trips`);
  assert.ok(seconds < 30, `${seconds} s`);
  console.log(`10,000 rows: ${d1.trips} round trips, ${d1.read} rows read, ${d1.written} written, ${seconds.toFixed(1)} s`);

  const words = [/single valid address/, /needs an address/, /group 'Nobodies'/, /same as on line 2/, /7 cells where the header has 6/];
  json.rows.forEach((row, number) => {
    assert.equal(row.line, number + 2);
    if (number % 20 === 19) assert.match(row.detail, words[((number - 19) / 20) % words.length]);
    else assert.ok(row.id, JSON.stringify(row));
  });
  assert.equal(count("resources WHERE type = 'User' AND onboarding = 'AP'"), 9_500);
  assert.equal(count("outbox WHERE template = 'AskPassword'"), 9_500);
  assert.equal(count("members"), 200);

  const last = (await admin.get(`/scim2/Users/${json.rows[9_900].id}`)).json;
  assert.equal(last[WSO2].accountState, "PENDING_AP");
  assert.deepEqual(last.groups.map((group) => group.display).sort(), ["Cooks", "Everybody"]);
  assert.deepEqual(last.name, { familyName: "Family", givenName: 'Given, "9900"' });
});

test("a file that was cut off by a crash is imported again, and nobody is lost or invited twice", async () => {
  const file = people("crash", 5_000);
  const cutOff = upload(file).catch((error) => error);
  await eventually("some rows", () => count("resources WHERE type = 'User' AND name_key LIKE 'crash%'") > 500);
  await worker.crash();
  await cutOff;
  const survived = count("resources WHERE type = 'User' AND name_key LIKE 'crash%'");
  assert.ok(survived < 4_750, `${survived} users: the crash came too late to show anything`);
  await worker.restart();

  const again = await upload(file);
  assert.equal(again.status, 200, again.text);
  assert.equal(again.json.created, 4_750 - survived);
  assert.equal(count("resources WHERE type = 'User' AND name_key LIKE 'crash%'"), 4_750);
  const invitations = "outbox o JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id WHERE r.name_key LIKE 'crash%'";
  assert.equal(count(invitations), 4_750);
  assert.equal(count(`${invitations} AND o.seq = 0`), 4_750);
});
