// One invitation from the seed document's request to signing in, as the invited person lives through it.

import assert from "node:assert/strict";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openBrowser, PHONE } from "./support/browser.mjs";
import { Client, inviteLink, WSO2 } from "./support/client.mjs";
import { dump } from "./support/d1.mjs";
import { startWorker } from "./support/worker.mjs";

const PASSWORD = "violet-Tugboat-88";

let worker, admin, browser;
before(async () => {
  worker = await startWorker();
  admin = new Client(worker.origin);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await worker?.close();
});

/** Fills in the form of the open page and sends it. */
async function choosePassword(page, password) {
  for (const field of await page.locator('input[type="password"]').all()) await field.fill(password);
  await Promise.all([page.waitForEvent("load"), page.locator('button[type="submit"], input[type="submit"]').first().click()]);
}

describe("the seed document's request", () => {
  let created;

  test("creates a pending user in one D1 round trip", async () => {
    created = await admin.seed();
    assert.equal(created.status, 201, created.text);
    assert.match(created.headers.get("content-type"), /^application\/scim\+json\b/);
    assert.equal(created.json.userName, "Paul");
    assert.deepEqual(created.json.name, { givenName: "Paul", familyName: "Smith" });
    assert.equal(created.json[WSO2].accountState, "PENDING_AP");
    assert.equal(created.headers.get("location"), `${worker.origin}/scim2/Users/${created.json.id}`);
    assert.equal(created.headers.get("etag"), created.json.meta.version);
    assert.ok(!created.text.includes("askPassword"), "the flag is not echoed");
    assert.equal(created.d1.trips, 1);
  });

  let link;

  test("sends one mail with a link to PUBLIC_ORIGIN", async () => {
    const mail = await admin.mailTo("paul@somemail.com");
    link = inviteLink(mail);
    assert.equal(mail.template, "AskPassword");
    assert.ok(link.startsWith(`${worker.origin}/invite/lk1.`));
    assert.ok(mail.text.includes(link));
    assert.ok(mail.html.includes(link));
    assert.ok(mail.text.includes("Paul"), "the mail names the user");
    assert.ok(link.length <= worker.origin.length + "/invite/".length + 160);
  });

  test("the link opens a page in a browser, where a password is chosen", async () => {
    const me = () => admin.as("Paul", PASSWORD).get("/scim2/Me");
    assert.equal((await me()).status, 401);
    assert.equal((await admin.as("Paul", "password").get("/scim2/Me")).status, 401, "the password sent is not kept");

    const page = await browser.page();
    const answer = await page.goto(link);
    assert.equal(answer.status(), 200);
    const headers = answer.headers();
    assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.ok(!/script-src[^;]*'unsafe-inline'/.test(headers["content-security-policy"]));
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.match(headers["cache-control"], /no-store/);
    assert.equal(await page.locator('input[name="password"]').getAttribute("autocomplete"), "new-password");
    await choosePassword(page, PASSWORD);

    const signedIn = await me();
    assert.equal(signedIn.status, 200);
    assert.equal(signedIn.json.userName, "Paul");
    assert.equal(signedIn.json[WSO2].accountState, "UNLOCKED");
    assert.equal(String(signedIn.json[WSO2].emailVerified), "true");
  });

  test("the link does not work twice", async () => {
    const page = await browser.page();
    // By now the mail that tells of the password may be the newest.
    const answer = await page.goto(link);
    assert.ok(answer.status() >= 400 && answer.status() < 500, `status ${answer.status()}`);
    assert.equal(await page.locator('input[name="password"]').count(), 0);
  });
});

test("it works without JavaScript", async () => {
  assert.equal((await admin.invite("noscript")).status, 201);
  const page = await browser.page({ javaScriptEnabled: false });
  await page.goto(inviteLink(await admin.mailTo("noscript@example.com")));
  await choosePassword(page, PASSWORD);
  assert.equal((await admin.as("noscript", PASSWORD).get("/scim2/Me")).status, 200);
});

test("a weak password is refused with a reason, and the link lives on", async () => {
  assert.equal((await admin.invite("weak")).status, 201);
  const page = await browser.page({ javaScriptEnabled: false });
  await page.goto(inviteLink(await admin.mailTo("weak@example.com")));
  // The browser's own check of minlength is not what is tested here.
  await page.locator("form").first().evaluate((form) => form.setAttribute("novalidate", ""));
  await choosePassword(page, "password");
  assert.equal((await admin.as("weak", "password").get("/scim2/Me")).status, 401);
  await choosePassword(page, PASSWORD);
  assert.equal((await admin.as("weak", PASSWORD).get("/scim2/Me")).status, 200);
});

test("the page fits a small phone", async () => {
  assert.equal((await admin.invite("phone")).status, 201);
  const page = await browser.page(PHONE);
  await page.goto(inviteLink(await admin.mailTo("phone@example.com")));
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= PHONE.viewport.width, `the page is ${width} pixels wide`);

  const file = join(mkdtempSync(join(tmpdir(), "latchkey-screenshots-")), "invite-phone.png");
  await page.screenshot({ path: file, fullPage: true });
  assert.ok(statSync(file).size > 0);
  console.log(`screenshot: ${file}`);
});

test("no token and no password is in the log or in D1", async () => {
  const stored = dump(worker.state);
  const log = worker.log();
  assert.match(stored, /paul@somemail\.com/, "the dump shows what is stored");
  assert.match(log, /^\{/m, "the Worker logs");

  const mails = (await admin.get("/dev/inbox.json")).json;
  const tokens = mails.flatMap((mail) => mail.links).map((link) => /lk1\.[\w.-]+/.exec(link)?.[0]).filter(Boolean);
  assert.ok(tokens.length > 0);
  for (const secret of [...tokens, PASSWORD]) {
    assert.ok(!stored.includes(secret), "in D1");
    assert.ok(!log.includes(secret), "in the log");
  }
});
