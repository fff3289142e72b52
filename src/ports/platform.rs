//! All ports together, as one unit of work sees them.

use std::sync::Arc;

use crate::ports::meter::Metered;
use crate::ports::{
    Cache, Clock, Database, DatabaseError, EmailBinding, Entropy, Files, HttpClient, Log, MailQueue, Meter,
    RateLimiter, Row, SignatureVerifier, Statement, Tasks,
};

/// The database of a user store other than PRIMARY.
#[derive(Clone)]
pub struct StoreDatabase {
    /// The store's number, which its ids carry.
    pub number: u16,
    /// The database.
    pub db: Arc<dyn Database>,
}

/// The outside world as one unit of work sees it: a request, a queue batch, a run of the sweep.
#[derive(Clone)]
pub struct Platform {
    /// The database of the user store at hand: PRIMARY's, unless [`Platform::in_store`] says otherwise.
    pub db: Arc<dyn Database>,
    /// The number of the user store at hand; `None` for PRIMARY.
    pub store: Option<u16>,
    /// PRIMARY's database, while another one is at hand.
    pub home: Option<Arc<dyn Database>>,
    /// The databases of the other user stores, in the order in which lists visit them.
    pub stores: Arc<[StoreDatabase]>,
    /// KV.
    pub cache: Arc<dyn Cache>,
    /// The queue that wakes the sender.
    pub mail_queue: Arc<dyn MailQueue>,
    /// The way out, for mail providers.
    pub http: Arc<dyn HttpClient>,
    /// What is deployed beside the Worker.
    pub files: Arc<dyn Files>,
    /// The platform's own mail service, where the deployment has one.
    pub email: Option<Arc<dyn EmailBinding>>,
    /// Public-key signatures.
    pub signatures: Arc<dyn SignatureVerifier>,
    /// The rate limiter.
    pub limiter: Arc<dyn RateLimiter>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What is done at once.
    pub tasks: Arc<dyn Tasks>,
    /// The log.
    pub log: Arc<dyn Log>,
    /// What the unit of work at hand has cost, where that is counted.
    pub meter: Arc<Meter>,
}

impl Platform {
    /// The same platform with its database metered, and the meter.
    #[must_use]
    pub fn metered(&self) -> (Self, Arc<Meter>) {
        let meter = Arc::new(self.meter.of_part());
        let is_whole = !self.meter.is_live();
        let metered = |db: &Arc<dyn Database>| -> Arc<dyn Database> {
            Arc::new(Metered { inner: db.clone(), meter: meter.clone(), is_whole })
        };
        let stores = self.stores.iter().map(|store| StoreDatabase { number: store.number, db: metered(&store.db) });
        let stores = stores.collect();
        let home = self.home.as_ref().map(metered);
        (Self { db: metered(&self.db), home, stores, meter: meter.clone(), ..self.clone() }, meter)
    }

    /// The same platform with the database of this user store at hand; PRIMARY's for `None`, and for a number that is no
    /// store's.
    #[must_use]
    pub fn in_store(&self, store: Option<u16>) -> Self {
        let home = self.home.clone().unwrap_or_else(|| self.db.clone());
        match self.stores.iter().find(|known| Some(known.number) == store) {
            Some(known) => Self { db: known.db.clone(), store, home: Some(home), ..self.clone() },
            None => Self { db: home, store: None, home: None, ..self.clone() },
        }
    }

    /// The platform at each user store in turn, PRIMARY first.
    pub fn all_stores(&self) -> impl Iterator<Item = Self> + '_ {
        std::iter::once(None)
            .chain(self.stores.iter().map(|store| Some(store.number)))
            .map(|store| self.in_store(store))
    }

    /// Runs one statement in a round trip of its own.
    ///
    /// # Errors
    /// As [`Database::batch`].
    pub fn query(&self, statement: Statement) -> Result<Vec<Row>, DatabaseError> {
        let outcomes = self.db.batch(vec![statement])?;
        Ok(outcomes.into_iter().next().map(|outcome| outcome.rows).unwrap_or_default())
    }

    /// A time-ordered UUID (RFC 9562) that tells its user store. In PRIMARY it is of version 7, with 74 random bits. In
    /// any other it is of version 8, whose layout is ours: 48 bits of time, 12 bits that are the store's number, 62 random
    /// bits.
    #[must_use]
    pub fn new_id(&self) -> uuid::Uuid {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        let now = u64::try_from(self.clock.now()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(now, &random).into_uuid();
        let Some(number) = self.store else { return id };
        let mut bytes = id.into_bytes();
        bytes[6..8].copy_from_slice(&(0x8000 | (number & 0x0fff)).to_be_bytes());
        uuid::Uuid::from_bytes(bytes)
    }
}

/// The number of the user store in an id that [`Platform::new_id`] made; `None` for PRIMARY's, and for any other text.
#[must_use]
pub fn store_of(id: &str) -> Option<u16> {
    let digits = id.get(14..18).filter(|_| id.len() == 36)?.strip_prefix('8')?;
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::store_of;
    use crate::native::Native;

    #[test]
    fn an_id_tells_its_user_store_and_primarys_none() {
        let mut platform = Native::in_memory().expect("SQLite").platform;
        assert_eq!(platform.new_id().get_version_num(), 7);
        assert_eq!(store_of(&platform.new_id().to_string()), None);
        for number in [0, 1, 0xabc, 0xfff] {
            platform.store = Some(number);
            let id = platform.new_id();
            assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
            assert_eq!(store_of(&id.to_string()), Some(number));
        }
    }

    #[test]
    fn what_is_no_id_is_in_no_store() {
        for text in ["", "nobody", "01234567-89ab-8+12-8000-000000000000", "01234567-89ab-8123", &"é".repeat(18)] {
            assert_eq!(store_of(text), None, "{text}");
        }
    }
}
