//! What one unit of work carries through the rooms: the outside world, whose data it is about, and who acts.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::access::delay::Delays;
use crate::access::verified::Verified;
use crate::base::scope::Scopes;
use crate::mail::sender::Health;
use crate::model::deployment::Deployment;
use crate::model::settings::Settings;
use crate::model::tenant::Tenant;
use crate::ports::Platform;
use crate::store::api_tokens::Tokens;
use crate::store::registrations::Registries;
use crate::store::tenant_settings::Tenants;

/// What an isolate remembers from one unit of work to the next. The database is the truth: each part knows for how long
/// it may do without asking.
#[derive(Default)]
pub struct Memory {
    /// The tenants' schemas and resource types.
    pub registries: Registries,
    /// The tenants' settings.
    pub tenants: Tenants,
    /// API tokens.
    pub tokens: Tokens,
    /// Passwords that need no hashing.
    pub verified: Verified,
    /// Who has to wait before signing in again.
    pub delays: Delays,
    /// How the mail providers do.
    pub mail: Health,
}

/// Who acts, as the audit names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has signed in: a link or a public endpoint.
    Anyone,
    /// The first administrator, by name.
    Administrator(String),
    /// A user who has a role, acting on others by it.
    RoleHolder {
        /// His id.
        id: String,
        /// His user name.
        name: String,
    },
    /// A user, by id.
    User(String),
    /// An API token.
    Token {
        /// Its id.
        id: String,
        /// What whoever made it calls it.
        name: String,
    },
    /// Latchkey itself: the mail sender, the sweep.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Administrator(name) => write!(f, "administrator:{name}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::RoleHolder { id, name } => write!(f, "administrator:{name} ({id})"),
            Self::Token { id, name } => write!(f, "token:{name} ({id})"),
            Self::System => f.write_str("system"),
        }
    }
}

/// One unit of work: a request, as the rooms see it.
#[derive(Clone)]
pub struct Context {
    /// The outside world, its database metered.
    pub platform: Platform,
    /// What the deployment fixes.
    pub deployment: Arc<Deployment>,
    /// What this isolate remembers.
    pub memory: Arc<Memory>,
    /// Whose data it is about.
    pub tenant: Tenant,
    /// Who acts.
    pub actor: Actor,
    /// What the actor may do.
    pub scopes: Scopes,
    /// Names this unit of work in the log and the audit.
    pub request_id: String,
    /// The client's address (`CF-Connecting-IP`).
    pub address: Option<String>,
}

/// The context of a request at the user store that its user is in: what functions take that read or write a user's
/// rows (the user, credentials, sessions, outbox, audit, history).
pub type StoreContext = Context;

impl Context {
    /// What holds for the tenant, as last read (`tenant::store`): whoever lets a caller in, or opens a link, reads it.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.memory.tenants.settings(&self.deployment, &self.tenant)
    }

    /// The same work in this user store, by number; in PRIMARY for `None`.
    #[must_use]
    pub fn in_store(&self, store: Option<u16>) -> StoreContext {
        Self { platform: self.platform.in_store(store), ..self.clone() }
    }

    /// The same work in the user store that minted this id.
    #[must_use]
    pub fn in_store_of(&self, id: &str) -> StoreContext {
        self.in_store(self.deployment.user_stores.of_id(id))
    }

    /// The same work in the user store that a user name says, and the name as it is stored there. What names no store of
    /// this deployment is nobody's name, to be looked for in PRIMARY all the same.
    #[must_use]
    pub fn in_store_of_name<'a>(&self, user_name: &'a str) -> (StoreContext, Cow<'a, str>) {
        match self.deployment.user_stores.locate(user_name) {
            Ok(located) => (self.in_store(located.store), located.name),
            Err(_) => (self.primary(), Cow::Borrowed(user_name)),
        }
    }

    /// The same work in PRIMARY, where everything is that is not a user's.
    #[must_use]
    pub fn primary(&self) -> Self {
        self.in_store(None)
    }

    /// Now, in whole seconds since the epoch.
    #[must_use]
    pub fn now_seconds(&self) -> u64 {
        u64::try_from(self.platform.clock.now()).unwrap_or_default() / 1000
    }

    /// The origin and path prefix that this tenant's addresses start with.
    #[must_use]
    pub fn base(&self) -> String {
        format!("{}{}", self.deployment.public_origin, self.tenant.prefix())
    }
}
