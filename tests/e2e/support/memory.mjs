// The memory of the Worker's isolate: V8's heap, asked of workerd's inspector each second, and the WebAssembly's, which
// the Worker logs when it has grown. Cloudflare ends an isolate that has more than 128 MB of both.

import assert from "node:assert/strict";

const MOST = 128 * 1024 * 1024;
const EVERY_MS = 1_000;

// wrangler's inspector answers those that come from a page of its own, and whom no browser has sent.
const HEADERS = { origin: "http://localhost" };

/**
 * Begins to watch. `end(log)` stops, and fails where the isolate had more than it may; a Worker that is killed, the moment it
 * has started perhaps, need not have shown any figures.
 */
export async function watchMemory(inspectorPort) {
  let heap = 0;
  let id = 0;
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/ws`, { headers: HEADERS });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = (event) => reject(new Error(`inspector: ${event.message}`));
  });
  // What comes besides the answers is the Worker's own log.
  socket.onmessage = ({ data }) => {
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = JSON.parse(data).result ?? {};
    if (usedSize) heap = Math.max(heap, usedSize + embedderHeapUsedSize + backingStorageSize);
  };
  const ask = () => socket.send(JSON.stringify({ id: ++id, method: "Runtime.getHeapUsage" }));
  ask();
  const timer = setInterval(ask, EVERY_MS);
  timer.unref();
  return {
    end(log, { killed = false } = {}) {
      if (socket.readyState === WebSocket.CLOSED) return;
      clearInterval(timer);
      socket.close();
      const wasm = Math.max(0, ...[...log.matchAll(/"wasmBytes":(\d+)/g)].map(([, bytes]) => Number(bytes)));
      assert.ok(killed || (heap > 0 && wasm > 0), `no figures: heap ${heap}, wasm ${wasm}`);
      assert.ok(heap + wasm < MOST, `the isolate had ${heap} bytes of heap and ${wasm} of WebAssembly`);
      if (process.env.SHOW_MEMORY) console.log(`memory: heap ${heap}, wasm ${wasm}`);
    },
  };
}
