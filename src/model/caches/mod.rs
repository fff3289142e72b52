//! What an isolate remembers from one unit of work to the next. The database is the truth: each part knows for how long it
//! may do without asking, and none grows beyond a fixed number of entries.

mod passwords;
mod providers;
mod registries;
mod settings;
mod sign_in_failures;
mod tokens;
mod writers;

pub use passwords::{PasswordDigest, VerifiedPasswords};
pub use providers::Health;
pub use registries::Registries;
pub use settings::TenantSettings;
pub use sign_in_failures::{FailureCount, SignInFailures};
pub use tokens::{KnownToken, Tokens};
pub use writers::{Ticket, Writers};

/// All that an isolate remembers.
#[derive(Default)]
pub struct Caches {
    /// The tenants' schemas and resource types.
    pub registries: Registries,
    /// The tenants' settings.
    pub settings: TenantSettings,
    /// API tokens.
    pub tokens: Tokens,
    /// Passwords that need no hashing.
    pub passwords: VerifiedPasswords,
    /// The counts of failed sign-ins, which decide who has to wait.
    pub sign_in_failures: SignInFailures,
    /// The state of the mail providers.
    pub mail: Health,
    /// Who writes a resource, and who waits for that.
    pub writers: Writers,
}
