// Pictures of every page of the console, on a phone and on a desk, light and dark, into the folder docs/screenshots: `make screenshots`.

import { mkdirSync, rmSync } from "node:fs";
import { PHONE, openBrowser } from "../tests/e2e/support/browser.mjs";
import { Client } from "../tests/e2e/support/client.mjs";
import { PASSWORD, furnish, pagesOf, signIn } from "../tests/e2e/support/console.mjs";
import { startWorker } from "../tests/e2e/support/worker.mjs";
import { ROOT } from "./wrangler.mjs";

const folder = `${ROOT}docs/screenshots`;
const SCREENS = { phone: PHONE, desktop: { viewport: { width: 1280, height: 800 } } };

const worker = await startWorker();
const browser = await openBrowser();
try {
  const furnished = await furnish(new Client(worker.origin));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [screen, options] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await signIn(browser, worker.origin, "alice", PASSWORD, { ...options, colorScheme });
      for (const [name, path] of await pagesOf(page, furnished)) {
        await page.goto(`${worker.origin}${path}`);
        const file = `${name.toLowerCase().replaceAll(" ", "-")}-${screen}-${colorScheme}.png`;
        await page.screenshot({ path: `${folder}/${file}`, fullPage: true });
      }
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await worker.close();
}
