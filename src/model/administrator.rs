//! The first administrator: two secrets, which may go once others have the role.

use crate::base::secret::Secret;

/// The fewest characters of the first administrator's password in production.
const MIN_ADMIN_PASSWORD: usize = 12;

/// The first administrator, from the deployment's secrets.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The name for HTTP Basic.
    pub username: String,
    /// The password for HTTP Basic.
    pub password: Secret,
}

impl Administrator {
    /// The first administrator, if the secrets name one; what is wrong with them is reported in words.
    pub fn read(get: &impl Fn(&str) -> Option<String>, development: bool, problems: &mut Vec<String>) -> Option<Self> {
        let (username, password) = match (get("ADMIN_USERNAME"), get("ADMIN_PASSWORD")) {
            (Some(username), Some(password)) => (username, password),
            (None, None) => return None,
            (name, _) => {
                let missing = if name.is_some() { "ADMIN_PASSWORD" } else { "ADMIN_USERNAME" };
                problems.push(format!(
                    "{missing} is missing: set both secrets of the first administrator, or neither where others have the \
                     role admin."
                ));
                return None;
            }
        };
        if !development && password == "admin" {
            problems.push("ADMIN_PASSWORD is the development password: set another one.".to_owned());
        } else if !development && password.chars().count() < MIN_ADMIN_PASSWORD {
            problems.push(format!("ADMIN_PASSWORD is too short: {MIN_ADMIN_PASSWORD} characters or more are needed."));
        }
        if username.contains(':') {
            problems.push("ADMIN_USERNAME has a colon, which HTTP Basic cannot carry in a name.".to_owned());
        }
        Some(Self { username, password: Secret::new(password) })
    }
}
