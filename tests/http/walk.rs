//! A walk by chance: eight callers do what they may, all at once, over two isolates, while batches fail before and after
//! their commit, callers die between statements, KV forgets and the mail provider fails. After each hundred operations all
//! is let come to rest, and what must hold is looked at.
//!
//! The seed is printed, and repeats the walk: `LATCHKEY_SEED=7 cargo test --test http walk`. `LATCHKEY_SEEDS=50` walks with the
//! seeds from 1 to 50, and `LATCHKEY_STEPS` says how many operations each has.

mod invariants;
mod operations;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::access::audit_seal;
use latchkey::http::Service;
use latchkey::mail::sender;
use latchkey::model::deployment::Deployment;
use latchkey::native::{MemoryCache, Native, Sqlite};
use latchkey::ports::{Clock as _, Platform, StoreDatabase};
use latchkey::provision::reindex;
use latchkey::store::{pending, sessions, sign_in_failures};
use serde_json::json;

use self::invariants::Versions;
use self::operations::{Caller, Doing, EVERYTHING, INVITING, Known, PERSONAL, PROVISIONING, SETTING, SYSTEM};
use self::world::{Chance, Death, Fate, Fickle, Forgetful, Hand, Provider};
use crate::coroutine::Coroutine;
use crate::support::{App, basic, deployment};

/// The keys of the two isolates.
const KEYS: [&str; 2] = [
    "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8,k2:HxwdGhsYGRYXFBUSExAREg8ODQwLCgkIBwYFBAMCAQA",
    "k2:HxwdGhsYGRYXFBUSExAREg8ODQwLCgkIBwYFBAMCAQA,k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
];
/// Operations of a walk.
const STEPS: u64 = 3_000;
/// Operations after which all comes to rest.
const REST: u64 = 100;

type Running = Coroutine<Option<(u16, String)>>;

/// An isolate. The two are in the middle of a rotation of keys: each signs with another.
#[derive(Clone)]
struct Isolate {
    deployment: Arc<Deployment>,
    service: Arc<Service>,
}

impl Isolate {
    fn new(deployment: &Arc<Deployment>) -> Self {
        Self { deployment: deployment.clone(), service: Arc::new(Service::new(Ok(deployment.clone()))) }
    }
}

/// An operation under way.
struct Work {
    isolate: usize,
    what: String,
    future: Running,
}

