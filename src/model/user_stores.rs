//! User stores: `ACME/alice` is the user alice of the store ACME, whose rows are in a database of their own.
//!
//! Which binding holds a store is the deployment's to say: `USER_STORES = "ACME=DB_ACME,LEGACY=DB_LEGACY"`. PRIMARY is
//! always there, in the binding `DB`, and its users' names have no prefix. A user name is stored as it is shown, prefix
//! included, so that filters, orders and pages need not know of stores.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::ports::store_of;

/// The domain of the store that everybody is in who is not said to be in another.
pub const PRIMARY: &str = "PRIMARY";
/// The binding of PRIMARY's database.
const PRIMARY_BINDING: &str = "DB";
/// The longest domain, in characters.
const MAX_DOMAIN: usize = 64;

/// A user store other than PRIMARY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserStore {
    /// Its domain, in upper case.
    pub domain: String,
    /// The binding of its database.
    pub binding: String,
    /// What its ids carry: 12 bits of the domain's SHA-256, so that it outlives every change of `USER_STORES`.
    pub number: u16,
}

/// The user stores other than PRIMARY, in the order in which lists visit them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserStores(Vec<UserStore>);

/// A user name that has been understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// The number of the user's store; `None` for PRIMARY.
    pub store: Option<u16>,
    /// The name as it is stored and shown: with the domain in upper case, or without one for PRIMARY.
    pub name: Cow<'a, str>,
}

