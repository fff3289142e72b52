//! A directory to query: a context over SQLite, and resources put into its tables as the store would.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use latchkey::base::account::{Account, Lock, Onboarding};
use latchkey::base::scope::Scopes;
use latchkey::model::context::{Actor, Context, Work};
use latchkey::model::deployment::Deployment;
use latchkey::model::resource::{Invitation, Resource};
use latchkey::model::schemas::builtin;
use latchkey::model::settings::Values;
use latchkey::model::tenant::Tenant;
use latchkey::native::Native;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use latchkey::store::keys;
use latchkey::store::list::{self, ListError, Page};
use scim::fold;
use scim::list::Position;
use scim::query::ListRequest;
use scim::resource::{Document, read, take_secrets};
use scim::schema::{Registry, ResourceType, Schema};
use serde_json::{Value, json};

/// The extension of the tests: every type, single and multi-valued, indexed and not.
pub const CUSTOM: &str = "urn:example:params:scim:schemas:Custom";

pub const EPOCH: i64 = 1_600_000_000_000;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Directory::registry);
static DEPLOYMENT: LazyLock<Arc<Deployment>> = LazyLock::new(|| Arc::new(deployment()));

pub struct Directory {
    pub native: Native,
    pub ctx: Context,
    pub registry: Registry,
    pub statements: Arc<Recorder>,
}

/// Keeps what is asked of the database.
pub struct Recorder {
    inner: Arc<dyn Database>,
    seen: Mutex<Vec<Vec<Statement>>>,
    documents: AtomicUsize,
}

impl Recorder {
    /// The batches since the last call.
    pub fn take(&self) -> Vec<Vec<Statement>> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The bytes of documents in the answers since the last call.
    pub fn documents(&self) -> usize {
        self.documents.swap(0, Ordering::Relaxed)
    }
}
impl Database for Recorder {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        self.seen.lock().unwrap().push(statements.clone());
        let outcomes = self.inner.batch(statements)?;
        let rows = outcomes.iter().flat_map(|outcome| &outcome.rows);
        let documents = rows.filter_map(|row| row.read_optional_text("document").ok().flatten());
        self.documents.fetch_add(documents.map(str::len).sum(), Ordering::Relaxed);
        Ok(outcomes)
    }
}

/// A resource to be put into the tables.
#[derive(Clone, Debug)]
pub struct Seed {
    pub body: Value,
    pub created: i64,
    pub modified: i64,
    pub account: Account,
    pub invitation: Option<Invitation>,
}

impl Seed {
    pub fn new(body: Value) -> Self {
        Self { body, created: EPOCH, modified: EPOCH, account: Account::default(), invitation: None }
    }
}

