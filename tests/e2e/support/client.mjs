// A small SCIM client, and what the tests ask of the development inbox.

import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { assertUnsaid, rememberRequest } from "./secrets.mjs";

export const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
export const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
export const WSO2 = "urn:scim:wso2:schema";

/** The seed document's request body, exactly as its page prints it: empty `schemas`, an unquoted key, "true" as a string. */
export const SEED_BODY =
  '{"schemas":[],"name":{"familyName":"Smith","givenName":"Paul"},"userName":"Paul","password":"password",' +
  '"emails":[{"primary":true,"value":"paul@somemail.com"}],' +
  '"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{askPassword:"true"}}';

const basic = (name, password) => `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

/** `d1;desc="trips=1 read=1 written=0"` as {trips, read, written}. */
function d1Figures(header) {
  const figures = /\bd1;desc="([^"]*)"/.exec(header ?? "")?.[1];
  if (figures === undefined) return undefined;
  return Object.fromEntries(figures.split(" ").map((pair) => pair.split("=")).map(([name, value]) => [name, Number(value)]));
}

export class Client {
  /** The administrator of .dev.vars, unless told otherwise. */
  constructor(origin, authorization = basic("admin", "admin")) {
    this.origin = origin;
    this.authorization = authorization;
  }

  /** The same server with somebody else's Basic credentials. */
  as(user, password) {
    return new Client(this.origin, basic(user, password));
  }

  /** The same server without credentials. */
  anonymous() {
    return new Client(this.origin, null);
  }

  /** An object is sent as SCIM JSON, a string or URLSearchParams as it is. Redirects are not followed. */
  async request(method, path, { body, headers = {} } = {}) {
    if (this.authorization) headers = { authorization: this.authorization, ...headers };
    if (body?.constructor === Object || Array.isArray(body)) {
      headers = { "content-type": "application/scim+json", ...headers };
      body = JSON.stringify(body);
    }
    rememberRequest(headers, body);
    const answer = await fetch(new URL(path, this.origin), { method, headers, body, redirect: "manual" });
    const text = await answer.text();
    assertUnsaid(`${method} ${path}`, text);
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: /json/.test(answer.headers.get("content-type")) && text ? JSON.parse(text) : undefined,
      d1: d1Figures(answer.headers.get("server-timing")),
    };
  }

  get(path, options) {
    return this.request("GET", path, options);
  }

  post(path, body, options) {
    return this.request("POST", path, { ...options, body });
  }

  /** The request of the seed document, as curl would send it. */
  seed() {
    return this.post("/scim2/Users", SEED_BODY, { headers: { "content-type": "application/json" } });
  }

  /** A user who is invited to choose a password. */
  invite(userName, more = {}) {
    return this.post("/scim2/Users", {
      schemas: [USER, ENTERPRISE],
      userName,
      emails: [{ value: `${userName}@example.com`, primary: true }],
      [ENTERPRISE]: { askPassword: true },
      ...more,
    });
  }

  /** The newest mail to `address` once there are `count` of them. */
  mailTo(address, count = 1) {
    return eventually(`${count} mail(s) to ${address}`, async () => {
      const { json } = await this.get("/dev/inbox.json");
      const mails = json.filter((mail) => mail.to === address || mail.to.includes?.(`<${address}>`));
      return mails.length >= count && mails[0];
    });
  }
}

/** The invitation link in a mail. */
export function inviteLink(mail) {
  const link = mail.links.find((candidate) => new URL(candidate).pathname.startsWith("/invite/"));
  if (!link) throw new Error(`no invitation link among ${JSON.stringify(mail.links)}`);
  return link;
}

/** Asks until the answer is truthy, and returns it. */
export async function eventually(what, ask, seconds = 15) {
  for (const deadline = Date.now() + seconds * 1000; ; await sleep(100)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} seconds in vain for ${what}`);
  }
}

/** For what fetch forbids: a Host header of one's own, a path that is no valid URL, a body that ends early. */
export function rawRequest({ port, method = "GET", path = "/", headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () =>
        resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }),
      );
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}
