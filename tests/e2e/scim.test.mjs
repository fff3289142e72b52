// SCIM on the real D1: what requests cost, whatever the number of users, and what holds under concurrency.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, USER, WSO2 } from "./support/client.mjs";
import { startWorker } from "./support/worker.mjs";

const MANY = Number(process.env.LATCHKEY_MANY_USERS ?? 100_000);

let worker, admin;
before(async () => {
  worker = await startWorker();
  admin = new Client(worker.origin);
});
after(() => worker.close());

const user = (number, more = {}) => ({
  schemas: [USER],
  userName: `user${number}@example.com`,
  externalId: `hr-${number}`,
  displayName: `User ${number}`,
  name: { givenName: "User", familyName: `Number ${number}` },
  emails: [{ value: `user${number}@example.com`, type: "work", primary: true }],
  ...more,
});

/** Creates users `from` to `to` by Bulk, a thousand at a time. */
async function fill(from, to) {
  for (let start = from; start < to; start += 1000) {
    const numbers = Array.from({ length: Math.min(1000, to - start) }, (_, index) => start + index);
    const answer = await bulk(numbers.map((number) => ({ method: "POST", path: "/Users", bulkId: `b${number}`, data: user(number) })));
    assert.equal(answer.status, 200, answer.text);
    assert.ok(answer.json.Operations.every((operation) => operation.status === "201"), answer.text.slice(0, 400));
  }
}

const bulk = (Operations, more = {}) =>
  admin.post("/scim2/Bulk", { schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], Operations, ...more });
const filtered = (filter, more = "") => admin.get(`/scim2/Users?filter=${encodeURIComponent(filter)}${more}`);

/** What one request of each kind costs: round trips and rows read. */
async function costs() {
  const found = (await filtered('userName eq "user7@example.com"')).json.Resources[0];
  const answers = {
    "GET by id": await admin.get(`/scim2/Users/${found.id}`),
    "userName eq": await filtered('userName eq "USER7@example.com"'),
    "externalId eq": await filtered('externalId eq "hr-7"'),
    "id eq": await filtered(`id eq "${found.id}"`),
    "emails eq": await filtered('emails eq "user7@example.com"'),
    "emails.value eq": await filtered('emails.value eq "user7@example.com"'),
    "displayName eq": await filtered('displayName eq "user 7"'),
    "first page of 100": await admin.get("/scim2/Users?count=100&cursor="),
  };
  for (const [name, answer] of Object.entries(answers)) assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  assert.equal(answers["displayName eq"].json.totalResults, 1);
  return Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, answer.d1]));
}

