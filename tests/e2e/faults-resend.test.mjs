// With idempotency keys: whatever fails, exactly one mail for each invitation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { throughFaults } from "./support/faults.mjs";
import { startResend } from "./support/resend.mjs";

const { people, states, counts, vendor } = throughFaults("resend", startResend);

test("every person has exactly one mail, and every row says sent", () => {
  assert.deepEqual([...counts()].filter(([, mails]) => mails !== 1), []);
  assert.deepEqual(states(), { sent: people.length });
  assert.equal(new Set(vendor().accepted.map(({ key }) => key)).size, people.length);
});
