// The console in a browser: signing in, a tenant with something to show, and all of its pages.

import { USER, WSO2 } from "./client.mjs";

export const PASSWORD = "walking the dog at nine";

/** Signs in on a new page, whose address is then the console's first. */
export async function signIn(browser, origin, userName, password, { prefix = "", ...options } = {}) {
  const page = await browser.page(options);
  await page.goto(`${origin}${prefix}/console`);
  await page.getByLabel("User name").fill(userName);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.endsWith("/login"));
  return page;
}

/** Creates an administrator, a group, people in several states and a token, so that each page has something to show. */
export async function furnish(admin) {
  const create = async (body) => (await admin.post("/scim2/Users", { schemas: [USER], ...body })).json;
  await create({ userName: "alice", password: PASSWORD, roles: [{ value: "admin" }] });
  const invited = (userName, more = {}) =>
    create({ userName, emails: [{ value: `${userName}@example.com` }], name: { givenName: userName, familyName: "Example" }, [WSO2]: { askPassword: true }, ...more });
  const people = [];
  for (const name of ["paul", "mary", "kim"]) people.push(await invited(name));
  people.push(await create({ userName: "locked", password: PASSWORD, active: false }));
  const group = await admin.post("/scim2/Groups", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    displayName: "Staff",
    members: people.map(({ id }) => ({ value: id })),
  });
  await admin.post(`/api/invitations/${people[2].id}/revoke`, "");
  await admin.post("/api/tokens", { name: "Entra ID", scopes: ["scim:read", "scim:write"], expiresInDays: 90 });
  return { people, group: group.json };
}

/** The addresses of all pages that whoever has signed in is led to, and of those below them, by what each shows. */
export async function pagesOf(page, { people, group }) {
  const links = await page.locator('nav[aria-label="Console"] a').evaluateAll((found) => found.map(({ textContent, href }) => [textContent, href]));
  const pages = new Map(links.map(([name, href]) => [name.trim(), new URL(href).pathname]));
  const prefix = pages.get("Dashboard").replace(/\/console$/, "");
  if (pages.has("Users")) {
    pages.set("Add user", `${prefix}/console/users/new`);
    pages.set(people[0].userName, `${prefix}/console/users/${people[0].id}`);
  }
  if (pages.has("Groups")) pages.set(group.displayName, `${prefix}/console/groups/${group.id}`);
  return pages;
}
