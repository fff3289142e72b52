// Debian's Chromium, driven by playwright-core.

import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox", // CI runs as root, where Chromium's sandbox does not start
  "--disable-gpu",
  // Nothing but loopback may be asked for:
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser; `page(options)` opens a page in a context of its own, such as {javaScriptEnabled: false}. */
export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
  return {
    page: async (options) => (await browser.newContext(options)).newPage(),
    close: () => browser.close(),
  };
}

/** The options of a small phone. */
export const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
