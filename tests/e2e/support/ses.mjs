// Amazon SES on loopback: aws-ses-v2-local, behind a door that checks the signature, which it does not.

import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import sesLocal from "aws-ses-v2-local";

const hex = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

/** The Authorization that Amazon would compute of this request, from the headers that were in fact sent. */
function expected({ method, url, headers }, body, { secret, region }) {
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization)?.[1] ?? "";
  const lines = signed.split(";").map((name) => `${name}:${headers[name]?.trim()}\n`).join("");
  const canonical = [method, url, "", lines, signed, hex(body)].join("\n");
  const date = headers["x-amz-date"];
  const scope = [date.slice(0, 8), region, "ses", "aws4_request"];
  const key = scope.reduce((key, part) => hmac(key, part), `AWS4${secret}`);
  const toSign = ["AWS4-HMAC-SHA256", date, scope.join("/"), hex(canonical)].join("\n");
  return createHmac("sha256", key).update(toSign).digest("hex");
}

/**
 * Point MAIL_API_BASE at `origin`. `requests` holds {headers, body} of each request; `mails()` answers what was taken.
 */
export async function startSes(access) {
  const ses = await sesLocal.default({ host: "127.0.0.1", port: 0 });
  const inner = `http://127.0.0.1:${ses.address().port}`;
  const requests = [];

  const door = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    requests.push({ headers: request.headers, body: JSON.parse(body) });
    const signature = /Signature=([0-9a-f]{64})$/.exec(request.headers.authorization)?.[1];
    const late = Math.abs(Date.now() - Date.parse(isoDate(request.headers["x-amz-date"]))) > 300_000;
    if (late || signature !== expected(request, body, access)) {
      const headers = { "x-amzn-errortype": "SignatureDoesNotMatch" };
      return response.writeHead(403, headers).end(JSON.stringify({ message: "The signature does not match." }));
    }
    const { authorization, "content-type": type } = request.headers;
    const headers = { authorization, "content-type": type };
    const answer = await fetch(inner + request.url, { method: request.method, headers, body });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");

  return {
    origin: `http://127.0.0.1:${door.address().port}`,
    requests,
    mails: async () => (await (await fetch(`${inner}/store`)).json()).emails,
    close() {
      for (const server of [door, ses]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

const isoDate = (date = "") => date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
