// A load generator in a thread of its own: so many connections, each with one request after the other, for so many seconds.
// It is far lighter than `fetch`, which would take a good part of the machine that it measures.

import { createConnection } from "node:net";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";

/** Requests per second. `request` is `{ method, path, headers, body }`; `%d` in its body becomes a number of its own. */
export function load(origin, request, { connections = 8, seconds = 3 } = {}) {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const data = { hostname, port: Number(port), request, connections, seconds, run: `${Date.now()}`.slice(-8) };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: data });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

if (!isMainThread && workerData?.request) {
  const { hostname, port, request, connections, seconds, run } = workerData;
  const { method = "GET", path, headers = {}, body = "" } = request;
  let sent = 0;
  const message = () => {
    const text = body.replaceAll("%d", `${run}-${(sent += 1)}`);
    const lines = Object.entries({ host: `${hostname}:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}`);
    if (text) lines.push(`content-length: ${Buffer.byteLength(text)}`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
  };
  const statuses = {};
  let answered = 0;
  let bytes = 0;
  const began = performance.now();
  const end = began + seconds * 1000;
  const connect = () =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, hostname);
      socket.setNoDelay();
      let held = Buffer.alloc(0);
      const ask = () => (performance.now() < end ? socket.write(message()) : socket.end(resolve));
      socket.on("connect", ask);
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        held = held.length ? Buffer.concat([held, chunk]) : chunk;
        const head = held.indexOf("\r\n\r\n");
        if (head < 0) return;
        const text = held.toString("latin1", 0, head);
        const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
        const whole = length === undefined ? held.indexOf("\r\n0\r\n\r\n", head - 2) + 7 : head + 4 + Number(length);
        if (held.length < whole || whole < head) return;
        const status = text.slice(9, 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        answered += 1;
        bytes += whole;
        held = Buffer.alloc(0);
        ask();
      });
    });
  await Promise.all(Array.from({ length: connections }, connect));
  const took = (performance.now() - began) / 1000;
  parentPort.postMessage({ perSecond: answered / took, statuses, bytes: bytes / Math.max(answered, 1) });
}