impl UserStores {
    /// Reads `USER_STORES`.
    pub fn parse(text: &str, problems: &mut Vec<String>) -> Self {
        let mut stores: Vec<UserStore> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match Self::entry(entry, &stores) {
                Ok(store) => stores.push(store),
                Err(problem) => problems.push(format!("USER_STORES: {problem}")),
            }
        }
        Self(stores)
    }

    fn entry(entry: &str, others: &[UserStore]) -> Result<UserStore, String> {
        let (domain, binding) = entry
            .split_once('=')
            .map(|(domain, binding)| (domain.trim().to_ascii_uppercase(), binding.trim().to_owned()))
            .ok_or_else(|| format!("{entry:?} is no DOMAIN=BINDING."))?;
        let is_domain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if domain.is_empty() || domain.len() > MAX_DOMAIN || !domain.bytes().all(is_domain) {
            return Err(format!("the domain {domain:?} must be 1 to {MAX_DOMAIN} letters, digits, '-', '_' or '.'."));
        }
        if domain == PRIMARY {
            return Err(format!("{PRIMARY} is always there, in the binding {PRIMARY_BINDING}: leave it out."));
        }
        if binding.is_empty() || !binding.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            return Err(format!("{binding:?}, for {domain}, is no name of a D1 binding."));
        }
        if binding == PRIMARY_BINDING {
            return Err(format!("{domain} needs a database of its own: {PRIMARY_BINDING} is {PRIMARY}'s."));
        }
        let number = number(&domain);
        if let Some(other) = others.iter().find(|other| other.domain == domain) {
            return Err(format!("{} occurs twice.", other.domain));
        }
        if let Some(other) = others.iter().find(|other| other.binding == binding) {
            return Err(format!("{domain} and {} name the same binding, {binding}.", other.domain));
        }
        if let Some(other) = others.iter().find(|other| other.number == number) {
            return Err(format!("ids cannot tell {domain} from {}: choose another domain for one.", other.domain));
        }
        Ok(UserStore { domain, binding, number })
    }

    /// The stores.
    pub fn iter(&self) -> std::slice::Iter<'_, UserStore> {
        self.0.iter()
    }

    /// Whether PRIMARY is the only store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The store that minted an id; `None` for PRIMARY, and for what no store of this deployment has minted.
    #[must_use]
    pub fn of_id(&self, id: &str) -> Option<u16> {
        store_of(id).filter(|number| self.0.iter().any(|store| store.number == *number))
    }

    /// The store of this domain: `Some(None)` for PRIMARY, `None` when there is no such store.
    #[must_use]
    pub fn named(&self, domain: &str) -> Option<Option<u16>> {
        if domain.eq_ignore_ascii_case(PRIMARY) {
            return Some(None);
        }
        self.0.iter().find(|store| store.domain.eq_ignore_ascii_case(domain)).map(|store| Some(store.number))
    }

    /// The prefix of the names in a store: `ACME/`, or nothing for PRIMARY.
    #[must_use]
    pub fn prefix(&self, store: Option<u16>) -> String {
        let domain = self.0.iter().find(|known| Some(known.number) == store).map(|known| &known.domain);
        domain.map(|domain| format!("{domain}/")).unwrap_or_default()
    }

    /// The domain of the store that minted an id.
    #[must_use]
    pub fn domain_of(&self, id: &str) -> &str {
        let number = self.of_id(id);
        self.0.iter().find(|store| Some(store.number) == number).map_or(PRIMARY, |store| &store.domain)
    }

    /// The domain at the beginning of a name, where there is such a store, and what follows it. White space around the domain
    /// is no part of either.
    #[must_use]
    pub fn embedded<'a>(&self, name: &'a str) -> Option<(Option<u16>, &'a str)> {
        let (domain, rest) = name.split_once('/')?;
        Some((self.named(domain.trim())?, rest.trim_start()))
    }

    /// A user name without the white space around it, nor around the domain in it, which is spelled as it was.
    #[must_use]
    pub fn trimmed<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let name = name.trim();
        match (self.embedded(name), name.split_once('/')) {
            (Some((_, bare)), Some((domain, rest))) if domain.len() + rest.len() > domain.trim().len() + bare.len() => {
                Cow::Owned(format!("{}/{bare}", domain.trim()))
            }
            _ => Cow::Borrowed(name),
        }
    }

    /// Understands a user name: `ACME/alice`, `PRIMARY/alice` or `alice`. White space around it, and around the domain, is no
    /// part of it.
    ///
    /// # Errors
    /// The domain in it, where there is no such store. Where there is no store besides PRIMARY, a slash is a character
    /// like any other.
    pub fn locate<'a>(&self, name: &'a str) -> Result<Located<'a>, &'a str> {
        let name = name.trim();
        let (store, rest) = self.embedded(name).unwrap_or((None, name));
        match (store, rest.split_once('/')) {
            (Some(_), _) => Ok(Located { store, name: Cow::Owned(self.prefix(store) + rest) }),
            // In PRIMARY, what comes before a slash would be taken for a store by the next reader.
            (None, Some((domain, _))) if !self.is_empty() => Err(domain),
            (None, _) => Ok(Located { store: None, name: Cow::Borrowed(rest) }),
        }
    }

    /// The domain and the bare name of a user, of the name as it is stored.
    #[must_use]
    pub fn split<'a>(&'a self, name: &'a str) -> (&'a str, &'a str) {
        let known = name.split_once('/').filter(|(domain, _)| self.0.iter().any(|store| store.domain == *domain));
        known.unwrap_or((PRIMARY, name))
    }

    /// Returns the error message for a domain that is no store's.
    #[must_use]
    pub fn unknown(&self, domain: &str) -> String {
        let known: Vec<&str> = std::iter::once(PRIMARY).chain(self.0.iter().map(|store| &*store.domain)).collect();
        format!(
            "Invalid user store domain: '{}'. Known are {}.",
            crate::base::text::cut(domain, MAX_DOMAIN),
            known.join(", ")
        )
    }

    /// The bindings that are not there, a sentence each.
    #[must_use]
    pub fn missing(&self, is_there: impl Fn(&str) -> bool) -> Vec<String> {
        let missing = self.0.iter().filter(|store| !is_there(&store.binding));
        missing
            .map(|UserStore { domain, binding, .. }| {
                format!("USER_STORES: the D1 binding {binding}, for {domain}, is missing: add it to [[d1_databases]].")
            })
            .collect()
    }
}

