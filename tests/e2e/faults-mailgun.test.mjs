// Without idempotency keys: at most one mail for each invitation, and every doubt is listed and can be sent again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { throughFaults } from "./support/faults.mjs";
import { startMailgun } from "./support/mailgun.mjs";

const { people, states, listed, settled, counts, retry } = throughFaults("mailgun", startMailgun);

test("nobody has two, and every missing one is listed and sent by one call", async () => {
  const mails = counts();
  assert.deepEqual([...mails].filter(([, count]) => count > 1), []);
  const unsent = new Set([...(await listed("unknown")), ...(await listed("failed"))].map(({ to }) => to));
  const missing = people.filter((address) => mails.get(address) === 0);
  assert.ok(missing.length > 0, "the faults cost some mails");
  assert.deepEqual(missing.filter((address) => !unsent.has(address)), []);
  assert.deepEqual(states(), { sent: people.length - unsent.size, unknown: unsent.size });

  const again = await retry("unknown");
  assert.deepEqual([again.status, again.json], [202, { queued: unsent.size }], again.text);
  await settled();
  assert.deepEqual(states(), { sent: people.length });
  const then = counts();
  for (const address of people) assert.equal(then.get(address), mails.get(address) + (unsent.has(address) ? 1 : 0));
});