fn deployment() -> Deployment {
    let base = [
        ("ENVIRONMENT", "development"),
        ("PUBLIC_ORIGIN", "https://id.example.com"),
        ("ADMIN_USERNAME", "admin"),
        ("ADMIN_PASSWORD", "admin"),
        ("TOKEN_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
    ];
    Deployment::load(
        |name| base.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        |_, _| None,
    )
    .unwrap()
}

fn custom_schema() -> Schema {
    let attribute = |name: &str, data_type: &str, multi_valued: bool, indexed: bool| json!({ "name": name, "type": data_type, "multiValued": multi_valued, "x-indexed": indexed });
    let mut attributes = Vec::new();
    for data_type in ["string", "integer", "decimal", "boolean", "dateTime", "reference", "binary"] {
        attributes.push(attribute(&format!("{data_type}One"), data_type, false, false));
        attributes.push(attribute(&format!("{data_type}Many"), data_type, true, false));
        attributes.push(attribute(&format!("{data_type}IndexedOne"), data_type, false, true));
        attributes.push(attribute(&format!("{data_type}IndexedMany"), data_type, true, true));
    }
    attributes.push(json!({ "name": "exact", "type": "string", "caseExact": true, "x-indexed": true }));
    attributes.push(json!({ "name": "unique", "type": "string", "uniqueness": "server" }));
    let subs = json!([
        { "name": "value", "type": "string" }, { "name": "tags", "type": "string", "multiValued": true },
        { "name": "level", "type": "integer", "x-indexed": true },
    ]);
    attributes.push(json!({ "name": "single", "type": "complex", "subAttributes": subs }));
    attributes.push(json!({ "name": "several", "type": "complex", "multiValued": true, "subAttributes": subs }));
    Schema::parse(&json!({ "id": CUSTOM, "name": "Custom", "attributes": attributes })).unwrap()
}

impl Directory {
    pub fn new() -> Self {
        let native = Native::in_memory().unwrap();
        let statements = Arc::new(Recorder {
            inner: native.platform.db.clone(),
            seen: Mutex::default(),
            documents: AtomicUsize::new(0),
        });
        let mut platform = native.platform.clone();
        platform.db = statements.clone();
        let ctx = Context {
            platform,
            work: Work {
                deployment: DEPLOYMENT.clone(),
                caches: Arc::default(),
                settings: Some(DEPLOYMENT.settings_of(&Tenant::super_tenant(), &Values::new()).into()),
                scopes: Scopes::all(),
                tenant: Tenant::super_tenant(),
                actor: Actor::System,
                request_id: "test".to_owned(),
                address: None,
            },
        };
        Self { native, ctx, registry: REGISTRY.clone(), statements }
    }

    fn registry() -> Registry {
        let mut registry = Registry::clone(&builtin());
        registry.add_schema(custom_schema()).unwrap();
        registry.extend_resource_type("User", CUSTOM, false).unwrap();
        let device = json!({ "id": "urn:example:Device", "name": "Device", "attributes": [
            { "name": "userName", "type": "string" }, { "name": "serial", "type": "string", "x-indexed": true },
            { "name": "members", "type": "string", "multiValued": true },
        ] });
        registry.add_schema(Schema::parse(&device).unwrap()).unwrap();
        registry
            .add_resource_type(&json!({ "name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device" }))
            .unwrap();
        registry
    }

    pub fn of_tenant(&self, domain: &str) -> Context {
        self.ctx.for_tenant(Tenant::from_domain(domain))
    }

    pub fn resource_type(&self, name: &str) -> Arc<ResourceType> {
        self.registry.resource_type(name).unwrap().clone()
    }

    /// Puts resources into the tables, and answers them as stored.
    pub fn insert(&self, type_name: &str, seeds: &[Seed]) -> Vec<Resource> {
        let resources: Vec<Resource> = seeds.iter().map(|seed| self.stored(type_name, seed)).collect();
        self.native.sqlite.with(|connection| {
            connection.execute_batch("BEGIN").unwrap();
            for resource in &resources {
                insert_one(connection, &self.resource_type(type_name), resource);
            }
            connection.execute_batch("COMMIT").unwrap();
        });
        resources
    }

    fn stored(&self, type_name: &str, seed: &Seed) -> Resource {
        let resource_type = self.resource_type(type_name);
        let mut document = read(&resource_type, seed.body.clone()).unwrap();
        let _ = take_secrets(&resource_type, &mut document);
        document.shift_remove("members");
        Resource {
            id: self.ctx.platform.new_id().to_string(),
            document: Value::Object(document).to_string(),
            version: 1,
            created: seed.created,
            modified: seed.modified,
            account: seed.account.clone(),
            invitation: seed.invitation.clone(),
            groups: None,
        }
    }

    pub fn delete(&self, id: &str) {
        self.native.sqlite.with(|connection| {
            for sql in [
                "UPDATE counters SET total = total - 1 WHERE type = (SELECT type FROM resources WHERE id = ?1)",
                "DELETE FROM resources WHERE id = ?1",
                "DELETE FROM value_index WHERE id = ?1",
                "DELETE FROM unique_values WHERE id = ?1",
                "DELETE FROM members WHERE member_id = ?1",
            ] {
                connection.execute(sql, [id]).unwrap();
            }
        });
    }

    /// Puts members into a group, with the client's name for them.
    pub fn join(&self, group: &str, members: &[(&str, &str, Option<&str>)]) {
        self.native.sqlite.with(|connection| {
            for (id, kind, display) in members {
                connection
                    .execute(
                        "INSERT OR IGNORE INTO members (tenant, group_id, member_id, type, display) VALUES (0, ?1, ?2, ?3, ?4)",
                        rusqlite_params(&[Some(group), Some(id), Some(kind), *display]),
                    )
                    .unwrap();
            }
        });
    }

    /// Says which group is in which, at which depth.
    pub fn ancestors(&self, rows: &[(&str, &str, i64, &str)]) {
        self.native.sqlite.with(|connection| {
            for (group, ancestor, depth, display) in rows {
                connection
                    .execute(
                        "INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) VALUES (0, ?1, ?2, ?3, ?4)",
                        (group, ancestor, depth, display),
                    )
                    .unwrap();
            }
        });
    }

    pub fn list_in(&self, ctx: &Context, type_name: &str, parameters: &[(&str, &str)]) -> Result<Page, ListError> {
        let resource_type = self.resource_type(type_name);
        let request = ListRequest::from_pairs(parameters.iter().copied())?;
        let query = request.resolve(&resource_type)?;
        list::list(ctx, &resource_type, &query)
    }

    pub fn list(&self, type_name: &str, parameters: &[(&str, &str)]) -> Page {
        self.list_in(&self.ctx, type_name, parameters).unwrap_or_else(|error| panic!("{error} for {parameters:?}"))
    }

    pub fn list_any(&self, parameters: &[(&str, &str)]) -> Result<Page, ListError> {
        let request = ListRequest::from_pairs(parameters.iter().copied())?;
        let types = self.registry.resource_types();
        let queries = request.resolve_for_any(types)?;
        list::list_any(&self.ctx, types, &queries)
    }
}

fn rusqlite_params<'a>(values: &[Option<&'a str>]) -> rusqlite::ParamsFromIter<Vec<Option<&'a str>>> {
    rusqlite::params_from_iter(values.to_vec())
}

