// Webhooks of mail providers, checked by workerd's own WebCrypto: signed here by Node's.

import assert from "node:assert/strict";
import { createHash, createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Client, eventually } from "./support/client.mjs";
import { select } from "./support/d1.mjs";
import { startResend } from "./support/resend.mjs";
import { startWorker } from "./support/worker.mjs";

const fixture = (name) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8");
const INVITATION = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";
const TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail";
const svix = Buffer.from("a signing secret of Svix's");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed25519 = generateKeyPairSync("ed25519");
const rsa = createPrivateKey(fixture("sns-key.pem"));

let resend, keys, worker, admin;
before(async () => {
  resend = await startResend();
  keys = await startKeys();
  worker = await startWorker({
    vars: {
      MAIL_PROVIDER: "resend",
      MAIL_API_BASE: resend.origin,
      MAIL_API_KEY: "re_test_key",
      MAIL_API_BASE_SES: keys.origin,
      MAIL_API_BASE_MAILCHANNELS: keys.origin,
      MAIL_WEBHOOK_SECRET_RESEND: `whsec_${svix.toString("base64")}`,
      MAIL_WEBHOOK_SECRET_SENDGRID: p256.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
      MAIL_WEBHOOK_SECRET_MAILCHANNELS: "acme",
      MAIL_WEBHOOK_SECRET_SES: TOPIC,
    },
  });
  admin = new Client(worker.origin);
});
after(async () => {
  await worker?.close();
  resend?.close();
  keys?.close();
});

/** Hands out SNS's certificate and MailChannels' key, and confirms subscriptions; `asked` has the paths. */
async function startKeys() {
  const asked = [];
  const key = ed25519.publicKey.export({ type: "spki", format: "pem" });
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url.endsWith(".pem")) return response.end(fixture("sns-certificate.pem"));
    if (request.url.startsWith("/tx/v1/webhook/public-key?id=mckey")) return response.end(JSON.stringify({ id: "mckey", key }));
    response.writeHead(request.url.startsWith("/confirm") ? 200 : 404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    asked,
    close: () => server.close(),
  };
}

const now = () => Math.floor(Date.now() / 1000);
const hook = (provider, headers, body) =>
  admin.anonymous().request("POST", `/hooks/mail/${provider}`, { headers: { "content-type": "text/plain", ...headers }, body });

/** Whether an event has been written down, which only one that holds is. */
const known = (provider, id) =>
  select(worker.state, "SELECT outcome FROM webhook_events WHERE provider = ? AND id = ?", provider, id).length === 1;

function fromResend(id, type, data, key = svix) {
  const body = JSON.stringify({ type, created_at: "2026-11-22T10:00:00.000Z", data });
  const time = now();
  const signature = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64");
  return [{ "svix-id": id, "svix-timestamp": `${time}`, "svix-signature": `v1,${signature}` }, body];
}

test("a bounce at Resend shows at the user, once, and a complaint after it", async () => {
  const { json: user } = await admin.invite("bounce");
  await eventually("the mail to be sent", async () => {
    await worker.scheduled();
    return select(worker.state, "SELECT 1 FROM outbox WHERE user_id = ? AND state = 'sent'", user.id).length === 1;
  });
  const [{ id: email_id }] = resend.accepted;
  const delivery = async () => (await admin.get(`/scim2/Users/${user.id}`)).json[INVITATION].delivery;
  const bounce = { email_id, to: ["bounce@example.com"], bounce: { type: "Permanent", subType: "General", message: "550" } };

  const forged = await hook("resend", ...fromResend("msg_1", "email.bounced", bounce, Buffer.from("another's")));
  assert.equal(forged.status, 401, forged.text);
  assert.equal(await delivery(), "sent");

  const taken = await hook("resend", ...fromResend("msg_1", "email.bounced", bounce));
  assert.equal(taken.status, 200, taken.text);
  assert.equal(taken.d1.trips, 1);
  assert.equal(await delivery(), "bounced");
  const filter = encodeURIComponent(`${INVITATION}:delivery eq "bounced"`);
  const { json: found } = await admin.get(`/scim2/Users?filter=${filter}`);
  assert.deepEqual(found.Resources.map((one) => one.id), [user.id]);

  for (const [id, type, then] of [
    ["msg_1", "email.bounced", "bounced"],
    ["msg_2", "email.complained", "complained"],
    ["msg_3", "email.bounced", "complained"],
    ["msg_4", "email.delivered", "complained"],
  ]) {
    const answer = await hook("resend", ...fromResend(id, type, bounce));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await delivery(), then, id);
  }
});

