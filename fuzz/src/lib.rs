//! What must hold for any input, one function for each fuzz target. A function that returns has seen nothing wrong.
//!
//! `make fuzz` runs them under libFuzzer; `tests/corpus.rs` runs the same functions over the committed corpus and some
//! mutations of it with every `cargo test`.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use latchkey::access;
use latchkey::access::authenticate::{Basic, Credentials};
use latchkey::access::grant::Grant;
use latchkey::access::session_cookie::{Session, find_in_header};
use latchkey::base::address::Address;
use latchkey::base::keys::{Key, KeyRing};
use latchkey::base::locale::MAX_LOCALE;
use latchkey::base::scope::Scopes;
use latchkey::base::token::{Claims, MAX_LENGTH, Purpose, Refused};
use latchkey::mail::render::addresses::LinkPolicy;
use latchkey::mail::render::buffer::MAX_PART;
use latchkey::mail::render::problem::{MAX_TEMPLATE, Problem};
use latchkey::mail::render::render;
use latchkey::mail::render::validate::validate_parts;
use latchkey::mail::template::{Template, Values};
use latchkey::mail::webhooks::{self, Incoming, WebhookError};
use latchkey::model::deployment::Deployment;
use latchkey::model::mail::TemplateType;
use latchkey::model::registration::{self, MAX_ATTRIBUTES, MAX_DOCUMENT};
use latchkey::model::schemas::builtin;
use latchkey::native::Native;
use latchkey::provision::import::MAX_ROWS;
use latchkey::provision::import::csv::Sheet;
use latchkey::provision::import::list::List;
use latchkey::provision::import::row::Row;
use latchkey::provision::registrations::Request;
use latchkey::store::keys;
use scim::discovery;
use scim::filter::Filter;
use scim::patch::Patch;
use scim::resource;
use scim::{Document, Registry, ResourceType};
use serde_json::{Value, json};
use uuid::Uuid;

/// A fuzz target.
pub type Check = fn(&[u8]);

/// All of them, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("token", token),
    ("basic", basic),
    ("import", import),
    ("filter", filter),
    ("patch", patch),
    ("resource", resource),
    ("template", template),
    ("address", address),
    ("bearer", bearer),
    ("hook", hook),
    ("cookie", cookie),
    ("schema", schema),
];

const NOW: u64 = 1_000_000;
const PURPOSES: [Purpose; 3] = [Purpose::AskPassword, Purpose::VerifyEmail, Purpose::Offline];

/// Tokens. An input that begins with `!` describes a token that is minted, after which one bit of it is turned over; any
/// other is a token as it might stand in a link.
pub fn token(input: &[u8]) {
    let ring = KeyRing::new(
        vec![Key::new("new".to_owned(), vec![7; 32]), Key::new("old".to_owned(), vec![9; 32])],
        "id.example.com".to_owned(),
    );
    let tenant = 0;
    let Some(recipe) = input.strip_prefix(b"!") else {
        let text = String::from_utf8_lossy(input);
        for now in [0, NOW, u64::MAX] {
            if let Ok(claims) = ring.verify(&text, &PURPOSES, tenant, now) {
                assert_eq!(ring.mint(&claims).as_deref(), Some(&*text), "one token, one spelling");
            }
        }
        return;
    };
    let mut bytes = recipe.iter().copied();
    let mut number = || (0..8).fold(0_u64, |sum, _| sum << 8 | u64::from(bytes.next().unwrap_or_default()));
    let claims = Claims {
        kid: if number() & 1 == 0 { "new" } else { "old" }.to_owned(),
        purpose: PURPOSES[(number() % 3) as usize],
        tenant,
        user: Uuid::from_u64_pair(number(), number()),
        seq: number() as u32,
        issued_at: number(),
        expires_at: number(),
        locale: "l".repeat((number() % (MAX_LOCALE as u64 + 1)) as usize),
    };
    let (turned, now) = (number(), number());
    let minted = ring.mint(&claims).expect("a key that is in the ring");
    assert!(minted.len() <= MAX_LENGTH);
    let in_time = claims.expires_at == 0 || now < claims.expires_at;
    match ring.verify(&minted, &[claims.purpose], tenant, now) {
        Ok(read) => assert!(read == claims && in_time),
        Err(Refused::Expired(read)) => assert!(*read == claims && !in_time),
        Err(Refused::Invalid) => assert!(claims.issued_at > now, "what was minted is authentic"),
        Err(Refused::OtherTenant) => panic!("the tenant is the token's own"),
    }
    for purpose in PURPOSES.iter().filter(|purpose| **purpose != claims.purpose) {
        assert_eq!(ring.verify(&minted, &[*purpose], tenant, now), Err(Refused::Invalid));
    }
    let mut mangled = minted.into_bytes();
    let bit = turned as usize % (8 * mangled.len());
    mangled[bit / 8] ^= 1 << (bit % 8);
    let mangled = String::from_utf8_lossy(&mangled);
    assert_eq!(ring.verify(&mangled, &PURPOSES, tenant, now), Err(Refused::Invalid));
}

