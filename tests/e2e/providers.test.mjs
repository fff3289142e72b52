// Mail through providers that can be had on this machine: Amazon's interface, and workerd's own mail service.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, eventually } from "./support/client.mjs";
import { select } from "./support/d1.mjs";
import { startSes } from "./support/ses.mjs";
import { startWorker } from "./support/worker.mjs";

const FROM = '"Größe, Söhne" <einladung@müller.example>';

describe("ses", () => {
  const access = { id: "AKIDLOCAL", secret: "sEcReT/of+amazon", region: "eu-central-1" };
  let ses, worker, admin;
  before(async () => {
    ses = await startSes(access);
    worker = await startWorker({
      vars: {
        MAIL_PROVIDER: "ses",
        MAIL_API_BASE: ses.origin,
        AWS_ACCESS_KEY_ID: access.id,
        AWS_SECRET_ACCESS_KEY: access.secret,
        AWS_REGION: access.region,
        MAIL_FROM: FROM,
        MAIL_RETRY_BASE_SECONDS: "1",
      },
    });
    admin = new Client(worker.origin);
  });
  after(async () => {
    await worker?.close();
    ses?.close();
  });

  test("an invitation is signed, taken and says what it should", async () => {
    const created = await admin.invite("ses", { emails: [{ value: "paul@例え.example", primary: true }] });
    assert.equal(created.status, 201, created.text);
    const [mail] = await eventually("a mail at SES", async () => {
      await worker.scheduled();
      const mails = await ses.mails();
      return mails.length > 0 && mails;
    });
    assert.deepEqual(mail.destination, { to: ["paul@xn--r8jz45g.example"], cc: [], bcc: [] });
    assert.equal(mail.from, "=?UTF-8?B?R3LDtsOfZSwgU8O2aG5l?= <einladung@xn--mller-kva.example>");
    assert.ok(mail.subject.length > 0);
    for (const part of [mail.body.text, mail.body.html]) {
      assert.match(part, new RegExp(`${worker.origin}/invite/lk1\\.`));
    }
    const [{ headers, body }] = ses.requests;
    assert.ok(headers.authorization.startsWith("AWS4-HMAC-SHA256 Credential=AKIDLOCAL/"));
    assert.equal(body.ConfigurationOverrides.Tracking.ClickTrackingEnabled, "DISABLED");
    assert.equal(ses.requests.length, 1);
  });

  test("a recipient that SES cannot reach is refused in words, unsent", async () => {
    const before = ses.requests.length;
    const created = await admin.invite("jörg", { emails: [{ value: "jörg@example.com", primary: true }] });
    assert.equal(created.status, 201, created.text);
    await eventually("the mail to have failed", async () => {
      await worker.scheduled();
      const { json } = await admin.get(`/scim2/Users/${created.json.id}`);
      return json["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"].delivery === "failed";
    });
    assert.equal(ses.requests.length, before);
  });

  test("a wrong access key loses no mail", async () => {
    await worker.stop();
    await worker.restart({ AWS_SECRET_ACCESS_KEY: "wrong" });
    const before = (await ses.mails()).length;
    assert.equal((await admin.invite("patient")).status, 201);
    const outbox = "SELECT state, last_error FROM outbox WHERE recipient = 'patient@example.com'";
    await eventually("a refusal", async () => {
      await worker.scheduled();
      return select(worker.state, outbox)[0].state === "deferred";
    });
    assert.equal(select(worker.state, outbox)[0].last_error, "403 SignatureDoesNotMatch");
    assert.equal((await ses.mails()).length, before);
  });

  test("the access key is in no log line", () => {
    assert.ok(!worker.log().includes(access.secret));
  });
});

describe("cloudflare", () => {
  let worker, admin;
  before(async () => {
    // wrangler's explorer lists what its mail service has taken. Off otherwise: it keeps mails, and ours carry links.
    process.env.X_LOCAL_EXPLORER = "true";
    worker = await startWorker({ vars: { MAIL_PROVIDER: "cloudflare", MAIL_FROM: FROM } });
    admin = new Client(worker.origin);
  });
  after(async () => {
    delete process.env.X_LOCAL_EXPLORER;
    await worker?.close();
  });

  const sent = async (query = "") => {
    const answer = await fetch(`${worker.origin}/cdn-cgi/local/explorer/api/local/email/sending${query}`);
    assert.equal(answer.status, 200);
    return (await answer.json()).result;
  };

  test("an invitation goes out through the binding, to one recipient, in both forms", async () => {
    const created = await admin.invite("cloudflare", { emails: [{ value: "paul@例え.example", primary: true }] });
    assert.equal(created.status, 201, created.text);
    const [{ messageId }] = await eventually("a mail at the binding", async () => {
      await worker.scheduled();
      const mails = await sent();
      return mails.length > 0 && mails;
    });
    const mail = await sent(`?email_id=${encodeURIComponent(messageId)}`);
    assert.deepEqual([mail.to, mail.cc, mail.bcc], [["paul@xn--r8jz45g.example"], undefined, undefined]);
    assert.equal(mail.from, '"Größe, Söhne" <einladung@xn--mller-kva.example>');
    assert.equal(mail.subject, "You are invited to Latchkey");
    for (const part of [mail.text, mail.html]) assert.match(part, new RegExp(`${worker.origin}/invite/lk1\\.`));
    assert.equal(mail.headers["Auto-Submitted"], "auto-generated");
    assert.equal((await sent()).length, 1);
  });
});