fn number(domain: &str) -> u16 {
    let digest = Sha256::digest(format!("latchkey user store\0{domain}"));
    u16::from_be_bytes([digest[0], digest[1]]) >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(text: &str) -> UserStores {
        let mut problems = Vec::new();
        let stores = UserStores::parse(text, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        stores
    }

    fn located(stores: &UserStores, name: &str) -> Result<(Option<u16>, String), String> {
        stores.locate(name).map(|found| (found.store, found.name.into_owned())).map_err(str::to_owned)
    }

    #[test]
    fn a_stores_number_depends_on_its_domain_alone() {
        let (one, other) = (stores("ACME=DB_A,LEGACY=DB_L"), stores("legacy = DB_2 , acme = DB_1 ,"));
        for domain in ["ACME", "LEGACY"] {
            assert!(one.named(domain).flatten().is_some());
            assert_eq!(one.named(domain), other.named(domain));
        }
        // Ids that carry it are in databases, and it must never change: as Python's hashlib computes it.
        assert_eq!((one.named("acme"), one.named("Legacy")), (Some(Some(1290)), Some(Some(2500))));
    }

    #[test]
    fn what_cannot_be_a_store_is_named() {
        for (text, word) in [
            ("ACME", "ACME"),
            ("=DB_ACME", "domain"),
            ("AC/ME=DB_ACME", "AC/ME"),
            ("A CME=DB_ACME", "A CME"),
            ("ACME=", "ACME"),
            ("ACME=DB-ACME", "DB-ACME"),
            ("ACME=DB", "ACME"),
            ("PRIMARY=DB_P", "PRIMARY"),
            ("ACME=DB_1,acme=DB_2", "twice"),
            ("ACME=DB_1,LEGACY=DB_1", "DB_1"),
        ] {
            let mut problems = Vec::new();
            UserStores::parse(text, &mut problems);
            let [problem] = problems.as_slice() else { unreachable!("{text}: {problems:?}") };
            assert!(problem.starts_with("USER_STORES: ") && problem.contains(word), "{text}: {problem}");
        }
    }

    #[test]
    fn domains_whose_numbers_collide_are_refused() {
        let twin = (0..20_000).map(|n| format!("STORE{n}")).find(|domain| number(domain) == number("ACME"));
        let twin = twin.expect("4,096 numbers, 20,000 names");
        let mut problems = Vec::new();
        UserStores::parse(&format!("ACME=DB_1,{twin}=DB_2"), &mut problems);
        assert!(problems[0].contains("ACME") && problems[0].contains(&twin), "{problems:?}");
    }

    #[test]
    fn a_name_leads_to_its_store() {
        let stores = stores("ACME=DB_A");
        let acme = stores.named("ACME").flatten();
        assert_eq!(located(&stores, "acme/Alice"), Ok((acme, "ACME/Alice".to_owned())));
        assert_eq!(located(&stores, "ACME/a/b"), Ok((acme, "ACME/a/b".to_owned())));
        assert_eq!(located(&stores, "Primary/alice"), Ok((None, "alice".to_owned())));
        assert_eq!(located(&stores, "alice"), Ok((None, "alice".to_owned())));
        assert_eq!(located(&stores, "foo/alice"), Err("foo".to_owned()));
        assert_eq!(located(&stores, "PRIMARY/ACME/alice"), Err("ACME".to_owned()));
        assert_eq!(stores.split("ACME/alice"), ("ACME", "alice"));
        assert_eq!(stores.split("alice"), ("PRIMARY", "alice"));
    }

    #[test]
    fn without_other_stores_a_slash_is_a_character() {
        let stores = UserStores::default();
        assert_eq!(located(&stores, "foo/alice"), Ok((None, "foo/alice".to_owned())));
        assert_eq!(located(&stores, "PRIMARY/alice"), Ok((None, "alice".to_owned())));
        assert_eq!(stores.split("foo/alice"), ("PRIMARY", "foo/alice"));
    }

    #[test]
    fn a_missing_binding_is_named() {
        let problems = stores("ACME=DB_A,LEGACY=DB_L").missing(|binding| binding == "DB_A");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("DB_L") && problems[0].contains("LEGACY"), "{problems:?}");
    }
}