fn insert_one(connection: &rusqlite::Connection, resource_type: &ResourceType, resource: &Resource) {
    let document = resource.attributes();
    let keys = keys::of_resource(resource_type, resource, &document);
    let text = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_user = resource_type.name == "User";
    let invitation = resource.invitation.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO resources (tenant, id, type, name_key, external_id, display, document, keys, version, created, \
             modified, operation, onboarding, lock, disabled, email_verified, pending_email, seq_log, delivery, \
             attempts, sent_at, expires_at) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'test', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .unwrap()
        .execute(rusqlite::params![
            resource.id,
            resource_type.name,
            text("userName").filter(|_| is_user).map(fold::fold),
            text("externalId").map(|text| fold::exact(text).into_owned()),
            text("displayName").or(text("userName")).unwrap_or_default(),
            resource.document,
            keys.to_string(),
            resource.version,
            resource.created,
            resource.modified,
            resource.account.onboarding.as_str(),
            resource.account.lock.as_str(),
            resource.account.disabled,
            resource.account.email_verified,
            resource.account.pending_email,
            resource.account.seq_log,
            invitation.map(|invitation| invitation.delivery.as_str()),
            invitation.map_or(0, |invitation| invitation.attempts),
            invitation.and_then(|invitation| invitation.sent_at),
            invitation.and_then(|invitation| invitation.expires_at),
        ])
        .unwrap();
    for (table, entries) in
        [("value_index", keys::indexed(resource_type, &keys)), ("unique_values", keys::unique(resource_type, &keys))]
    {
        let sql = format!("INSERT INTO {table} (tenant, type, attribute, key, id) VALUES (0, ?, ?, ?, ?)");
        let mut statement = connection.prepare_cached(&sql).unwrap();
        for (attribute, key) in entries {
            statement.execute((&resource_type.name, attribute, key, &resource.id)).unwrap();
        }
    }
    connection
        .prepare_cached(
            "INSERT INTO counters (tenant, type, total) VALUES (0, ?1, 1) \
             ON CONFLICT (tenant, type) DO UPDATE SET total = total + 1",
        )
        .unwrap()
        .execute([&resource_type.name])
        .unwrap();
}

/// The document that a filter means: with WSO2's account attributes for every user, which filters see in all of them.
pub fn whole(directory: &Directory, type_name: &str, resource: &Resource, members: Option<&[Value]>) -> Document {
    let mut document = resource.whole(&directory.ctx, &directory.resource_type(type_name));
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        document.insert("members".to_owned(), json!(members));
    }
    if type_name == "User" {
        let account = &resource.account;
        let shown = document.entry("urn:scim:wso2:schema").or_insert_with(|| json!({}));
        shown["accountState"] = json!(account.state().as_str());
        shown["accountLocked"] = json!(account.is_locked());
        shown["accountDisabled"] = json!(account.disabled);
        shown["emailVerified"] = json!(account.email_verified);
        if let Some(reason) = account.locked_reason() {
            shown["lockedReason"] = json!(reason);
        }
    }
    document
}

pub fn ids(page: &Page) -> Vec<String> {
    page.resources.iter().map(|(_, resource)| resource.id.clone()).collect()
}

pub fn next_cursor(page: &Page) -> Option<&str> {
    match &page.position {
        Position::Cursor { next } => next.as_deref(),
        Position::Index(_) => None,
    }
}

/// The scimType of a refusal.
pub fn refusal(result: Result<Page, ListError>) -> &'static str {
    match result {
        Err(ListError::Refused(error)) => error.scim_type.map_or("", scim::error::ScimType::as_str),
        Err(ListError::Database(error)) => panic!("{error}"),
        Ok(page) => panic!("{} resources", page.resources.len()),
    }
}

pub fn pending(seq_log: &str) -> Account {
    Account {
        onboarding: Onboarding::AskPassword,
        lock: Lock::Onboarding,
        seq_log: seq_log.to_owned(),
        ..Account::default()
    }
}