/// `Authorization` headers: what is read is what the credentials say.
pub fn basic(input: &[u8]) {
    let header = String::from_utf8_lossy(input);
    let Some(read) = Basic::parse(&header) else { return };
    assert!(!read.username.contains(':'));
    let credentials = format!("{}:{}", read.username, read.password);
    let again = Basic::parse(&format!("Basic {}", STANDARD.encode(credentials))).expect("well-formed");
    assert!(again.username == read.username && again.password == read.password);
}

/// Files of people, CSV and JSON.
pub fn import(input: &[u8]) {
    let check = |rows: &mut dyn Iterator<Item = Row>| {
        let (mut count, mut line) = (0, 0);
        for row in rows {
            assert!(row.line > line, "rows come in the order of their lines");
            line = row.line;
            count += 1;
            if !row.problems.is_empty() {
                continue;
            }
            let person = row.person;
            if let Ok(user) = person.document(true) {
                assert!(Address::parse(user["emails"][0]["value"].as_str().unwrap_or_default()).is_some());
                assert_eq!(user["userName"], json!(person.user_name));
            }
        }
        assert!(count <= MAX_ROWS);
    };
    if let Ok(sheet) = Sheet::open(input) {
        check(&mut sheet.rows());
    }
    if let Ok(list) = List::open(input) {
        check(&mut list.rows());
    }
}

/// Filters: one that can be read can be evaluated, and its opposite says the opposite.
pub fn filter(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let registry = builtin();
    for resource_type in registry.resource_types() {
        let Ok(filter) = Filter::parse(resource_type, &text) else { continue };
        let Ok(opposite) = Filter::parse(resource_type, &format!("not ({text})")) else { continue };
        for document in [babs(), Document::new()] {
            assert_ne!(filter.matches(&document), opposite.matches(&document), "{text}");
        }
    }
    let _ = Filter::parse_for_any(registry.resource_types().iter().map(|found| &**found), &text);
}

/// PATCH requests: a whole body, or a path alone, with each operation and each kind of value.
pub fn patch(input: &[u8]) {
    let user = user();
    let patched = |request: &Value| {
        let Ok(patched) = Patch::parse(user, request).and_then(|patch| patch.apply(&babs())) else { return };
        // What a PATCH makes is a resource like any other: putting it changes nothing.
        let put = resource::replace(user, &patched, Value::Object(patched.clone()));
        assert_eq!(put.as_ref(), Ok(&patched), "{request}");
    };
    if let Ok(request) = serde_json::from_slice::<Value>(input) {
        patched(&request);
    }
    let path = String::from_utf8_lossy(input);
    let values =
        [json!("text"), json!(true), json!({ "value": "v" }), json!([{ "value": "v", "type": "work" }]), json!(null)];
    for op in ["add", "replace", "remove"] {
        for value in &values {
            patched(&json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": op, "path": path, "value": value }],
            }));
        }
    }
}

/// Bodies of POST and PUT: what has been read reads as itself.
pub fn resource(input: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(input) else { return };
    for resource_type in REGISTRY.resource_types() {
        let Ok(read) = resource::read(resource_type, body.clone()) else { continue };
        assert_eq!(resource::read(resource_type, Value::Object(read.clone())).as_ref(), Ok(&read), "{body}");
        let _ = resource::replace(resource_type, &babs(), body.clone());
    }
}

