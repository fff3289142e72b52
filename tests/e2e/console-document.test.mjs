// The console steps of the document that this project started from, in its order and with its words: a console administrator
// enables the flow, adds a user, and the user sets a password. Once with script and once without.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./support/browser.mjs";
import { Client, inviteLink } from "./support/client.mjs";
import { signIn } from "./support/console.mjs";
import { startWorker } from "./support/worker.mjs";

const PASSWORD = "a ferry in the fog at noon";

let worker, admin, browser;
before(async () => {
  worker = await startWorker({ databases: ["DB_ACME"], vars: { USER_STORES: "ACME=DB_ACME" } });
  admin = new Client(worker.origin);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await worker?.close();
});

const heading = (page) => page.locator("h1").innerText();
const status = (page) => page.getByRole("status").first().innerText();
const open = (page, name) => page.getByRole("navigation", { name: "Console" }).getByRole("link", { name, exact: true }).click();

for (const [how, options, domain, userName] of [
  ["with script", {}, "PRIMARY", "Paul"],
  ["without script", { javaScriptEnabled: false }, "ACME", "Peter"],
]) {
  test(`an administrator invites a user from the console, ${how}`, async () => {
    // Sign in to the Management Console.
    const page = await signIn(browser, worker.origin, "admin", "admin", options);
    assert.equal(await heading(page), "Dashboard");

    // Expand User Onboarding, then Ask Password, and configure the following values.
    await open(page, "Settings");
    assert.equal(await page.getByRole("heading", { name: "User Onboarding" }).count(), 1);
    assert.equal(await page.getByRole("heading", { name: "Ask Password", exact: true }).count(), 1);
    await page.getByLabel("Enable User Email Verification").check();
    const expiry = page.getByLabel("Ask password code expiry time");
    await expiry.fill("2880");
    await page.locator("form", { has: expiry }).getByRole("button", { name: /^Save/ }).click();
    assert.match(await status(page), /saved|changed|stored/i);
    assert.equal(await page.getByLabel("Ask password code expiry time").inputValue(), "2880");

    // Go to Users and Roles, click Add New User, and specify the required details.
    await page.goto(`${worker.origin}/console/users/new`);
    assert.equal(await heading(page), "Add user");
    await page.getByLabel("Domain").selectOption(domain);
    await page.getByLabel("Username").fill(userName);
    assert.ok(await page.getByLabel("Ask password from user").isChecked());
    const address = `${userName.toLowerCase()}+$new@somemail.com`;
    await page.getByLabel("Email Address").fill(address);

    // Click Finish to send the email.
    await page.getByRole("button", { name: "Finish" }).click();
    assert.ok((await status(page)).includes(address), await status(page));

    // The e-mail directs the user to a screen to provide their own password.
    const link = inviteLink(await admin.mailTo(address));
    const person = await browser.page(options);
    await person.goto(link);
    await person.locator('input[name="password"]').fill(PASSWORD);
    await person.locator('input[name="confirm"]').fill(PASSWORD);
    await person.getByRole("button").last().click();
    await person.waitForLoadState();
    const name = domain === "PRIMARY" ? userName : `${domain}/${userName}`;
    const me = await admin.as(name, PASSWORD).get("/scim2/Me");
    assert.equal(me.status, 200, me.text);
    await page.reload();
    assert.match(await page.locator("main").innerText(), /accepted|set (a|their) password|can sign in/i);
  });
}
