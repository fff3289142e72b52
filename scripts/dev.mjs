// `make run`: the Worker under `wrangler dev`, with the scheduled handler called every 30 seconds.

import { setTimeout as sleep } from "node:timers/promises";
import { migrate, portIsFree, startDev } from "./wrangler.mjs";

const port = Number(process.env.PORT || 8787);
const state = process.env.STATE || ".wrangler/state";
const origin = `http://127.0.0.1:${port}`;

function fail(message) {
  console.error(`make run: ${message}`);
  process.exit(1);
}

if (!Number.isInteger(port) || port < 1 || port > 65535) fail(`PORT=${process.env.PORT} is not a port number.`);
if (!(await portIsFree(port))) fail(`port ${port} is taken. Stop what listens there, or choose another: make run PORT=8788`);

console.log(`==> D1 migrations (${state})`);
await migrate(state).catch((error) => fail(error.message));

console.log("==> Worker (wrangler dev)");
const dev = startDev({ port, state, vars: { PUBLIC_ORIGIN: origin }, onLine: (line) => console.log(line) });

let ending;
/** Stops wrangler and ends; with a message, that is a failure. Never returns, however many reasons there are to end. */
function end(message) {
  ending ??= (async () => {
    if (!message) console.log("==> stopping");
    await dev.stop();
    if (message) fail(message);
    process.exit(0);
  })();
  return ending;
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end());
// A closed terminal, or a `| head` that has seen enough, must not leave workerd behind.
process.stdout.on("error", () => end());
dev.exited.then((how) => end(`wrangler dev ended unexpectedly (${how}).`));

await dev.ready().catch((error) => end(error.message));

// The body is as the WSO2 page prints it: the empty `schemas`, the unquoted key and the string "true" are meant.
console.log(`
Latchkey is ready.
  console    ${origin}/console    sign in as admin, password admin
  mail       ${origin}/dev/inbox

Invite somebody:

  curl -i --user admin:admin --header "Content-Type:application/json" \\
    --data '{"schemas":[],"name":{"familyName":"Smith","givenName":"Paul"},"userName":"Paul","password":"password","emails":[{"primary":true,"value":"paul@somemail.com"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{askPassword:"true"}}' \\
    ${origin}/scim2/Users

Then open the mail, follow the link and choose a password. Ctrl-C stops the Worker.
`);

// Cloudflare calls the scheduled handler by itself; wrangler dev does not, nor does it notice when its workerd is gone.
while (!ending) {
  const healthy = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(20_000) }).catch(() => undefined);
  if (!healthy) await end("the Worker no longer answers.");
  const answer = await fetch(`${origin}/cdn-cgi/handler/scheduled`).catch((error) => error);
  if (!answer.ok && !ending) console.error(`The scheduled handler failed: ${answer.status ?? answer.message}`);
  await answer.body?.cancel();
  await sleep(30_000);
}