/// Templates: the input is template and value at once, around a line that must not get out of its place.
pub fn template(input: &[u8]) {
    const MARK: &str = "<script>mark</script>\"'><img src=x onerror=mark>\r\nBcc: mark@example.com\u{202e}";
    let source = String::from_utf8_lossy(input);
    let (html, text) = source.split_once('\0').unwrap_or((&source, &source));
    let of_template = Template { subject: source.to_string(), html: html.to_owned(), text: text.to_owned() };
    let problems = validate_parts(Some(TemplateType::AskPassword), &of_template, &LinkPolicy::default());
    assert!(problems.len() <= 150, "what is said of a template is bounded");
    let values: Values =
        ["user-name", "invitation-link", "user.claim.givenname"].into_iter().map(|name| (name, MARK)).collect();
    let rendered = render(&of_template, &values);
    assert_eq!(render(&of_template, &values), rendered, "an attempt is like the one before it");
    costs(&source);
    // In a template that is taken, no token stands behind the address of another host.
    if !problems.iter().any(Problem::is_unsafe) {
        let secrets: Values = [
            ("invitation-link", "https://id.example.com/invite/lk1.SECRET"),
            ("confirmation-link", "https://id.example.com/verify/lk1.SECRET"),
            ("confirmation-code", "lk1.SECRET"),
            ("user.claim.x", "evil.example/?c="),
        ]
        .into_iter()
        .collect();
        if let Ok(mail) = render(&of_template, &secrets) {
            for text in [&mail.subject, &mail.html, &mail.text] {
                for word in text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\'')) {
                    let before = word.split("lk1.SECRET").next().unwrap_or_default();
                    let leaks = word.contains("lk1.SECRET") && (before.contains("evil.") || before.contains("mailto:"));
                    assert!(!leaks, "{word}");
                }
            }
        }
    }
    let Ok(mail) = rendered else { return };
    assert!(mail.subject.chars().count() <= 160 && !mail.subject.chars().any(char::is_control), "{:?}", mail.subject);
    if !source.contains("mark") {
        assert!(!mail.html.contains("<script>mark") && !mail.html.contains("onerror=mark>"), "{}", mail.html);
        assert!(!mail.html.contains("\r\nBcc: mark") && !mail.text.contains("\nBcc: mark"), "{}", mail.text);
    }

    let as_value: Values = [("user-name", &*source)].into_iter().collect();
    let mail = render(
        &Template {
            subject: "Hello {{user-name}}".to_owned(),
            html: "<p title=\"{{user-name}}\">{{user-name}}</p>".to_owned(),
            text: "{{user-name}}".to_owned(),
        },
        &as_value,
    )
    .expect("one value is small");
    assert_eq!(mail.html.matches('<').count(), 2, "a value is no markup: {}", mail.html);
    assert_eq!(mail.html.matches('"').count(), 2, "a value stays in its attribute: {}", mail.html);
    assert_eq!(mail.text.matches('\n').count(), 1, "a value is one line: {:?}", mail.text);
}

/// Asserts what a template of the largest size may cost that is made of this text: so many bytes, and time in proportion. A
/// machine that is busy takes some times as long; what grows with the square of the size takes hundreds.
fn costs(source: &str) {
    const LONGEST: Duration = Duration::from_secs(3);
    // Times are nothing to hold a busy machine's tests to.
    if std::env::var_os("FUZZ_COSTS").is_none() {
        return;
    }
    let large = source.repeat((MAX_TEMPLATE / source.len().max(1)).max(1));
    let template = Template { subject: String::new(), html: large.clone(), text: large };
    // The longest name that a mail states.
    let long = "n".repeat(256);
    let values: Values =
        ["user-name", "invitation-link", "user.claim.givenname"].map(|name| (name, &*long)).into_iter().collect();
    let began = Instant::now();
    let told = Template { text: String::new(), ..template.clone() };
    for template in [&template, &told] {
        let _ = validate_parts(Some(TemplateType::AskPassword), template, &LinkPolicy::default());
        if let Ok(mail) = render(template, &values) {
            assert!(
                mail.html.len() <= MAX_PART && mail.text.len() <= MAX_PART,
                "{} {}",
                mail.html.len(),
                mail.text.len()
            );
        }
    }
    assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());
}

/// Addresses: one recipient, whatever was sent.
pub fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(address) = Address::parse(&text) else { return };
    let whole = address.as_str();
    assert_eq!(whole.matches('@').count(), 1);
    assert!(!whole.contains([',', ';', '<', '>', '"', '(', ')', ':', '\\', '[', ']']), "{whole:?}");
    assert!(!whole.chars().any(|c| c.is_control() || c.is_whitespace()), "{whole:?}");
    assert_eq!(Address::parse(whole).as_ref(), Some(&address));
    if let Some(ascii) = address.with_ascii_domain() {
        assert!(ascii.domain().is_ascii() && ascii.local() == address.local());
        assert_eq!(Address::parse(ascii.as_str()), Some(ascii));
    }
}

