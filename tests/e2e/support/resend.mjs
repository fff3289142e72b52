// A stand-in for Resend on loopback: records what it is asked and misbehaves on demand.

import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Point MAIL_API_BASE at `origin`. `requests` holds {method, path, headers, body, at} of each request, oldest first;
 * `accepted` one {key, id, body} per mail taken, so a repeated Idempotency-Key appears once.
 *
 * `faults` is a list that the test fills; each request takes the first one, and without one the mail is accepted:
 *   {status, body?, headers?}    answer so, the mail not accepted
 *   {close: "before"}            close the connection, the body unread
 *   {close: "after"}             accept the mail, then close without an answer
 *   {stall: milliseconds}        accept the mail, answer late
 */
export async function startResend() {
  const requests = [];
  const accepted = [];
  const faults = [];

  const server = createServer(async (request, response) => {
    const fault = faults.shift() ?? {};
    if (fault.close === "before") return request.socket.destroy();

    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    requests.push({
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: text && JSON.parse(text),
      at: Date.now(),
    });

    const answer = (status, body, headers = {}) =>
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    const refuse = (status, name) => answer(status, { statusCode: status, name, message: name });

    if (fault.status) {
      return answer(fault.status, fault.body ?? { statusCode: fault.status, name: "scripted", message: "" }, fault.headers);
    }
    // Cloudflare, in front of Resend, turns away a request without a User-Agent.
    if (!request.headers["user-agent"]) return refuse(403, "1010");
    if (request.method !== "POST" || request.url !== "/emails") return refuse(404, "not_found");
    if (!request.headers.authorization?.startsWith("Bearer ")) return refuse(401, "missing_api_key");

    const key = request.headers["idempotency-key"];
    let mail = key && accepted.find((one) => one.key === key);
    if (mail && mail.body !== text) return refuse(409, "invalid_idempotent_request");
    if (!mail) accepted.push((mail = { key, id: `mail-${accepted.length + 1}`, body: text }));

    if (fault.stall) await sleep(fault.stall, undefined, { ref: false });
    if (fault.close === "after") return request.socket.destroy();
    answer(200, { id: mail.id });
  });

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    accepted,
    faults,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
