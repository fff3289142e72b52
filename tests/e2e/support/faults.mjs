// A thousand invitations while the provider fails in every way it can and the Worker is killed ten times: with idempotency
// keys every person gets exactly one mail, without them nobody gets two, and whoever may have got none is listed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, ENTERPRISE, USER, eventually } from "./client.mjs";
import { select } from "./d1.mjs";
import { startWorker } from "./worker.mjs";

const PEOPLE = 1000;
const KILLS = 10;
const people = Array.from({ length: PEOPLE }, (_, number) => `person${number}@example.com`);

/** Every way to fail, with successes between, as one provider has hiccups. */
const HICCUPS = [
  { status: 500 },
  {},
  { status: 429, headers: { "retry-after": "1" } },
  {},
  {},
  { close: "before" },
  {},
  { close: "after" },
  {},
  {},
  { stall: 60_000 },
  {},
  { garbage: true },
  {},
];

/** Invites everybody by one Bulk, in the name of `admin`. */
async function inviteAll(admin) {
  const answer = await admin.post("/scim2/Bulk", {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    Operations: people.map((address, number) => ({
      method: "POST",
      path: "/Users",
      bulkId: `person${number}`,
      data: {
        schemas: [USER, ENTERPRISE],
        userName: `person${number}`,
        emails: [{ value: address, primary: true }],
        [ENTERPRISE]: { askPassword: true },
      },
    })),
  });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.json.Operations.every((operation) => operation.status === "201"), answer.text.slice(0, 400));
}

/** How many mails each person got. */
function counts(vendor) {
  const mails = new Map(people.map((address) => [address, 0]));
  for (const { to } of vendor.accepted) {
    assert.equal(to.length, 1, "one recipient");
    mails.set(to[0], mails.get(to[0]) + 1);
  }
  assert.equal(mails.size, PEOPLE, "nobody else");
  return mails;
}

/**
 * Runs the script against the vendor that `start` starts, whose provider is called `name`; the tests that follow in the
 * same file look at what has come of it. Returns what they need: `people`, `states` (rows by state), `listed` (the rows of
 * `GET /api/mail?state=`), `settled`, `counts` (mails by person), `retry` and `vendor`.
 */
export function throughFaults(name, start) {
  let vendor, worker, admin;
  before(async () => {
    vendor = await start();
    worker = await startWorker({
      vars: {
        MAIL_PROVIDER: name,
        MAIL_API_BASE: vendor.origin,
        MAIL_API_KEY: "test_key",
        MAIL_FROM: "Latchkey <invitations@example.com>",
        MAIL_RETRY_BASE_SECONDS: "1",
        MAIL_TIMEOUT_SECONDS: "1",
        // Room for 36 mails that time out, six at a time; so much is in doubt when the Worker dies.
        MAIL_LEASE_SECONDS: "12",
      },
    });
    admin = new Client(worker.origin);
  });
  after(async () => {
    await worker?.close();
    vendor?.close();
  });

  const states = () =>
    Object.fromEntries(
      select(worker.state, "SELECT state, COUNT(*) AS n FROM outbox GROUP BY state").map((row) => [row.state, row.n]),
    );
  const isDone = () => {
    const { queued, sending, deferred } = states();
    return !queued && !sending && !deferred;
  };
  /** Has the sender run until nothing is under way any more. */
  const settled = () =>
    eventually("the outbox to settle", async () => {
      await worker.scheduled();
      return isDone();
    }, 90);
  /** The rows of `GET /api/mail?state=`, all of them. */
  async function listed(state) {
    const mails = [];
    for (let cursor = ""; cursor !== undefined; ) {
      const { json } = await admin.get(`/api/mail?state=${state}&count=500${cursor && `&cursor=${cursor}`}`);
      mails.push(...json.Resources);
      cursor = json.nextCursor;
    }
    return mails;
  }

  test("a thousand people are invited through faults and crashes", { timeout: 240_000 }, async () => {
    await vendor.down();
    await inviteAll(admin);
    await vendor.up();
    // Slow enough that each kill finds mails under way.
    vendor.latency = 40;
    for (let kill = 0; kill < KILLS; kill += 1) {
      vendor.faults.splice(0, Infinity, ...HICCUPS, ...HICCUPS);
      const goal = vendor.requests.length + 30;
      let run;
      await eventually(`${goal} requests`, () => {
        // Nobody waits for it: it may be the run that is killed.
        run ??= worker.scheduled().catch(() => {}).finally(() => (run = undefined));
        return vendor.requests.length >= goal || isDone();
      }, 60);
      await worker.crash();
      if (kill === KILLS / 2) await vendor.down();
      await worker.restart();
      if (kill === KILLS / 2) {
        await worker.scheduled();
        await vendor.up();
      }
    }
    vendor.faults.length = vendor.latency = 0;
    await settled();
    const tried = select(worker.state, "SELECT COUNT(*) AS n FROM outbox WHERE doubtful IS NOT NULL")[0].n;
    assert.ok(tried > KILLS, `the faults were met: ${tried} mails were in doubt`);
  });

  return {
    people,
    states,
    listed,
    settled,
    vendor: () => vendor,
    counts: () => counts(vendor),
    retry: (state) => admin.post("/api/mail/retry", JSON.stringify({ state })),
  };
}
