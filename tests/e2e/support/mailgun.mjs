// A stand-in for Mailgun: sends every mail that it is given, however often.

import { startVendor } from "./vendor.mjs";

/** A vendor (vendor.mjs) whose `accepted` holds one {id, to, body} for each time that a mail was taken. */
export async function startMailgun() {
  const mailgun = await startVendor((request, text) => {
    if (request.method !== "POST" || !/^\/v3\/[^/]+\/messages$/.test(request.path)) return { status: 404, body: {} };
    if (!request.headers.authorization?.startsWith("Basic ")) return { status: 401, body: "Forbidden" };
    const to = new URLSearchParams(text).getAll("to");
    const id = `<${mailgun.accepted.length + 1}@mailgun.example>`;
    mailgun.accepted.push({ id, to, body: text });
    return { status: 200, body: { id, message: "Queued. Thank you." } };
  });
  return mailgun;
}
