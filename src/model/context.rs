//! What one unit of work carries through the rooms: the outside world, whose data it is about, and who acts.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::base::scope::Scopes;
use crate::model::caches::Caches;
use crate::model::deployment::Deployment;
use crate::model::settings::Settings;
use crate::model::tenant::Tenant;
use crate::ports::Platform;

/// The actor, as the audit names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has signed in: a link or a public endpoint.
    Anyone,
    /// The first administrator, by name.
    Administrator(String),
    /// A user who has a role, acting on others by it.
    RoleHolder {
        /// The user's id.
        id: String,
        /// The user's name.
        name: String,
    },
    /// A user, by id.
    User(String),
    /// An API token.
    Token {
        /// Its id.
        id: String,
        /// The name its creator gave it.
        name: String,
    },
    /// Latchkey itself: the mail sender, the sweep.
    System,
}

impl Actor {
    /// Returns the actor's name as the mail of an invitation has it, if they are a person who may invite.
    #[must_use]
    pub fn inviter(&self) -> Option<&str> {
        match self {
            Self::Administrator(name) | Self::RoleHolder { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it is the user of this id.
    #[must_use]
    pub fn is_user(&self, user_id: &str) -> bool {
        match self {
            Self::RoleHolder { id, .. } | Self::User(id) => id == user_id,
            _ => false,
        }
    }
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

/// One unit of work apart from its database: whose data it is about, and who acts.
#[derive(Clone)]
pub struct Work {
    /// The deployment's configuration, the same for all tenants.
    pub deployment: Arc<Deployment>,
    /// The caches of this isolate.
    pub caches: Arc<Caches>,
    /// Whose data it is about.
    pub tenant: Tenant,
    /// What holds for the tenant, as it was read for this work; `None` before that.
    pub settings: Option<Arc<Settings>>,
    /// The actor.
    pub actor: Actor,
    /// The scopes granted to the actor.
    pub scopes: Scopes,
    /// Names this unit of work in the log and the audit.
    pub request_id: String,
    /// The client's address (`CF-Connecting-IP`).
    pub address: Option<String>,
}

impl Work {
    /// Returns what holds for the tenant: the settings that were read for this work. Whoever calls this has seen to it
    /// that they were ([`Context::with_settings`], [`Context::admit`]); a build with debug assertions panics where nobody
    /// has, and any other goes on with [`Work::last_known_settings`].
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        debug_assert!(self.settings.is_some(), "the tenant's settings were not read for this work");
        self.settings.clone().unwrap_or_else(|| self.last_known_settings())
    }

    /// Returns what the isolate last knew of the tenant's settings, however long ago; the deployment's for a tenant it has
    /// never read. Only for what has to be decided before anything is read (rate limits, delays), and for pages that show
    /// something although nothing was read.
    #[must_use]
    pub fn last_known_settings(&self) -> Arc<Settings> {
        self.settings.clone().unwrap_or_else(|| self.caches.settings.last_read(&self.deployment, &self.tenant))
    }

    /// The origin and path prefix that this tenant's addresses start with.
    #[must_use]
    pub fn base(&self) -> String {
        format!("{}{}", self.deployment.public_origin, self.tenant.prefix())
    }
}

/// A unit of work at a database, whichever it is: what the audit and [`Work`] need.
pub trait UnitOfWork: Deref<Target = Work> + Send + Sync {
    /// The outside world, with the database at hand.
    fn platform(&self) -> &Platform;

    /// Now, in whole seconds since the epoch.
    fn now_seconds(&self) -> u64 {
        u64::try_from(self.platform().clock.now()).unwrap_or_default() / 1000
    }
}

/// One unit of work at PRIMARY's database, which holds everything that is not a user's: tenants, settings, groups and
/// their members, registrations, templates, API tokens, and PRIMARY's own users.
#[derive(Clone)]
pub struct Context {
    /// The outside world, its database PRIMARY's and metered.
    pub platform: Platform,
    /// Whose data it is about, and who acts.
    pub work: Work,
}

/// One unit of work at the database of a user's store: what functions take that read or write a user's rows (the user,
/// credentials, sessions, outbox, audit, history). A type of its own, so that none of them asks PRIMARY by mistake.
#[derive(Clone)]
pub struct StoreContext {
    /// The outside world, its database the store's.
    pub platform: Platform,
    /// Whose data it is about, and who acts.
    pub work: Work,
}

/// Implements what both contexts have.
macro_rules! unit_of_work {
    ($name:ident) => {
        impl Deref for $name {
            type Target = Work;

            fn deref(&self) -> &Work {
                &self.work
            }
        }

        impl UnitOfWork for $name {
            fn platform(&self) -> &Platform {
                &self.platform
            }
        }

        impl $name {
            /// The same work at a user store, or at PRIMARY, as one that is done at a store.
            #[must_use]
            pub fn in_store(&self, store: Option<u16>) -> StoreContext {
                StoreContext { platform: self.platform.in_store(store), work: self.work.clone() }
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
                // As where users are created, white space around a name is no part of it.
                match self.deployment.user_stores.locate(user_name) {
                    Ok(located) => (self.in_store(located.store), located.name),
                    Err(_) => (self.in_store(None), Cow::Borrowed(user_name.trim())),
                }
            }

            /// The same work in PRIMARY.
            #[must_use]
            pub fn primary(&self) -> Context {
                Context { platform: self.platform.in_store(None), work: self.work.clone() }
            }

            /// The same work, done by this actor.
            #[must_use]
            pub fn acting_as(&self, actor: Actor) -> Self {
                let mut same = self.clone();
                same.work.actor = actor;
                same
            }
        }
    };
}

unit_of_work!(Context);
unit_of_work!(StoreContext);

impl Context {
    /// The same work with what somebody has just read of the tenant's settings.
    #[must_use]
    pub fn with_settings(&self, settings: Arc<Settings>) -> Self {
        let mut same = self.clone();
        same.work.settings = Some(settings);
        same
    }

    /// The same work by somebody who has been let in: with these scopes and the settings that were read for it.
    #[must_use]
    pub fn admit(&self, actor: Actor, scopes: Scopes, settings: Arc<Settings>) -> Self {
        let mut same = self.with_settings(settings);
        same.work.actor = actor;
        same.work.scopes = scopes;
        same
    }

    /// The same work for another tenant, whose settings nobody has read yet.
    #[must_use]
    pub fn for_tenant(&self, tenant: Tenant) -> Self {
        let mut same = self.clone();
        same.work.tenant = tenant;
        same.work.settings = None;
        same
    }
}
