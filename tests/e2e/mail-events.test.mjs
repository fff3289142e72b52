// The queue MAIL_EVENTS, which Cloudflare fills with what becomes of the mails it has sent. wrangler dev lets nobody else
// write to a queue of the Worker's, so Miniflare, which it brings and stands on, runs the built Worker here.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { migrate, ROOT } from "../../scripts/wrangler.mjs";
import { Client, eventually } from "./support/client.mjs";

const INVITATION = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";
const EVENTS = "latchkey-mail-events";

const [, compatibilityDate] = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"));

let folder, miniflare, admin, database, events;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "latchkey-events-"));
  await migrate(folder);
  const options = {
    modulesRoot: join(ROOT, "build"),
    modules: [
      { type: "ESModule", path: join(ROOT, "build/entry.js") },
      { type: "ESModule", path: join(ROOT, "build/host.js") },
      { type: "CompiledWasm", path: join(ROOT, "build/latchkey.wasm") },
    ],
    compatibilityDate,
    // The Worker's log.
    handleStructuredLogs() {},
    bindings: {
      ENVIRONMENT: "development",
      ADMIN_USERNAME: "admin",
      ADMIN_PASSWORD: "admin",
      TOKEN_KEYS: "dev:ZGV2ZWxvcG1lbnQtb25seS1rZXktbmV2ZXItZGVwbG95",
      MAIL_PROVIDER: "inbox",
    },
    d1Databases: { DB: "00000000-0000-0000-0000-000000000000" },
    resourcePersistencePath: join(folder, "v3"),
    kvNamespaces: ["KV"],
    queueProducers: { MAIL_QUEUE: "latchkey-mail", EVENTS },
    queueConsumers: { "latchkey-mail": { maxBatchTimeout: 0 }, [EVENTS]: { maxBatchTimeout: 0 } },
  };
  miniflare = new Miniflare(convertV4MiniflareOptions(options));
  admin = new Client((await miniflare.ready).origin);
  database = await miniflare.getD1Database("DB");
  events = await miniflare.getQueueProducer("EVENTS");
});
after(async () => {
  await miniflare?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const event = (kind, eventId, messageId, more) => ({
  type: `cf.email.sending.message.${kind}`,
  source: { type: "email.sending", zoneId: "zone", domain: "example.com" },
  payload: { eventId, messageId, sender: "a@example.com", recipient: "paul@example.com", terminal: true, ...more },
  metadata: { accountId: "account", eventSchemaVersion: 1, eventTimestamp: new Date().toISOString() },
});

test("a hard bounce that Cloudflare tells of shows at the user; what cannot be read harms no other message", async () => {
  const { json: user } = await admin.invite("paul");
  await eventually("the mail to be sent", async () => {
    const { results } = await database.prepare("SELECT state FROM outbox").all();
    return results[0].state === "sent";
  });
  await database.prepare("UPDATE outbox SET provider = 'cloudflare', provider_id = 'msg_1'").run();

  await events.sendBatch([
    { body: "wake" },
    { body: { type: "cf.workersAi.model.batch.failed", payload: null } },
    { body: event("bounced", "evt_1", "msg_2", { bounce: { type: "hard" } }) },
    { body: event("bounced", "evt_2", "msg_1", { bounce: { type: "hard" } }) },
    { body: event("delivered", "evt_3", "msg_1", {}) },
  ]);
  const delivery = async () => (await admin.get(`/scim2/Users/${user.id}`)).json[INVITATION].delivery;
  await eventually("the bounce", async () => (await delivery()) === "bounced");
  const { results } = await database.prepare("SELECT id, outcome FROM webhook_events ORDER BY id").all();
  assert.deepEqual(results, [
    { id: "evt_1", outcome: "bounced" },
    { id: "evt_2", outcome: "bounced" },
    { id: "evt_3", outcome: "delivered" },
  ]);

  await events.send(event("complained", "evt_4", "msg_1", {}));
  await eventually("the complaint", async () => (await delivery()) === "complained");
});
