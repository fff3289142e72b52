// The public SCIM conformance suites against a real Worker, twice: as deployed, and with schemas and resource types of the
// tenant's own (tenant.json). Every check must pass: a warning or a skipped check counts as failed.

import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startWorker } from "../e2e/support/worker.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const VENV = here(".venv");
const REQUIREMENTS = here("requirements.txt");
const ADMIN = { username: "admin", password: "admin" };
const AUTHORIZATION = `Basic ${btoa(`${ADMIN.username}:${ADMIN.password}`)}`;

/** The suites in their exact versions, installed again when those or Python change. */
function install() {
  const python = execFileSync("python3", ["-c", "import sys; print(sys.version); sys.exit(sys.version_info < (3, 11))"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const wanted = createHash("sha256").update(python).update(readFileSync(REQUIREMENTS)).digest("hex");
  const stamp = `${VENV}/latchkey-stamp`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("==> conformance suites (pip)");
  rmSync(VENV, { recursive: true, force: true });
  execFileSync("python3", ["-m", "venv", VENV], { stdio: "inherit" });
  const pip = (...args) => execFileSync(`${VENV}/bin/python`, ["-m", "pip", "--disable-pip-version-check", "--quiet", ...args], { stdio: "inherit" });
  // Without dependencies: what the list lacks is found by `pip check` instead of being installed in some version.
  pip("install", "--no-deps", "--requirement", REQUIREMENTS);
  pip("check");
  writeFileSync(stamp, wanted);
}

/** Runs a suite to its end: what it printed and its exit code. */
function suite(name, args, environment = {}) {
  const env = { ...process.env, ...environment, NO_COLOR: "1", PYTHONUTF8: "1", COLUMNS: "200" };
  return new Promise((resolve) =>
    execFile(`${VENV}/bin/${name}`, args, { env, maxBuffer: 1 << 27, timeout: 240_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? error.signal ?? error.message) : 0, stdout, stderr }),
    ),
  );
}

/** `scim2 test`: a line per check, "STATUS title", then its reason. */
async function scim2Tester(base) {
  const ran = await suite("scim2", ["--url", base, "test", "--verbose"], {
    SCIM_CLI_HEADERS: `Authorization: ${AUTHORIZATION}`,
  });
  const checks = ran.stdout
    .split(/^(?=(?:SUCCESS|COMPLIANT|ACCEPTABLE|DEVIATION|ERROR|CRITICAL|SKIPPED) )/m)
    .slice(1)
    .map((text) => ({ passed: text.startsWith("SUCCESS "), text }));
  return { ...ran, checks };
}

/** `scim-sanity probe`, strict. */
async function scimSanity(base) {
  const credentials = ["--username", ADMIN.username, "--password", ADMIN.password];
  const ran = await suite("scim-sanity", ["probe", base, ...credentials, "--strict", "--json-output", "--i-accept-side-effects"]);
  let results = [];
  try {
    ({ results } = JSON.parse(ran.stdout));
  } catch {
    // Not JSON: it has failed, and says why in what it printed.
  }
  const checks = results.map(({ status, phase, name, message }) => ({
    passed: status === "pass",
    skipped: status === "skip",
    text: `${status.toUpperCase()} ${phase}: ${name}\n  ${message ?? ""}`,
  }));
  return { ...ran, checks };
}

let passed = 0;
let failed = 0;

/**
 * Counts a suite's checks and prints its line. `maySkip` says which checks need what is not there; `mustName` is what some
 * check must be about.
 */
function report(name, { checks, code, stdout, stderr }, { maySkip = () => false, mustName = [] } = {}) {
  const wanted = checks.filter((check) => !(check.skipped && maySkip(check.text)));
  const wrong = wanted.filter((check) => !check.passed).map((check) => check.text.trimEnd());
  for (const text of mustName.filter((text) => !checks.some((check) => check.text.includes(text)))) {
    wrong.push(`No check was about ${text}.`);
  }
  if (checks.length === 0 || (code !== 0 && wrong.length === 0)) {
    wrong.push(`It ended with ${code}.\n${stderr}${stdout}`.trimEnd());
  }
  const right = wanted.filter((check) => check.passed).length;
  console.log(`${wrong.length === 0 ? "ok    " : "FAILED"} ${name}: ${right} passed, ${wrong.length} failed`);
  for (const text of wrong) console.log(text.replace(/^/gm, "       "));
  passed += right;
  failed += wrong.length;
}

async function register(origin, { path, document }) {
  const headers = { authorization: AUTHORIZATION, "content-type": "application/json" };
  const answer = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(document) });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`POST ${path} (${document.name}): ${answer.status} ${text}`);
}

install();
const worker = await startWorker();
try {
  const base = `${worker.origin}/scim2`;
  report("scim2-tester", await scim2Tester(base));
  // Agents are an Internet-Draft's; the tenant below has them.
  report("scim-sanity strict", await scimSanity(base), { maySkip: (text) => /\bAgent/.test(text) });

  const own = JSON.parse(readFileSync(here("tenant.json"), "utf8"));
  for (const registration of own) await register(worker.origin, registration);
  // A suite that saw nothing of the tenant's own would pass too. It names a type's attributes without their schema, so that
  // those of the agents tell nothing; scim-sanity, which may skip nothing here, is about them.
  const mustName = own
    .filter(({ document }) => !document.name.startsWith("Agent"))
    .flatMap(({ document }) => {
      const { attributes } = document.schema ?? document;
      const prefix = document.schema ? "" : `${document.id}:`;
      const written = attributes.filter(({ mutability, required }) => !required && mutability !== "readOnly");
      return written.map(({ name }) => `'${prefix}${name}'`);
    });
  report("scim2-tester, own schemas and resource types", await scim2Tester(base), { mustName });
  report("scim-sanity strict, own schemas and resource types", await scimSanity(base));
  if (failed > 0) console.log(worker.log().split("\n").filter((line) => /"level":"(error|warn)"/.test(line)).slice(-20).join("\n"));
} finally {
  await worker.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
