// A mail vendor on loopback that misbehaves on demand. What it takes and answers is the vendor's own (resend.mjs,
// mailgun.mjs); how it fails is the same for all.

import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * `take(request, text)` is the vendor: it keeps the mail in `accepted` if it takes it, and returns {status, body, headers?}.
 * Point MAIL_API_BASE at `origin`. `requests` holds {method, path, headers, body, at} of each request, oldest first.
 *
 * `faults` is a list that the test fills; each request takes the first one, and without one it is answered:
 *   {status, body?, headers?}    answer so, the mail not accepted
 *   {close: "before"}            close the connection, the body unread
 *   {close: "after"}             accept the mail, then close without an answer
 *   {stall: milliseconds}        accept the mail, answer late
 *   {garbage: true}              accept the mail, answer 200 and nothing that makes sense
 * `down()` refuses connections until `up()`. `latency` milliseconds pass before each answer.
 */
export async function startVendor(take) {
  const vendor = { requests: [], accepted: [], faults: [], latency: 0 };

  const server = createServer(async (request, response) => {
    const fault = vendor.faults.shift() ?? {};
    if (fault.close === "before") return request.socket.destroy();

    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method, url: path, headers } = request;
    const body = /json/.test(headers["content-type"]) && text ? JSON.parse(text) : text;
    vendor.requests.push({ method, path, headers, body, at: Date.now() });
    const answer = (given) =>
      response
        .writeHead(given.status, { "content-type": "application/json", ...given.headers })
        .end(JSON.stringify(given.body));

    if (vendor.latency) await sleep(vendor.latency, undefined, { ref: false });
    if (fault.status) return answer({ body: { name: "scripted", message: "" }, ...fault });
    const answered = take({ method, path, headers }, text);
    if (fault.stall) await sleep(fault.stall, undefined, { ref: false });
    if (fault.close === "after") return request.socket.destroy();
    if (fault.garbage) return response.writeHead(200, { "content-type": "text/html" }).end("<html>\u0000garbage");
    answer(answered);
  });

  let port = 0;
  vendor.up = async () => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address());
  };
  vendor.down = async () => {
    const closed = once(server, "close");
    vendor.close();
    await closed;
  };
  vendor.close = () => {
    server.close();
    server.closeAllConnections();
  };
  await vendor.up();
  vendor.origin = `http://127.0.0.1:${port}`;
  return vendor;
}
