// What the Worker does in workerd beside what the runtime itself can do, in one run: an empty Worker, one with a trivial SELECT,
// Latchkey, and another build of it (BASELINE=<folder of a built Worker>). Interleaved; medians of rounds.
//
// edge.mjs [ROUNDS] [SECONDS]

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { migrate, ROOT } from "../wrangler.mjs";
import { load } from "./load.mjs";

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 3);
const [, compatibilityDate] = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"));
const DATABASE = "00000000-0000-0000-0000-000000000000";
const USERS = 1_000;

const start = async (options) => {
  const all = { compatibilityDate, cf: false, handleStructuredLogs() {}, ...options };
  const miniflare = new Miniflare(convertV4MiniflareOptions(all));
  return { miniflare, origin: (await miniflare.ready).origin };
};

const script = (text) => ({ modules: [{ type: "ESModule", path: "worker.mjs", contents: text }] });

async function empty() {
  const { miniflare, origin } = await start(script('export default { async fetch() { return new Response("hello"); } };'));
  return { miniflare, origin, requests: { empty: { path: "/" } } };
}

async function select() {
  const text =
    'export default { async fetch(_, env) { return Response.json((await env.DB.prepare("SELECT id, n FROM t WHERE id = ?1").bind(1).all()).results); } };';
  const { miniflare, origin } = await start({ ...script(text), d1Databases: { DB: DATABASE } });
  const database = await miniflare.getD1Database("DB");
  await database.prepare("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)").run();
  await database.prepare("INSERT INTO t VALUES (1, 'one')").run();
  return { miniflare, origin, requests: { "one SELECT": { path: "/" } } };
}

/** A built Worker with a thousand users. */
async function latchkey(build, folder) {
  await migrate(folder);
  const types = [["ESModule", /\.js$/], ["CompiledWasm", /\.wasm$/]];
  const files = ["entry.js", "host.js", "latchkey.wasm", "index.js", "index_bg.wasm"].filter((file) => existsSync(join(build, file)));
  const { miniflare, origin } = await start({
    modulesRoot: build,
    modules: files.map((file) => ({ type: types.find(([, form]) => form.test(file))[0], path: join(build, file) })),
    bindings: {
      ENVIRONMENT: "development",
      ADMIN_USERNAME: "admin",
      ADMIN_PASSWORD: "admin",
      TOKEN_KEYS: "dev:ZGV2ZWxvcG1lbnQtb25seS1rZXktbmV2ZXItZGVwbG95",
      MAIL_PROVIDER: "inbox",
      RATE_LIMITS: "off",
    },
    d1Databases: { DB: DATABASE },
    resourcePersistencePath: join(folder, "v3"),
    kvNamespaces: ["KV"],
    queueProducers: { MAIL_QUEUE: "latchkey-mail" },
  });
  const post = async (path, body, authorization) => {
    const headers = { authorization, "content-type": "application/json" };
    const answer = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const scopes = ["scim:read", "scim:write", "invitations"];
  const { token } = await post("/api/tokens", { name: "bench", scopes, expiresInDays: 1 }, `Basic ${btoa("admin:admin")}`);
  const authorization = `Bearer ${token}`;
  const user = (name) => ({
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
    userName: `${name}@example.com`,
    name: { givenName: "W", familyName: "R", formatted: "W R" },
    displayName: "W R",
    emails: [{ value: `${name}@example.com`, type: "work", primary: true }],
    active: true,
  });
  let id;
  for (let from = 0; from < USERS; from += 500) {
    const Operations = Array.from({ length: 500 }, (_, index) => ({
      method: "POST", path: "/Users", bulkId: `b${index}`, data: user(`bench${from + index}`),
    }));
    const schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    const answer = await post("/scim2/Bulk", { schemas, Operations }, authorization);
    id = answer.Operations[0].location.split("/").at(-1);
  }
  const headers = { authorization, "content-type": "application/scim+json" };
  const create = (more) => ({ method: "POST", path: "/scim2/Users", headers, body: JSON.stringify({ ...user("w%d"), ...more }) });
  const invitation = { "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { askPassword: "true" } };
  const forged =
    "lk1.A2RldgEAAAAAAAAAAAGiKspguXuBupFRQuXnGy4AAAAAAAAAAGsNAJwAAAAAaw5SHAVlbl9VUw.ydiER88RplupP70Q6eCt-DFqztSFdplqtOhbiLeVlpA";
  const requests = {
    healthz: { path: "/healthz" },
    "forged link": { path: `/invite/${forged}` },
    "GET by id": { path: `/scim2/Users/${id}`, headers },
    "filter userName eq": { path: "/scim2/Users?filter=userName%20eq%20%22bench500%40example.com%22", headers },
    "list of 100": { path: "/scim2/Users?startIndex=1&count=100", headers },
    create: create({}),
    "create with invitation": create(invitation),
  };
  return { miniflare, origin, requests };
}

const folders = [];
const folder = () => (folders.push(mkdtempSync(join(tmpdir(), "latchkey-bench-"))), folders.at(-1));
const subjects = { "": empty, " ": select, Latchkey: () => latchkey(join(ROOT, "build"), folder()) };
if (process.env.BASELINE) subjects.baseline = () => latchkey(process.env.BASELINE, folder());

const figures = {};
try {
  for (let round = 0; round < rounds; round += 1) {
    for (const [subject, make] of Object.entries(subjects)) {
      const { miniflare, origin, requests } = await make();
      try {
        for (const [name, request] of Object.entries(requests)) {
          await load(origin, request, { seconds: 0.5 });
          const { perSecond, statuses } = await load(origin, request, { seconds });
          const key = [subject.trim(), name].filter(Boolean).join(": ");
          (figures[key] ??= []).push(perSecond);
          const bad = Object.keys(statuses).filter((status) => !/^2|^4(0[34]|10)/.test(status));
          if (bad.length) console.error(`${key}: ${JSON.stringify(statuses)}`);
        }
      } finally {
        await miniflare.dispose();
      }
    }
  }
} finally {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const [ofEmpty, ofSelect] = [median(figures.empty), median(figures["one SELECT"])];
console.log("| | requests per second | spread | of the empty Worker | of one SELECT |\n|---|---|---|---|---|");
for (const [name, values] of Object.entries(figures)) {
  const middle = median(values);
  const spread = `${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}`;
  const share = (of) => `${Math.round((100 * middle) / of)} %`;
  console.log(`| ${name} | ${Math.round(middle)} | ${spread} | ${share(ofEmpty)} | ${share(ofSelect)} |`);
}