/// API tokens and access tokens: no text passes for one of ours.
pub fn bearer(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(digest) = access::api_token_text::digest(&text) {
        assert!(text.starts_with(access::api_token_text::PREFIX) && text.len() == 39 && digest.len() == 43);
    }
    let ring = |byte: u8| KeyRing::new(vec![Key::new("k".to_owned(), vec![byte; 32])], "id.example.com".to_owned());
    assert_eq!(Grant::verify(&text, &ring(7), 0), None, "nobody has the key");
    let _ = Credentials::parse(&text);
    // Described by the input: signed here, it is ours and nobody else's.
    let mut parent = [0; 32];
    let length = input.len().min(32);
    parent[..length].copy_from_slice(&input[..length]);
    let scopes = Scopes::from_bits_truncate(u16::from_be_bytes([parent[0], parent[1]]));
    let grant = Grant { parent: URL_SAFE_NO_PAD.encode(parent), scopes, expires_at: input.len() as u64 };
    let signed = grant.sign(&ring(7)).expect("a key");
    let verified = |ring: &KeyRing, now| Grant::verify(signed.expose(), ring, now);
    assert_eq!(verified(&ring(7), 0).is_some(), grant.expires_at > 0);
    assert_eq!((verified(&ring(7), grant.expires_at), verified(&ring(8), 0)), (None, None));
}

/// `Cookie` headers: no text passes for one of our sessions, and one that was signed here says what was signed.
pub fn cookie(input: &[u8]) {
    thread_local! {
        static HERE: (Deployment, Deployment) = (deployment(KEY),
            deployment("HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"));
    }
    HERE.with(|(here, elsewhere)| {
        let header = String::from_utf8_lossy(input);
        let name = Session::cookie_name(here);
        for text in [&*header].into_iter().chain(find_in_header(&header, Session::cookie_name(here))) {
            assert_eq!(Session::verify(text, here, 0), None, "nobody has the key");
        }
        // Described by the input: signed here, it is ours and nobody else's, wherever it stands among others.
        let mut bytes = input.iter().copied();
        let mut number = || (0..8).fold(0_u64, |sum, _| sum << 8 | u64::from(bytes.next().unwrap_or_default()));
        let session = Session {
            tenant: number(),
            id: Uuid::from_u64_pair(number(), number()),
            expires_at: number(),
            user: (number() & 1 == 0).then(|| Uuid::from_u64_pair(number(), number())),
        };
        let signed = session.sign(here).expect("a key");
        let others: String = header.chars().filter(|c| *c != ';' && *c != '=').collect();
        let line = format!("{others}=x; {name}={}; {others}", signed.expose());
        let found = find_in_header(&line, Session::cookie_name(here)).expect("it is there");
        let last = session.expires_at.saturating_sub(1);
        let expected = (session.expires_at > 0).then(|| session.clone());
        if others.trim() != name {
            assert_eq!(Session::verify(found, here, last), expected, "{line:?}");
        }
        assert_eq!(Session::verify(signed.expose(), here, session.expires_at), None);
        assert_eq!(Session::verify(signed.expose(), elsewhere, 0), None);
        let turned = number() as usize % (8 * signed.expose().len());
        let mut mangled = signed.expose().as_bytes().to_vec();
        mangled[turned / 8] ^= 1 << (turned % 8);
        assert_eq!(Session::verify(&String::from_utf8_lossy(&mangled), here, 0), None);
    });
}

