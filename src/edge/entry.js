// The Worker's entry: hands every event to the wasm, and answers for it when it panics.
import { WorkerEntrypoint } from "cloudflare:workers";
import { answer, sweep, take } from "./host.js";

const DETAIL = "Latchkey failed to answer. The fault is on our side: try again, and tell the operator if it stays.";
const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Something went wrong</title><h1>Something went wrong</h1><p>The fault is on our side. Please try again.</p></html>`;

/** 500 in the dialect of the path, as src/http/answer.rs tells them. */
function failure(url) {
  const path = new URL(url).pathname.replace(/^\/t\/[^/]*/, "");
  const below = (...folders) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const json = (type, body) => [JSON.stringify(body), type];
  let answer = [PAGE, "text/html; charset=utf-8"];
  if (below("/scim2")) {
    const schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    answer = json("application/scim+json", { schemas, detail: DETAIL, status: "500" });
  } else if (below("/api/identity", "/api/server", "/api/users")) {
    answer = json("application/json", { code: null, message: "Internal Server Error", description: DETAIL, traceId: null });
  } else if (below("/api", "/oauth2", "/hooks", "/healthz") || path.endsWith(".json")) {
    answer = json("application/problem+json", { title: "Internal Server Error", status: 500, detail: DETAIL });
  }
  const [body, type] = answer;
  const headers = {
    "content-type": type,
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return new Response(body, { status: 500, headers });
}

/**
 * A request's path and query, as a URI is spelt: the wasm's parser takes no other, and browsers and mail programs have been seen to
 * send a few characters as they are.
 */
function pathOf(url) {
  const path = url.slice(url.indexOf("/", url.indexOf("//") + 2));
  return path.replace(/[^!-~]|["<>`]/gu, encodeURIComponent);
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    try {
      return await answer(request, pathOf(request.url));
    } catch {
      return failure(request.url);
    }
  }

  // A batch or a run that fails is what Queues and cron triggers know how to repeat.
  async queue(batch) {
    if (await take(batch)) batch.ackAll();
    else batch.retryAll();
  }

  scheduled() {
    return sweep();
  }
}
