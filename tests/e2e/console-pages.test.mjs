// Every page of the console as people meet it: its heading, its place in the navigation, and whether everybody can use it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { ROOT } from "../../scripts/wrangler.mjs";
import { openBrowser } from "./support/browser.mjs";
import { Client } from "./support/client.mjs";
import { PASSWORD, furnish, pagesOf, signIn } from "./support/console.mjs";
import { startWorker } from "./support/worker.mjs";

const AXE = readFileSync(`${ROOT}node_modules/axe-core/axe.min.js`, "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

let worker, browser, furnished;
before(async () => {
  worker = await startWorker();
  furnished = await furnish(new Client(worker.origin));
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await worker?.close();
});

/** What axe finds wrong with the page, a line each. */
async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), RULES);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ").slice(0, 300)}`);
}

/** Opens each page and calls `look(page, name)`. */
async function eachPage(options, look) {
  const page = await signIn(browser, worker.origin, "alice", PASSWORD, options);
  for (const [name, path] of await pagesOf(page, furnished)) {
    const answer = await page.goto(`${worker.origin}${path}`);
    assert.equal(answer.status(), 200, path);
    await look(page, name);
  }
  await page.context().close();
}

test("each page is named by its heading, and the navigation says which part it is of", async () => {
  await eachPage({ javaScriptEnabled: false }, async (page, name) => {
    assert.equal(await page.locator("h1").innerText(), name);
    assert.equal(await page.locator("main").count(), 1, name);
    assert.equal(await page.locator('nav[aria-label="Console"] [aria-current="page"]').count(), 1, name);
  });
});

describe("everybody can use each page", () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, direction] of [[320, "ltr"], [320, "rtl"], [1440, "ltr"], [1440, "rtl"]]) {
      test(`${colorScheme}, ${width} pixels wide, ${direction}`, async () => {
        await eachPage({ colorScheme, viewport: { width, height: 900 } }, async (page, name) => {
          await page.evaluate((dir) => (document.documentElement.dir = dir), direction);
          assert.deepEqual(await violations(page), [], name);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${name} is ${wide} pixels wide`);
        });
      });
    }
  }
});
