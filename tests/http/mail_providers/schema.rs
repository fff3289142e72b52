//! What each vendor's documentation says about a request, as far as we use it: every field that we send must be in it, and
//! what it requires must be there. The sources are named in `src/mail/providers/`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What the vendor answers, or what it would complain about.
type Verdict = Result<(u16, Vec<u8>), String>;

/// Judges a request to this vendor.
pub fn check(vendor: &str, request: &http::Request<Vec<u8>>) -> Verdict {
    if request.method() != "POST" {
        return Err("the method".to_owned());
    }
    if !header(request, "user-agent").starts_with("latchkey/") {
        return Err("no user agent".to_owned());
    }
    let (origin, path) = match vendor {
        "resend" => ("https://api.resend.com", "/emails"),
        "postmark" => ("https://api.postmarkapp.com", "/email"),
        "sendgrid" => ("https://api.sendgrid.com", "/v3/mail/send"),
        "mailgun" => ("https://api.mailgun.net", "/v3/mg.example.com/messages"),
        "ses" => ("https://email.eu-central-1.amazonaws.com", "/v2/email/outbound-emails"),
        "brevo" => ("https://api.brevo.com", "/v3/smtp/email"),
        "mailchannels" => ("https://api.mailchannels.net", "/tx/v1/send"),
        other => return Err(format!("no vendor {other}")),
    };
    let uri = request.uri().to_string();
    let is_batch = vendor == "postmark" && uri == format!("{origin}/email/batch");
    if uri != format!("{origin}{path}") && !is_batch {
        return Err(format!("the address {uri}"));
    }
    if vendor == "mailgun" {
        return mailgun(request);
    }
    if header(request, "content-type") != "application/json" {
        return Err("the content type".to_owned());
    }
    let body: Value = serde_json::from_slice(request.body()).map_err(|error| error.to_string())?;
    match vendor {
        "resend" => resend(request, &body),
        "postmark" => postmark(request, &body),
        "sendgrid" => sendgrid(request, &body),
        "ses" => ses(request, &body),
        "brevo" => brevo(request, &body),
        _ => mailchannels(request, &body),
    }
}

fn header<'a>(request: &'a http::Request<Vec<u8>>, name: &str) -> &'a str {
    request.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn expect(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn key(request: &http::Request<Vec<u8>>, name: &str, value: &str) -> Result<(), String> {
    expect(header(request, name) == value, name)
}

/// An object with all of `required` and nothing but those and `optional`.
fn object(value: &Value, required: &[&str], optional: &[&str]) -> Result<(), String> {
    let fields = value.as_object().ok_or_else(|| format!("no object: {value}"))?;
    for name in required {
        expect(fields.contains_key(*name), &format!("{name} is missing"))?;
    }
    for name in fields.keys() {
        expect(
            required.contains(&name.as_str()) || optional.contains(&name.as_str()),
            &format!("unknown field {name}"),
        )?;
    }
    Ok(())
}

/// Text that is not empty.
fn text(value: &Value) -> Result<&str, String> {
    value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| format!("no text: {value}"))
}

/// One address without a name, its domain in ASCII.
fn address(value: &str) -> Result<(), String> {
    let parts: Vec<&str> = value.split('@').collect();
    let fine = parts.len() == 2 && !value.contains([',', ';', '<', ' ']) && parts[1].is_ascii();
    expect(fine, &format!("not one address: {value}"))
}

/// `Name <address>`, or an address.
fn mailbox(value: &str) -> Result<(), String> {
    match value.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        Some((name, inner)) => {
            let name = name.trim();
            expect(!name.contains(',') || (name.starts_with('"') && name.ends_with('"')), "a comma outside of quotes")?;
            address(inner)
        }
        None => address(value),
    }
}

/// `{"email"}`, with a name where the vendor has one.
fn person(value: &Value) -> Result<(), String> {
    object(value, &["email"], &["name"])?;
    address(text(&value["email"])?)
}

/// Text of ASCII alone.
fn ascii(value: &Value) -> Result<&str, String> {
    text(value).and_then(|text| expect(text.is_ascii(), "not ASCII").map(|()| text))
}

fn one(value: &Value) -> Result<&Value, String> {
    match value.as_array().map(Vec::as_slice) {
        Some([one]) => Ok(one),
        _ => Err(format!("not exactly one: {value}")),
    }
}

/// What every mail of ours says about itself, by name.
fn marks(value: &Value, own_id: &str) -> Result<(), String> {
    expect(value["Auto-Submitted"] == "auto-generated", "Auto-Submitted")?;
    let id = text(&value[own_id])?;
    expect(id.starts_with('<') && id.ends_with('>') && id.contains('@') && id.is_ascii(), own_id)?;
    let names: Vec<String> = value.as_object().unwrap().keys().map(|name| name.to_ascii_lowercase()).collect();
    expect(!names.iter().any(|name| name.starts_with("list-")), "List-Unsubscribe on a transactional mail")
}