describe("what requests cost, with 100 users and with very many", () => {
  let few, many;
  before(async () => {
    await fill(0, 100);
    few = await costs();
    await fill(100, MANY);
    many = await costs();
  }, { timeout: 280_000 });

  test("every read is one round trip", () => {
    for (const [name, d1] of [...Object.entries(few), ...Object.entries(many)]) assert.equal(d1.trips, 1, name);
  });

  test("finding one user reads at most 4 rows, however many there are", () => {
    for (const figures of [few, many]) {
      for (const [name, d1] of Object.entries(figures).filter(([name]) => !name.includes("page"))) {
        assert.ok(d1.read <= 4, `${name}: ${d1.read} rows`);
      }
    }
  });

  test("a page of 100 reads at most 300 rows, the first and the last", async () => {
    assert.ok(many["first page of 100"].read <= 300, `${many["first page of 100"].read}`);
    const last = await admin.get(`/scim2/Users?count=100&cursor=&sortBy=meta.created&sortOrder=descending`);
    assert.ok(last.d1.read <= 300, `${last.d1.read}`);
    let page = (await admin.get("/scim2/Users?count=1000&cursor=")).json;
    for (let turned = 0; turned < 5; turned += 1) page = (await admin.get(`/scim2/Users?count=1000&cursor=${page.nextCursor}`)).json;
    const deep = await admin.get(`/scim2/Users?count=100&cursor=${page.nextCursor}`);
    assert.equal(deep.json.Resources.length, 100);
    assert.ok(deep.d1.read <= 300, `${deep.d1.read}`);
  });

  test("PUT and PATCH are two round trips, a PATCH that changes nothing one", async () => {
    const found = (await filtered('userName eq "user9@example.com"')).json.Resources[0];
    const patch = (value) => ({
      schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
      Operations: [{ op: "replace", path: "nickName", value }],
    });
    const path = `/scim2/Users/${found.id}`;
    assert.equal((await admin.request("PATCH", path, { body: patch("nine") })).d1.trips, 2);
    assert.equal((await admin.request("PATCH", path, { body: patch("nine") })).d1.trips, 1);
    assert.equal((await admin.request("PUT", path, { body: user(9, { nickName: "neun" }) })).d1.trips, 2);
  });

  test("adding a member to a group costs the same with 10 members and with 50,000", async () => {
    const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
    const ids = [];
    for (let cursor = ""; ids.length < Math.min(50_010, MANY); ) {
      const page = (await admin.get(`/scim2/Users?count=1000&attributes=id&cursor=${cursor}`)).json;
      ids.push(...page.Resources.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    const add = (group, members) =>
      admin.request("PATCH", `/scim2/Groups/${group}?attributes=displayName`, {
        body: {
          schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
          Operations: [{ op: "add", path: "members", value: members.map((value) => ({ value })) }],
        },
      });
    const made = async (displayName) => (await admin.post("/scim2/Groups", { schemas: [GROUP], displayName })).json.id;
    const [small, large] = [await made("small"), await made("large")];
    await add(small, ids.slice(10, 20));
    for (let start = 10; start < ids.length; start += 1000) {
      const answer = await add(large, ids.slice(start, start + 1000));
      assert.equal(answer.status, 200, answer.text.slice(0, 300));
    }
    const [toSmall, toLarge] = [await add(small, [ids[0]]), await add(large, [ids[0]])];
    assert.deepEqual([toSmall.d1.trips, toLarge.d1.trips], [2, 2]);
    assert.ok(toLarge.d1.read <= toSmall.d1.read + 2, `${toLarge.d1.read} rows against ${toSmall.d1.read}`);
    assert.equal(toLarge.d1.written, toSmall.d1.written);
    const user = (await admin.get(`/scim2/Users/${ids[0]}`)).json;
    assert.deepEqual(user.groups.map(({ display }) => display).sort(), ["large", "small"]);
    assert.equal((await admin.get(`/scim2/Groups/${large}`)).json.members.length, ids.length - 9);
  }, { timeout: 200_000 });

  test("a filter without an index examines at most 10,000 rows, then answers tooMany", async () => {
    const answer = await filtered('title co "x"');
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json.scimType, "tooMany");
  });
});

describe("concurrency", () => {
  test("of 100 creates of one userName in different cases one wins", async () => {
    const spelled = (number) => [..."somebody"].map((c, bit) => ((number >> bit) & 1 ? c.toUpperCase() : c)).join("");
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, number) => admin.post("/scim2/Users", { schemas: [USER], userName: spelled(number) })),
    );
    const statuses = answers.map((answer) => answer.status);
    assert.equal(statuses.filter((status) => status === 201).length, 1, `${statuses}`);
    assert.equal(statuses.filter((status) => status === 409).length, 99, `${statuses}`);
  });

  test("of two writers with the same If-Match one is told 412", async () => {
    const created = (await admin.post("/scim2/Users", { schemas: [USER], userName: "contended" })).json;
    const write = (nickName) =>
      admin.request("PUT", `/scim2/Users/${created.id}`, {
        body: { schemas: [USER], userName: "contended", nickName },
        headers: { "if-match": created.meta.version },
      });
    const statuses = (await Promise.all([write("one"), write("two")])).map((answer) => answer.status).sort();
    assert.deepEqual(statuses, [200, 412]);
  });

  const patch = (path, operation) =>
    admin.request("PATCH", path, {
      body: { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [operation] },
    });

  test("of 60 PATCHes of one user at once without If-Match none is refused", async () => {
    const { json } = await admin.post("/scim2/Users", { schemas: [USER], userName: "patched-by-all" });
    const path = `/scim2/Users/${json.id}`;
    const value = (number) => `u${number}@example.com`;
    const writes = Array.from({ length: 60 }, (_, number) => patch(path, { op: "add", path: "emails", value: [{ value: value(number) }] }));
    const refused = (await Promise.all(writes)).filter(({ status }) => status !== 200);
    assert.deepEqual(refused.map(({ status, text }) => `${status} ${text}`), []);
    const { emails, meta } = (await admin.get(path)).json;
    assert.deepEqual(emails.map((email) => email.value).sort(), writes.map((_, number) => value(number)).sort());
    assert.equal(meta.version, 'W/"61"');
  });

  test("a PATCH of members alone is never refused for another writer", async () => {
    const created = (body) => admin.post(`/scim2/${body.userName ? "Users" : "Groups"}`, body).then(({ json }) => json.id);
    const users = await Promise.all(Array.from({ length: 60 }, (_, number) => created({ userName: `member${number}` })));
    const inner = await created({ displayName: "inner" });
    const path = `/scim2/Groups/${await created({ displayName: "joined-by-all" })}`;
    const changes = users.map((value, number) => () =>
      patch(path, { op: "add", path: "members", value: [{ value }, { value: users[number - 1] ?? inner }] }),
    );
    // Among them those who write the document: they depend on the version, and may be told to come again.
    const renames = Array.from({ length: 10 }, (_, number) => () =>
      patch(path, { op: "replace", path: "displayName", value: `joined-by-all-${number}` }),
    );
    const all = changes.flatMap((change, number) => (number % 6 ? [change] : [change, renames[number / 6]]));
    const answers = await Promise.all(all.map((write) => write()));
    const refused = answers.filter((answer, index) => changes.includes(all[index]) && answer.status !== 200);
    assert.deepEqual(refused.map((answer) => answer.text), []);
    const others = answers.filter((answer, index) => !changes.includes(all[index]) && ![200, 429].includes(answer.status));
    assert.deepEqual(others.map((answer) => answer.text), []);
    const { members } = (await admin.get(path)).json;
    assert.deepEqual(members.map(({ value }) => value).sort(), [...users, inner].sort());
  });
});