test("SendGrid's ECDSA signature holds on workerd, and only for what was signed", async () => {
  // Of forty signatures, some have a half that begins with a zero and some one that needs a zero in front.
  for (let number = 0; number < 40; number++) {
    const id = `event-${number}`;
    const body = JSON.stringify([{ event: "bounce", type: "bounce", sg_event_id: id, sg_message_id: "somebody.recvd-1" }]);
    const time = `${now()}`;
    const headers = {
      "x-twilio-email-event-webhook-timestamp": time,
      "x-twilio-email-event-webhook-signature": sign("sha256", Buffer.from(time + body), p256.privateKey).toString("base64"),
    };
    assert.equal((await hook("sendgrid", headers, body.replace("somebody", "petra"))).status, 401);
    assert.ok(!known("sendgrid", id));
    const taken = await hook("sendgrid", headers, body);
    assert.equal(taken.status, 200, taken.text);
    assert.ok(known("sendgrid", id));
  }
});

test("MailChannels' Ed25519 signature holds on workerd, by the key that MailChannels hands out", async () => {
  const body = JSON.stringify([{ customer_handle: "acme", event: "hard-bounced", smtp_id: "<somebody@example.com>", timestamp: now() }]);
  const signed = (by) => {
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    const parameters = `("content-digest");created=${now()};alg="ed25519";keyid="mckey"`;
    const base = `"content-digest": ${digest}\n"@signature-params": ${parameters}`;
    const signature = sign(null, Buffer.from(base), by).toString("base64");
    return { "content-digest": digest, "signature-input": `sig=${parameters}`, signature: `sig=:${signature}:` };
  };
  const another = generateKeyPairSync("ed25519").privateKey;
  assert.equal((await hook("mailchannels", signed(another), body)).status, 401);
  assert.equal((await hook("mailchannels", signed(ed25519.privateKey), `${body} `)).status, 401);
  const taken = await hook("mailchannels", signed(ed25519.privateKey), body);
  assert.equal(taken.status, 200, taken.text);
  assert.deepEqual(taken.json, { received: 1 });
  assert.deepEqual(
    keys.asked.filter((path) => path.includes("public-key")),
    ["GET /tx/v1/webhook/public-key?id=mckey"],
  );
});

test("SNS's RSA signature holds on workerd, by the key in a certificate, and the topic is subscribed to", async () => {
  const message = (more) => {
    const message = {
      MessageId: crypto.randomUUID(),
      TopicArn: TOPIC,
      Timestamp: new Date().toISOString(),
      SignatureVersion: "2",
      SigningCertURL: `${keys.origin}/SimpleNotificationService-0123abcd.pem`,
      ...more,
    };
    const names =
      message.Type === "Notification"
        ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    const signed = names.filter((name) => name in message).map((name) => `${name}\n${message[name]}\n`).join("");
    return { ...message, Signature: sign("sha256", Buffer.from(signed), rsa).toString("base64") };
  };
  const confirmation = message({
    Type: "SubscriptionConfirmation",
    Message: "You have chosen to subscribe.",
    Token: "2336412f37fb",
    SubscribeURL: `${keys.origin}/confirm?Token=2336412f37fb`,
  });
  const confirmed = await hook("ses", {}, JSON.stringify(confirmation));
  assert.equal(confirmed.status, 200, confirmed.text);
  assert.ok(keys.asked.includes("GET /confirm?Token=2336412f37fb"));

  const said = { eventType: "Bounce", mail: { messageId: "somebody" }, bounce: { bounceType: "Permanent" } };
  const bounce = message({ Type: "Notification", Message: JSON.stringify(said) });
  const forged = { ...bounce, Message: bounce.Message.replace("somebody", "petra") };
  assert.equal((await hook("ses", {}, JSON.stringify(forged))).status, 401);
  assert.ok(!known("ses", bounce.MessageId));
  const taken = await hook("ses", {}, JSON.stringify(bounce));
  assert.equal(taken.status, 200, taken.text);
  assert.ok(known("ses", bounce.MessageId));
  assert.equal(keys.asked.filter((path) => path.endsWith(".pem")).length, 1);
});

test("no secret and no address is in the log", () => {
  const log = worker.log();
  assert.ok(!log.includes(svix.toString("base64")) && !log.includes("bounce@example.com"));
});
