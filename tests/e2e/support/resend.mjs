// A stand-in for Resend: takes a mail once under its Idempotency-Key, as its documentation says.

import { startVendor } from "./vendor.mjs";

/** A vendor (vendor.mjs) whose `accepted` holds one {key, id, to, body} per mail taken, so a repeated key appears once. */
export async function startResend() {
  const resend = await startVendor((request, text) => {
    const refuse = (status, name) => ({ status, body: { statusCode: status, name, message: name } });
    // Cloudflare, in front of Resend, turns away a request without a User-Agent.
    if (!request.headers["user-agent"]) return refuse(403, "1010");
    if (request.method !== "POST" || request.path !== "/emails") return refuse(404, "not_found");
    if (!request.headers.authorization?.startsWith("Bearer ")) return refuse(401, "missing_api_key");

    const { accepted } = resend;
    const key = request.headers["idempotency-key"];
    let mail = key && accepted.find((one) => one.key === key);
    if (mail && mail.body !== text) return refuse(409, "invalid_idempotent_request");
    if (!mail) {
      const to = [JSON.parse(text).to].flat();
      accepted.push((mail = { key, id: `mail-${accepted.length + 1}`, to, body: text }));
    }
    return { status: 200, body: { id: mail.id } };
  });
  return resend;
}