describe("Bulk", () => {
  test("1,000 creates with invitations take at most 20 round trips", async () => {
    const answer = await bulk(
      Array.from({ length: 1000 }, (_, number) => ({
        method: "POST",
        path: "/Users",
        bulkId: `i${number}`,
        data: { schemas: [USER], userName: `invitee${number}`, emails: [{ value: `i${number}@example.com` }], [WSO2]: { askPassword: true } },
      })),
    );
    assert.equal(answer.json.Operations.filter((operation) => operation.status === "201").length, 1000);
    assert.ok(answer.d1.trips <= 20, `${answer.d1.trips} trips`);
  });

  test("500 conflicts among 1,000 harm nobody else", async () => {
    const name = (number) => (number % 2 ? `invitee${number}` : `fresh${number}`);
    const answer = await bulk(
      Array.from({ length: 1000 }, (_, number) => ({
        method: "POST",
        path: "/Users",
        bulkId: `c${number}`,
        data: { schemas: [USER], userName: name(number) },
      })),
    );
    const count = (status) => answer.json.Operations.filter((operation) => operation.status === status).length;
    assert.deepEqual([count("201"), count("409")], [500, 500]);
    assert.ok(answer.d1.trips <= 20, `${answer.d1.trips} trips`);
  });
});

describe("filters", () => {
  test("the largest filter allowed runs on D1, one term or level more is refused", async () => {
    const terms = (count) => Array.from({ length: count }, (_, number) => `userName eq "user${number}@example.com"`).join(" or ");
    const nested = (levels) => `${"(".repeat(levels)}userName eq "user7@example.com"${")".repeat(levels)}`;
    const deepest = `userName eq "user7@example.com" and ${"not (".repeat(20)}userName eq "x"${")".repeat(20)}`;
    const narrowed = (filter) => filtered(`externalId eq "hr-7" and (${filter})`);
    assert.equal((await narrowed(terms(49))).status, 200);
    assert.equal((await narrowed(terms(50))).json.scimType, "invalidFilter");
    assert.equal((await filtered(nested(20))).json?.totalResults, 1);
    assert.equal((await filtered(nested(21))).json.scimType, "invalidFilter");
    assert.equal((await filtered(deepest)).status, 200);
  });

  test("Unicode twins are one user name in uniqueness and in filters", async () => {
    assert.equal((await admin.post("/scim2/Users", { schemas: [USER], userName: "Ärger@x" })).status, 201);
    for (const twin of ["ärger@x", "A\u0308RGER@X", "a\u0308rger@x"]) {
      assert.equal((await admin.post("/scim2/Users", { schemas: [USER], userName: twin })).status, 409);
      assert.equal((await filtered(`userName eq "${twin}"`)).json.totalResults, 1, twin);
      assert.equal((await filtered(`userName sw "${twin.slice(0, -2)}"`)).json.totalResults, 1, twin);
    }
  });
});

test("a client that pages by cursor while others delete sees every surviving user once", async () => {
  const separate = await startWorker();
  try {
    const other = new Client(separate.origin);
    for (let start = 0; start < 10_000; start += 1000) {
      await other.post("/scim2/Bulk", {
        schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        Operations: Array.from({ length: 1000 }, (_, index) => ({
          method: "POST", path: "/Users", bulkId: `p${start + index}`, data: { schemas: [USER], userName: `paged${start + index}` },
        })),
      });
    }
    const seen = new Map();
    const deleted = new Set();
    let cursor = "";
    do {
      const page = (await other.get(`/scim2/Users?count=1000&attributes=userName&cursor=${cursor}`)).json;
      for (const { id } of page.Resources) seen.set(id, (seen.get(id) ?? 0) + 1);
      // Half of this page goes while the client reads on.
      const goes = page.Resources.filter((_, index) => index % 2).map(({ id }) => id);
      await other.post("/scim2/Bulk", {
        schemas: ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        Operations: goes.map((id) => ({ method: "DELETE", path: `/Users/${id}` })),
      });
      goes.forEach((id) => deleted.add(id));
      cursor = page.nextCursor;
    } while (cursor);
    assert.equal(seen.size, 10_000);
    assert.ok([...seen.values()].every((times) => times === 1));
    assert.equal((await other.get("/scim2/Users?count=0")).json.totalResults, 10_000 - deleted.size);
  } finally {
    await separate.close();
  }
});