fn named(list: &Value) -> Value {
    let pairs = list.as_array().unwrap().iter();
    pairs
        .map(|pair| (pair["Name"].as_str().unwrap().to_owned(), pair["Value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn took(status: u16, body: Value) -> Verdict {
    Ok((status, body.to_string().into_bytes()))
}

fn resend(request: &http::Request<Vec<u8>>, body: &Value) -> Verdict {
    key(request, "authorization", "Bearer sEcReT-kEy")?;
    let idempotency = header(request, "idempotency-key");
    expect(!idempotency.is_empty() && idempotency.len() <= 256, "the idempotency key")?;
    object(body, &["from", "to", "subject"], &["html", "text", "reply_to", "headers"])?;
    mailbox(text(&body["from"])?)?;
    address(text(one(&body["to"])?)?)?;
    if body.get("reply_to").is_some() {
        address(text(one(&body["reply_to"])?)?)?;
    }
    for part in ["subject", "html", "text"] {
        text(&body[part])?;
    }
    marks(&body["headers"], "X-Entity-Ref-ID")?;
    took(200, json!({ "id": "id-1" }))
}

fn postmark(request: &http::Request<Vec<u8>>, body: &Value) -> Verdict {
    key(request, "x-postmark-server-token", "sEcReT-kEy")?;
    key(request, "accept", "application/json")?;
    let one = |email: &Value| {
        object(
            email,
            &["From", "To", "Subject", "HtmlBody", "TextBody"],
            &["ReplyTo", "MessageStream", "TrackOpens", "TrackLinks", "Headers"],
        )?;
        mailbox(text(&email["From"])?)?;
        address(text(&email["To"])?)?;
        if email.get("ReplyTo").is_some() {
            address(text(&email["ReplyTo"])?)?;
        }
        expect(email["TrackOpens"] == false && email["TrackLinks"] == "None", "tracking is on")?;
        expect(email["MessageStream"] == "outbound", "the stream")?;
        let headers = named(&email["Headers"]);
        expect(headers["X-PM-KeepID"] == "true", "X-PM-KeepID")?;
        marks(&headers, "Message-ID")?;
        Ok::<Value, String>(match email["To"].as_str().unwrap().starts_with("inactive") {
            true => json!({ "ErrorCode": 406, "Message": "inactive" }),
            false => json!({ "ErrorCode": 0, "Message": "OK", "MessageID": "id-1" }),
        })
    };
    match body.as_array() {
        Some(emails) => {
            expect(request.uri().path() == "/email/batch" && emails.len() <= 500, "the batch")?;
            took(200, emails.iter().map(one).collect::<Result<Vec<Value>, String>>()?.into())
        }
        None => took(200, one(body)?),
    }
}

/// SendGrid's form, which MailChannels has taken over in part.
fn personalised(body: &Value) -> Result<(), String> {
    let personalization = one(&body["personalizations"])?;
    object(personalization, &["to"], &[])?;
    person(one(&personalization["to"])?)?;
    person(&body["from"])?;
    if let Some(reply_to) = body.get("reply_to") {
        person(reply_to)?;
    }
    text(&body["subject"])?;
    let types: Vec<&str> =
        body["content"].as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
    expect(types == ["text/plain", "text/html"], "text/plain first, then text/html")?;
    for part in body["content"].as_array().unwrap() {
        object(part, &["type", "value"], &[])?;
        text(&part["value"])?;
    }
    for kind in ["click_tracking", "open_tracking"] {
        expect(body["tracking_settings"][kind]["enable"] == false, "tracking is on")?;
    }
    Ok(())
}

fn sendgrid(request: &http::Request<Vec<u8>>, body: &Value) -> Verdict {
    key(request, "authorization", "Bearer sEcReT-kEy")?;
    let optional = &["reply_to", "headers", "tracking_settings"];
    object(body, &["personalizations", "from", "subject", "content"], optional)?;
    personalised(body)?;
    let settings = &body["tracking_settings"];
    object(settings, &["click_tracking", "open_tracking", "subscription_tracking", "ganalytics"], &[])?;
    expect(settings["click_tracking"]["enable_text"] == false, "tracking is on")?;
    marks(&body["headers"], "Message-ID")?;
    // Its 202 has no body, and the id in a header.
    Ok((202, Vec::new()))
}

fn mailchannels(request: &http::Request<Vec<u8>>, body: &Value) -> Verdict {
    key(request, "x-api-key", "sEcReT-kEy")?;
    let optional = &["reply_to", "headers", "tracking_settings", "transactional"];
    object(body, &["personalizations", "from", "subject", "content"], optional)?;
    personalised(body)?;
    object(&body["tracking_settings"], &["click_tracking", "open_tracking"], &[])?;
    expect(body["transactional"] == true, "not transactional")?;
    expect(body["headers"].get("Message-ID").is_none(), "a reserved header")?;
    marks(&body["headers"], "X-Entity-Ref-ID")?;
    took(202, json!({ "request_id": "r", "results": [{ "index": 0, "message_id": "id-1", "status": "sent" }] }))
}

fn mailgun(request: &http::Request<Vec<u8>>) -> Verdict {
    key(request, "authorization", &format!("Basic {}", STANDARD.encode("api:sEcReT-kEy")))?;
    key(request, "content-type", "application/x-www-form-urlencoded")?;
    let fields: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
    let value = |name: &str| {
        let values: Vec<&str> =
            fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect();
        match values[..] {
            [one] if !one.is_empty() => Ok(one),
            _ => Err(format!("{name}: {values:?}")),
        }
    };
    mailbox(value("from")?)?;
    address(value("to")?)?;
    for part in ["subject", "text", "html"] {
        value(part)?;
    }
    for option in ["o:tracking", "o:tracking-clicks", "o:tracking-opens"] {
        expect(value(option)? == "no", "tracking is on")?;
    }
    let headers: serde_json::Map<String, Value> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("h:")?.to_owned(), value.as_str().into())))
        .collect();
    marks(&headers.into(), "Message-Id")?;
    let known = ["from", "to", "subject", "text", "html"];
    let all_known = fields.iter().all(|(name, _)| known.contains(&name.as_str()) || name.starts_with(['o', 'h']));
    expect(all_known, "an unknown field")?;
    took(200, json!({ "id": "id-1", "message": "Queued. Thank you." }))
}

