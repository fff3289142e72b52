// The console in a browser, on workerd: signing in and out without script, and who may come in how.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openBrowser, PHONE } from "./support/browser.mjs";
import { Client, USER } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const PASSWORD = "walking the dog at nine";

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

async function makeUser(userName, role) {
  const answer = await admin.post("/scim2/Users", { schemas: [USER], userName, password: PASSWORD, roles: [{ value: role }] });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

/** A page of a browser of its own, in which this user has signed in. */
async function signIn(userName, password, options) {
  const page = await browser.page(options);
  await page.goto(`${worker.origin}/console`);
  assert.equal(new URL(page.url()).pathname, "/console/login");
  await page.getByLabel("User name").fill(userName);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForLoadState();
  return page;
}

const heading = (page) => page.locator("h1").innerText();
const path = (page) => new URL(page.url()).pathname;

test("an auditor signs in on a phone without script, sees what he may do, and signs out", async () => {
  await makeUser("audrey", "auditor");
  const page = await signIn("audrey", PASSWORD, { ...PHONE, javaScriptEnabled: false });
  assert.deepEqual([path(page), await heading(page)], ["/console", "Dashboard"]);
  const text = await page.locator("main").innerText();
  assert.match(await page.locator("header").innerText(), /audrey/);
  assert.match(text, /What you may do\s+See users and groups scim:read\s+Read the audit audit\s+What your role/);
  const width = await page.evaluate(() => document.documentElement.scrollWidth).catch(() => 360);
  assert.ok(width <= 360, `the page is ${width} pixels wide`);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/console.png`, fullPage: true });

  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })), [
    { name: "latchkey-session", httpOnly: true, sameSite: "Lax", path: "/" },
  ]);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.waitForURL(/signed-out=here/);
  assert.match(await page.getByRole("status").innerText(), /You have signed out/);
  assert.deepEqual(await page.context().cookies(), []);
  await page.goto(`${worker.origin}/console`);
  assert.equal(path(page), "/console/login");
});

test("a wrong password says so beside the form, and keeps the name", async () => {
  const page = await signIn("audrey", "incorrect");
  assert.match(await page.getByRole("alert").innerText(), /wrong/);
  assert.equal(await page.getByLabel("User name").inputValue(), "audrey");
  assert.equal(await page.getByLabel("Password").inputValue(), "");
  assert.deepEqual(await page.context().cookies(), []);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/sign-in.png`, fullPage: true });
});

test("another site's page ends no session, and uses none", async () => {
  await makeUser("alice", "admin");
  const page = await signIn("alice", PASSWORD);
  // A form of a page of another origin: the browser leaves the cookie out, and says where the form comes from.
  const foreign = await page.context().newPage();
  await foreign.route("http://evil.example/", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${worker.origin}/console/logout/everywhere"><button>Win</button></form>`,
    }),
  );
  await foreign.goto("http://evil.example/");
  await foreign.getByRole("button", { name: "Win" }).click();
  await foreign.waitForURL(/console/);
  assert.match(await heading(foreign), /another|other|elsewhere|form/i);
  await page.reload();
  assert.equal(await heading(page), "Dashboard");
  // With the cookie, as a browser would send it that knows no SameSite; and from a page of ours.
  const [{ name, value }] = await page.context().cookies();
  const token = JSON.stringify({ name: "x", scopes: ["audit"], expiresInDays: 1 });
  for (const [origin, status] of [["http://evil.example", 403], [undefined, 403], [worker.origin, 201]]) {
    const headers = { cookie: `${name}=${value}`, ...(origin && { origin }) };
    const answer = await admin.anonymous().post("/api/tokens", token, { headers });
    assert.equal(answer.status, status, `${origin}: ${answer.text}`);
  }
});

test("signing out everywhere and a new password end the sessions of other browsers", async () => {
  const bob = await makeUser("bob", "inviter");
  const [here, there] = [await signIn("bob", PASSWORD), await signIn("bob", PASSWORD)];
  await here.getByRole("button", { name: "Sign out everywhere" }).click();
  await here.waitForURL(/signed-out=everywhere/);
  await there.reload();
  assert.equal(path(there), "/console/login");

  const again = await signIn("bob", PASSWORD);
  assert.equal(await heading(again), "Dashboard");
  const operations = [{ op: "replace", path: "password", value: "another dog at ten" }];
  const changed = await admin.request("PATCH", `/scim2/Users/${bob.id}`, { body: { Operations: operations } });
  assert.equal(changed.status, 200, changed.text);
  await again.reload();
  assert.equal(path(again), "/console/login");
});

const idle = async (seconds) => {
  const answer = await admin.request("PATCH", "/api/settings", { body: { SESSION_IDLE_SECONDS: seconds } });
  assert.equal(answer.status, 200, answer.text);
};

test("a session costs one round trip beside the page, outlives the isolate, and ends when it is not used", async () => {
  await idle(120);
  const client = admin.anonymous();
  const begin = async () => {
    const begun = await client.post("/console/login", new URLSearchParams({ username: "admin", password: "admin", next: "" }));
    assert.equal(begun.status, 303, begun.text);
    return { cookie: begun.headers.get("set-cookie").split(";")[0] };
  };
  let headers = await begin();
  const home = await client.get("/console", { headers });
  assert.deepEqual([home.status, home.d1.trips, home.d1.written], [200, 2, 0]);
  const forged = await client.get("/console", { headers: { cookie: `${headers.cookie.slice(0, -2)}AA` } });
  assert.deepEqual([forged.status, forged.d1.trips], [303, 0]);
  await worker.stop();
  await worker.restart();
  assert.equal((await client.get("/console", { headers })).status, 200);
  await idle(4);
  headers = await begin();
  for (let second = 0; second < 6; second++) {
    await sleep(1000);
    assert.equal((await client.get("/console", { headers })).status, 200, `after ${second + 1} seconds`);
  }
  await sleep(4100);
  assert.equal((await client.get("/console", { headers })).status, 303);
});

test("style sheets, scripts and the icon are served beside the Worker, the same for every tenant", async () => {
  const { text } = await new Client(worker.origin).get("/console/login");
  const paths = text.match(/\/assets\/latchkey-[0-9a-f]{16}\.\w+/g);
  assert.ok(paths.length >= 2, text);
  for (const path of paths) {
    const answer = await fetch(worker.origin + path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal((await fetch(worker.origin + path, { method: "POST" })).status, 405);
    assert.equal((await fetch(`${worker.origin}/t/carbon.super${path}`)).status, 200, "where earlier releases had them");
  }
  const missing = await fetch(`${worker.origin}/assets/latchkey-0000000000000000.css`);
  assert.deepEqual([missing.status, missing.headers.get("cache-control")], [404, "no-store"]);
  assert.equal((await (await fetch(`${worker.origin}/openapi.json`)).json()).openapi.slice(0, 2), "3.");
});