/// A development deployment with this root key.
fn deployment(key: &str) -> Deployment {
    let variable = |name: &str| match name {
        "ENVIRONMENT" => Some("development".to_owned()),
        "ADMIN_USERNAME" | "ADMIN_PASSWORD" => Some("admin".to_owned()),
        "TOKEN_KEYS" => Some(format!("k1:{key}")),
        _ => HOOK_SECRETS.iter().find(|(known, _)| *known == name).map(|(_, secret)| (*secret).to_owned()),
    };
    Deployment::load(variable, webhooks::problem_with).expect("complete")
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const HOOK_SECRETS: [(&str, &str); 5] = [
    ("MAIL_WEBHOOK_SECRET_POSTMARK", "hook:sixteen-or-more!"),
    ("MAIL_WEBHOOK_SECRET_BREVO", "sixteen-or-more!"),
    ("MAIL_WEBHOOK_SECRET_MAILGUN", "key-0123456789abcdef"),
    ("MAIL_WEBHOOK_SECRET_RESEND", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("MAIL_WEBHOOK_SECRET_SES", "arn:aws:sns:eu-central-1:123456789012:mail"),
];

/// Webhooks: any body is read or refused where the sender has shown who he is, and refused where he has not.
pub fn hook(input: &[u8]) {
    thread_local! {
        static HERE: (Native, Deployment) = (Native::in_memory().expect("SQLite"), deployment(KEY));
    }
    HERE.with(|(native, deployment)| {
        for provider in ["postmark", "brevo", "mailgun", "resend", "ses"] {
            let receive = |headers: &HeaderMap| {
                let incoming = Incoming { headers, body: input };
                webhooks::receive(&native.platform, deployment, provider, &incoming)
            };
            assert!(receive(&HeaderMap::new()).is_err(), "{provider} takes what nobody signed");
            let mut headers = HeaderMap::new();
            let basic = format!("Basic {}", STANDARD.encode("hook:sixteen-or-more!"));
            let credentials = if provider == "brevo" { "Bearer sixteen-or-more!".to_owned() } else { basic };
            headers.insert("authorization", credentials.parse().expect("a header"));
            let received = receive(&headers);
            assert!(!matches!(received, Err(WebhookError::Database(_))), "{provider}: {received:?}");
        }
    });
}

static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(builtin);

fn user() -> &'static Arc<ResourceType> {
    REGISTRY.resource_type("User").expect("there are users")
}

/// A user with something of everything.
fn babs() -> Document {
    let user = json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "id": "2819c223",
        "externalId": "e",
        "userName": "bjensen",
        "name": { "familyName": "O'Malley", "givenName": "Barbara" },
        "active": true,
        "emails": [
            { "value": "b@work.example", "type": "work", "primary": true },
            { "value": "b@home.example", "type": "home" },
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "\u{c4}rger",
            "manager": { "value": "m1" },
        },
        "meta": { "resourceType": "User", "lastModified": "2011-05-13T04:42:34Z", "version": "W/\"1\"" },
    });
    user.as_object().cloned().unwrap_or_default()
}

/// Schemas and resource types that a tenant registers. What is taken has no more attributes than it may, which bounds the
/// work on it, and what becomes of it in memory, in the database and in discovery is bounded by what was sent.
pub fn schema(input: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(input) else { return };
    if !document.is_object() || input.len() > MAX_DOCUMENT {
        return;
    }
    let at_most = |times: usize| times * input.len() + MAX_DOCUMENT;
    let builtin = builtin();
    let requests =
        [Ok(Request::of_schema(document.clone(), input.len())), Request::of_resource_type(document, input.len())];
    for request in requests.into_iter().flatten() {
        let new = &request.registrations;
        assert!(new.len() <= 2, "a schema and what uses it");
        let stored: usize = new.iter().map(|registration| registration.document.to_string().len()).sum();
        assert!(stored + request.shown.to_string().len() <= at_most(6), "what is stored and shown is what was sent");
        if registration::check_bounds(&[], new).is_err() {
            continue;
        }
        let Ok(registry) = registration::build(new) else {
            let rest = registration::build_what_fits(new);
            assert!(rest.schemas().len() <= builtin.schemas().len() + 1, "what does not fit is left out");
            continue;
        };
        assert!(registration::build(&[new.as_slice(), new.as_slice()].concat()).is_err(), "nothing is there twice");
        let added: Vec<_> = registry.schemas().iter().filter(|schema| builtin.schema(&schema.id).is_none()).collect();
        let attributes =
            added.iter().flat_map(|schema| &schema.attributes).map(|attribute| 1 + attribute.sub_attributes.len());
        assert!(attributes.sum::<usize>() <= MAX_ATTRIBUTES, "no more attributes than may be");
        assert!(registry.memory() <= builtin.memory() + at_most(64), "memory");
        let shown =
            added.iter().filter_map(|schema| discovery::schema(&registry, &schema.id, "https://id.example.com"));
        assert!(shown.map(|schema| schema.to_string().len()).sum::<usize>() <= at_most(64), "discovery");
        for resource_type in registry.resource_types() {
            let (all, unique) =
                (keys::paths_with_rows(resource_type, &|_| true), keys::unique_paths(resource_type, &|_| true));
            assert!(unique.iter().all(|path| all.contains(path)), "what must be unique has rows");
            assert!(
                all.iter().all(|path| resource_type.resolve_attribute(path).is_some()),
                "every path leads somewhere"
            );
        }
    }
}