fn ses(request: &http::Request<Vec<u8>>, body: &Value) -> Verdict {
    let authorization = header(request, "authorization");
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/";
    expect(
        authorization.starts_with(scope) && authorization.contains("/eu-central-1/ses/aws4_request, "),
        "the scope",
    )?;
    expect(authorization.contains("SignedHeaders=content-type;host;x-amz-date, Signature="), "the signed headers")?;
    expect(header(request, "x-amz-date").len() == 16, "x-amz-date")?;
    object(body, &["FromEmailAddress", "Destination", "Content"], &["ReplyToAddresses", "ConfigurationOverrides"])?;
    mailbox(ascii(&body["FromEmailAddress"])?)?;
    object(&body["Destination"], &["ToAddresses"], &[])?;
    address(ascii(one(&body["Destination"]["ToAddresses"])?)?)?;
    if body.get("ReplyToAddresses").is_some() {
        address(ascii(one(&body["ReplyToAddresses"])?)?)?;
    }
    object(&body["Content"], &["Simple"], &[])?;
    let simple = &body["Content"]["Simple"];
    object(simple, &["Subject", "Body"], &["Headers"])?;
    object(&simple["Body"], &["Text", "Html"], &[])?;
    for part in [&simple["Subject"], &simple["Body"]["Text"], &simple["Body"]["Html"]] {
        object(part, &["Data"], &["Charset"])?;
        text(&part["Data"])?;
        expect(part["Charset"] == "UTF-8", "the charset")?;
    }
    marks(&named(&simple["Headers"]), "X-Entity-Ref-ID")?;
    let tracking = json!({ "Tracking": { "ClickTrackingEnabled": "DISABLED", "OpenTrackingEnabled": "DISABLED" } });
    expect(body["ConfigurationOverrides"] == tracking, "tracking is on")?;
    took(200, json!({ "MessageId": "id-1" }))
}

fn brevo(request: &http::Request<Vec<u8>>, body: &Value) -> Verdict {
    key(request, "api-key", "sEcReT-kEy")?;
    object(body, &["sender", "to", "subject", "htmlContent"], &["textContent", "replyTo", "headers"])?;
    person(&body["sender"])?;
    person(one(&body["to"])?)?;
    if let Some(reply_to) = body.get("replyTo") {
        person(reply_to)?;
    }
    for part in ["subject", "htmlContent", "textContent"] {
        text(&body[part])?;
    }
    expect(text(&body["headers"]["idempotencyKey"])?.parse::<uuid::Uuid>().is_ok(), "the idempotency key is no UUID")?;
    expect(
        body["headers"].as_object().unwrap().values().all(|value| value.as_str().unwrap().is_ascii()),
        "8-bit headers",
    )?;
    marks(&body["headers"], "X-Entity-Ref-ID")?;
    took(201, json!({ "messageId": "id-1" }))
}

/// What the binding `EMAIL` takes.
pub fn cloudflare(mail: &Value) -> Result<(), String> {
    object(mail, &["to", "from", "subject"], &["html", "text", "replyTo", "headers"])?;
    address(text(&mail["to"])?)?;
    match &mail["from"] {
        Value::String(from) => address(from)?,
        // {email, name} with the binding; its REST interface wants {address, name}.
        from => object(from, &["email", "name"], &[])?,
    }
    for part in ["subject", "html", "text"] {
        text(&mail[part])?;
    }
    for name in mail["headers"].as_object().unwrap().keys() {
        expect(
            name == "Auto-Submitted" || name.starts_with("X-"),
            &format!("a header that is not on its list: {name}"),
        )?;
    }
    marks(&mail["headers"], "X-Entity-Ref-ID")
}