struct Walk {
    app: App,
    platform: Platform,
    databases: Vec<Arc<Sqlite>>,
    chance: Chance,
    fate: Arc<Fate>,
    death: Arc<Death>,
    clock: Arc<Hand>,
    provider: Arc<Provider>,
    isolates: [Isolate; 2],
    callers: Vec<Caller>,
    work: Vec<Option<Work>>,
    versions: Versions,
    /// When the cron trigger ran last.
    swept: i64,
    /// How often which kind of operation ended how.
    ends: BTreeMap<String, u32>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let fate = Fate::new(seed);
        let clock = Hand::new();
        let death = Arc::new(Death::default());
        let provider = Arc::new(Provider { fate: fate.clone(), links: Mutex::default() });
        let mut native = Native::in_memory().unwrap();
        native.platform.clock = clock.clone();
        native.platform.entropy = fate.clone();
        let variables = |keys| {
            [
                ("USER_STORES", "ACME=DB_ACME"),
                ("MAIL_PROVIDER", "resend"),
                ("MAIL_API_KEY", "re_secret"),
                ("MAIL_API_BASE", "http://127.0.0.1:9"),
                ("TOKEN_KEYS", keys),
            ]
        };
        let mut app = App::over(native, &variables(KEYS[0]));
        app.create_tenant("acme.com");
        let fickle = |inner| Arc::new(Fickle { inner, fate: fate.clone(), death: death.clone() });
        let stores = app.platform.stores.iter();
        let stores = stores.map(|store| StoreDatabase { number: store.number, db: fickle(store.db.clone()) }).collect();
        app.platform.db = fickle(app.platform.db.clone());
        app.platform.stores = stores;
        app.platform.cache = Arc::new(Forgetful { inner: MemoryCache::default(), fate: fate.clone() });
        app.platform.http = provider.clone();
        let databases = std::iter::once(app.native.sqlite.clone()).chain(app.stores.iter().cloned()).collect();
        let token = |prefix: &str, scopes: &[&str]| format!("Bearer {}", app.token(prefix, scopes).1);
        let caller = |name, prefix, authorization, does| Caller { name, prefix, authorization, does };
        let all = ["scim:read", "scim:write", "roles", "invitations", "settings", "audit", "mail", "links"];
        let callers = vec![
            caller("admin", "", basic("admin", "admin"), EVERYTHING),
            caller("provisioner", "", token("", &["scim:read", "scim:write"]), PROVISIONING),
            caller("inviter", "", token("", &["scim:read", "invitations"]), INVITING),
            caller("configurer", "", token("", &["scim:read", "settings"]), SETTING),
            caller("acme's admin", "/t/acme.com", token("/t/acme.com", &all), EVERYTHING),
            caller(
                "acme's provisioner",
                "/t/acme.com",
                token("/t/acme.com", &["scim:read", "scim:write", "roles"]),
                PROVISIONING,
            ),
            caller("person", "", String::new(), PERSONAL),
            caller("system", "", String::new(), SYSTEM),
        ];
        for prefix in ["", "/t/acme.com"] {
            let reply = app.admin("POST", &format!("{prefix}/api/schemas"), operations::schema(0).to_string());
            assert_eq!(reply.status, 201, "{}", reply.text);
        }
        let isolates = KEYS.map(|keys| Isolate::new(&Arc::new(deployment(&variables(keys)))));
        let work = callers.iter().map(|_| None).collect();
        Self {
            platform: app.platform.clone(),
            databases,
            chance: Chance::new(seed ^ 0xabcd),
            fate,
            death,
            clock,
            provider,
            isolates,
            callers,
            work,
            versions: Versions::new(),
            swept: 0,
            ends: BTreeMap::new(),
            app,
        }
    }

    /// What there is to choose from for a caller of the tenant at this prefix.
    fn known(&self, prefix: &str) -> Known {
        let tenant = if prefix.is_empty() { "tenant = 0" } else { "tenant <> 0" };
        let ids = |sqlite: &Sqlite, sql: &str| -> Vec<String> {
            sqlite.with(|connection| {
                let mut statement = connection.prepare_cached(sql).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
            })
        };
        let everywhere = |sql: &str| self.databases.iter().flat_map(|sqlite| ids(sqlite, sql)).collect();
        Known {
            users: everywhere(&format!("SELECT id FROM resources WHERE type = 'User' AND {tenant} ORDER BY id")),
            groups: everywhere(&format!("SELECT id FROM resources WHERE type = 'Group' AND {tenant} ORDER BY id")),
            mails: everywhere(&format!(
                "SELECT id FROM outbox WHERE state IN ('failed', 'unknown', 'dropped') AND {tenant} ORDER BY id LIMIT 20"
            )),
            links: self.provider.links.lock().unwrap().clone(),
        }
    }

    /// Begins an operation of a caller.
    fn begin(&mut self, caller: usize) {
        let doing = *self.chance.pick(self.callers[caller].does);
        let isolate = self.chance.below(2) as usize;
        let Isolate { deployment, service } = self.isolates[isolate].clone();
        let platform = self.platform.clone();
        let name = self.callers[caller].name;
        let (what, future): (String, Running) = match doing {
            Doing::Send => {
                let run = move || {
                    let renewed = service.renew(&platform);
                    let sent = sender::run(&platform, &deployment, service.mail_health(), 5);
                    let well = renewed.is_ok() && sent.is_ok();
                    Some((if well { 200 } else { 503 }, String::new()))
                };
                (format!("{name}: send"), Coroutine::new(run))
            }
            Doing::Sweep => {
                let run = move || {
                    let done = [
                        service.warm(&platform),
                        pending::settle(&platform),
                        service.settle_role_grants(&platform),
                        reindex::sweep(&platform),
                        sign_in_failures::sweep(&platform),
                        sessions::sweep(&platform),
                        audit_seal::run(&platform, &deployment),
                    ];
                    let well = done.iter().all(Result::is_ok);
                    Some((if well { 200 } else { 503 }, String::new()))
                };
                (format!("{name}: sweep"), Coroutine::new(run))
            }
            _ => {
                let known = self.known(self.callers[caller].prefix);
                let request = operations::request(doing, &self.callers[caller], &mut self.chance, &known);
                let what = format!("{name}: {doing:?} {} {}", request.method(), request.uri());
                let run = move || {
                    let response = service.handle(&platform, request);
                    let status = response.status().as_u16();
                    let bytes = response.into_body();
                    Some((status, String::from_utf8_lossy(&bytes).into_owned()))
                };
                (what, Coroutine::new(run))
            }
        };
        self.work[caller] = Some(Work { isolate, what, future });
    }

    /// Goes on with what a caller does, as far as it goes without the others.
    fn go_on(&mut self, caller: usize) {
        let Some(work) = &mut self.work[caller] else { return };
        let ended = work.future.go_on();
        if self.death.take() {
            self.bury(caller);
            return;
        }
        let Some(end) = ended else { return };
        let work = self.work[caller].take().unwrap();
        let (status, text) = end.unwrap_or_default();
        assert!(status != 500, "{}: {status}: {text}", work.what);
        let kind = work.what.split(' ').take(3).collect::<Vec<_>>().join(" ");
        *self.ends.entry(format!("{kind} {status}")).or_default() += 1;
    }

    /// An isolate dies with everything that it was about, and another takes its place.
    fn bury(&mut self, caller: usize) {
        let Some(work) = self.work[caller].take() else { return };
        for other in &mut self.work {
            if other.as_ref().is_some_and(|other| other.isolate == work.isolate) {
                *other = None;
            }
        }
        self.isolates[work.isolate] = Isolate::new(&self.isolates[work.isolate].deployment);
    }

    /// Lets everything come to an end: what is under way, and what the sweep has to do after it.
    fn rest(&mut self) {
        self.fate.arm(false);
        for caller in 0..self.work.len() {
            while self.work[caller].is_some() {
                self.go_on(caller);
            }
        }
        self.clock.advance(Duration::from_secs(60));
        for _ in 0..100 {
            if self.app.number("SELECT COUNT(*) FROM reindexes") == 0 {
                break;
            }
            reindex::sweep(&self.platform).unwrap();
            self.clock.advance(Duration::from_secs(60));
        }
        for Isolate { deployment, service } in &self.isolates {
            service.warm(&self.platform).unwrap();
            pending::settle(&self.platform).unwrap();
            service.settle_role_grants(&self.platform).unwrap();
            audit_seal::run(&self.platform, deployment).unwrap();
        }
    }

    /// The cron trigger of each minute, which others count on: what isolates do not know yet, they know after two. The
    /// sweeps of the system's caller come besides, and may die.
    fn run_what_is_due(&mut self) {
        let now = self.clock.now();
        if now - self.swept < 60_000 {
            return;
        }
        self.swept = now;
        self.fate.arm(false);
        self.isolates[0].service.warm(&self.platform).unwrap();
        pending::settle(&self.platform).unwrap();
        reindex::sweep(&self.platform).unwrap();
    }

    /// Looks at what must hold at rest.
    fn violations(&mut self) -> Vec<String> {
        let mut found = invariants::violations(&self.platform, &self.databases, &mut self.versions);
        for prefix in ["", "/t/acme.com"] {
            for domain in ["PRIMARY", "ACME"] {
                let mut from = 1;
                loop {
                    let path = format!("{prefix}/api/audit/verification?domain={domain}&from={from}");
                    let verified = self.app.admin("GET", &path, "").json();
                    if verified["intact"] != json!(true) {
                        found.push(format!("the audit of {prefix} {domain}: {verified}"));
                    }
                    if verified["more"] != json!(true) {
                        break;
                    }
                    from = verified["to"].as_i64().unwrap() + 1;
                }
            }
        }
        found
    }

    fn walk(&mut self, seed: u64, steps: u64) {
        let mut begun = 0;
        while begun < steps {
            let caller = self.chance.below(self.work.len() as u64) as usize;
            if self.work[caller].is_some() {
                self.go_on(caller);
                continue;
            }
            self.begin(caller);
            begun += 1;
            self.clock.advance(Duration::from_secs(self.chance.below(3)));
            self.run_what_is_due();
            self.fate.arm(true);
            if begun % REST == 0 || begun == steps {
                self.rest();
                let found = self.violations();
                assert!(
                    found.is_empty(),
                    "seed {seed}, after {begun} operations:\n{}\n",
                    found.iter().take(10).cloned().collect::<Vec<_>>().join("\n")
                );
                // Nothing is under way that would last as long.
                if self.chance.once_in(3) {
                    self.clock.advance(Duration::from_secs(3_600));
                    self.run_what_is_due();
                }
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn whatever_eight_callers_do_and_whatever_fails_what_must_hold_holds() {
    let seeds = match (number("LATCHKEY_SEED"), number("LATCHKEY_SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, Some(count)) => 1..=count,
        (None, None) => 1..=1,
    };
    let steps = number("LATCHKEY_STEPS").unwrap_or(STEPS);
    for seed in seeds {
        println!("seed {seed}: {steps} operations");
        let mut walk = Walk::new(seed);
        walk.walk(seed, steps);
        println!("{:?}", walk.fate.mishaps.lock().unwrap());
        println!("{:?}", walk.ends);
    }
}

#[test]
fn whatever_does_not_hold_is_seen() {
    for wrong in [
        "UPDATE counters SET total = total + 1",
        "DELETE FROM counters",
        "DELETE FROM value_index WHERE id = (SELECT MIN(id) FROM value_index)",
        "INSERT INTO value_index SELECT tenant, type, attribute, key || 'x', id FROM value_index LIMIT 1",
        "INSERT INTO unique_values SELECT tenant, type, 'badge', 'x', MIN(id) FROM resources WHERE type = 'User' GROUP BY tenant",
        "INSERT INTO unique_values VALUES (0, 'User', 'badge', 'x', 'nobody')",
        "UPDATE outbox SET user_id = 'nobody'",
        "UPDATE resources SET keys = json_set(keys, '$.displayName', 'x') WHERE type = 'User'",
        "UPDATE resources SET version = version - 1",
        "DELETE FROM group_ancestors WHERE depth = 0",
        "INSERT INTO members SELECT tenant, id, 'nobody', 'User', NULL FROM resources WHERE type = 'Group'",
        "INSERT INTO members SELECT tenant, id, id, 'Group', NULL FROM resources WHERE type = 'Group'",
        "DELETE FROM outbox WHERE state = 'queued'",
        "INSERT INTO credentials SELECT tenant, 'nobody', 'x', 0 FROM counters LIMIT 1",
        "DELETE FROM audit WHERE number = 3",
        "UPDATE audit SET actor = 'eve' WHERE number = 3",
        "DELETE FROM audit_heads",
    ] {
        // Not every walk leads to rows that each of these changes.
        let walked = (1..=20).find_map(|seed| {
            let mut walk = Walk::new(seed);
            walk.walk(seed, 60);
            let changed = walk.databases[0].with(|connection| {
                connection.execute_batch(wrong).unwrap();
                connection.changes()
            });
            (changed > 0).then_some(walk)
        });
        let found = walked.unwrap_or_else(|| panic!("{wrong}: no rows")).violations();
        assert!(!found.is_empty(), "{wrong}");
    }
}
