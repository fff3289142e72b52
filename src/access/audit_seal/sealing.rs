//! Sealing: the rows that have no seal yet get one, in order, and the head of their tenant moves on.
//!
//! A row at or below the head had a seal when the head was made. One that has none now lost it, or took the place of one
//! that had: it is never sealed again, and the log says so. Where the head itself is in doubt, nothing of the tenant is
//! sealed until an operator takes its rows as they are (`acceptance`).

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::access::audit_seal::heads::{self, Doubt, Standing};
use crate::access::audit_seal::macs;
use crate::model::deployment::Deployment;
use crate::model::tenant::random_number;
use crate::ports::{DatabaseError, Platform};
use crate::store::audit::heads::{self as store, Advance, Unsealed, Waiting};
use crate::store::audit::rows::Mark;

/// Rows that one step seals at most.
const STEP: u32 = 500;
/// Steps that one run makes at most.
const STEPS: u32 = 10;
/// Tenants whose heads are compared with their copies in one run, in all stores together. KV is asked and written once
/// for each, and an invocation may make a thousand calls.
pub const TENANTS: usize = 100;

/// A tenant, as this run knows it.
enum Chain {
    /// Its head counts: what the database has, and the number and seal of the last row that has been sealed.
    Open { stored: (i64, String), last: (i64, String) },
    /// Nothing of it is sealed in this run.
    Closed,
}

struct Run<'a> {
    platform: &'a Platform,
    deployment: &'a Deployment,
    kid: &'a str,
    chains: BTreeMap<u64, Chain>,
    /// Heads that have moved, to be copied.
    moved: BTreeMap<u64, Mark>,
    /// Tenants about which the log has a line already.
    told: Vec<u64>,
}

/// Seals what has no seal yet in one user store, of at most `budget` tenants, which it takes its share of.
///
/// # Errors
/// The database's: the next run goes on from there.
pub fn seal(platform: &Platform, deployment: &Deployment, budget: &mut usize) -> Result<(), DatabaseError> {
    let Some(kid) = deployment.keys.current_kid() else { return Ok(()) };
    let mut run = Run { platform, deployment, kid, chains: BTreeMap::new(), moved: BTreeMap::new(), told: Vec::new() };
    let done = run.walk(budget);
    // What has been sealed is copied and told, whatever became of the rest.
    let copied = run.copy_heads();
    *budget = budget.saturating_sub(run.chains.len());
    done.and(copied)
}

impl Run<'_> {
    /// Walks the rows without a seal, from a tenant picked at random to the last one and from the first one on: the tenants'
    /// numbers are hashes, so that none waits behind the others for long.
    fn walk(&mut self, budget: &usize) -> Result<(), DatabaseError> {
        let begin = random_number(self.platform);
        let mut place = (begin, -1);
        let mut wrapped = false;
        for _ in 0..STEPS {
            let Waiting { rows, uncopied } = store::waiting(self.platform, place, STEP, 20)?;
            let full = rows.len() == STEP as usize;
            let last = rows.last().map(|Unsealed { entry, .. }| (entry.tenant, entry.number));
            self.recopy(uncopied, *budget)?;
            self.step(rows, *budget)?;
            match last {
                Some((tenant, number)) if full => {
                    let tenant_number = tenant.cast_signed();
                    // Rows of a closed tenant are passed over.
                    let closed = matches!(self.chains.get(&tenant), Some(Chain::Closed));
                    place = if closed { (tenant_number + 1, -1) } else { (tenant_number, number) };
                }
                _ if wrapped => break,
                _ => {
                    place = (-1, 0);
                    wrapped = true;
                }
            }
            if wrapped && place.0 > begin || self.chains.len() >= *budget {
                break;
            }
        }
        Ok(())
    }

    /// Tells the log of something that is not sealed, once for each tenant.
    fn refuse(&mut self, tenant: u64, number: i64, problem: &str) {
        if self.told.contains(&tenant) {
            return;
        }
        self.told.push(tenant);
        let mut line = json!({
            "event": "audit.refused", "tenant": tenant, "number": number, "problem": problem,
            "help": "see /api/audit/verification and docs/audit.md",
        });
        if let Some(store) = self.platform.store {
            line["store"] = json!(store);
        }
        self.platform.log.line(&line.to_string());
    }

    /// Compares a tenant's head with its copy, and returns it where it counts.
    fn head(&mut self, tenant: u64, head: Option<&Mark>) -> Result<Standing, DatabaseError> {
        let Ok(copy) = heads::copy(self.platform, tenant) else {
            self.refuse(tenant, head.map_or(0, |head| head.number), "the copy of the head cannot be read");
            return Ok(Standing::Doubtful(Doubt { number: 0, problem: "head copy unavailable" }));
        };
        let judge =
            |head: Option<&Mark>| heads::judge(self.deployment, self.platform.store, tenant, head, copy.as_ref());
        let mut standing = judge(head);
        if matches!(standing, Standing::Doubtful(_)) {
            // Another sealer may have moved the head between the two reads: this run leaves the tenant to it.
            let again = store::of_tenants(self.platform, &[tenant])?;
            let now = again.first().map(|(_, head)| head);
            if now != head {
                return Ok(Standing::Doubtful(Doubt { number: 0, problem: "head moved" }));
            }
            standing = judge(now);
        }
        if let Standing::Doubtful(Doubt { number, problem }) = &standing {
            self.refuse(tenant, *number, problem);
        }
        Ok(standing)
    }

    /// Copies heads again whose copies did not arrive.
    fn recopy(&mut self, uncopied: Vec<(u64, Mark)>, budget: usize) -> Result<(), DatabaseError> {
        for (tenant, head) in uncopied {
            if self.chains.contains_key(&tenant) || self.chains.len() >= budget {
                continue;
            }
            if let Standing::Good(head) = self.head(tenant, Some(&head))? {
                let at = (head.number, head.seal.clone());
                self.chains.insert(tenant, Chain::Open { stored: at.clone(), last: at });
                self.moved.insert(tenant, head);
            } else {
                self.chains.insert(tenant, Chain::Closed);
            }
        }
        Ok(())
    }

    /// Opens the chains of the tenants that come up here for the first time.
    fn open(&mut self, rows: &[Unsealed], budget: usize) -> Result<(), DatabaseError> {
        let mut unbegun = Vec::new();
        for Unsealed { entry, head } in rows {
            let tenant = entry.tenant;
            if self.chains.contains_key(&tenant) || unbegun.contains(&tenant) {
                continue;
            }
            if self.chains.len() + unbegun.len() >= budget {
                break;
            }
            match self.head(tenant, head.as_ref())? {
                Standing::Unbegun => unbegun.push(tenant),
                Standing::Good(Mark { number, seal, .. }) => {
                    let at = (number, seal);
                    self.chains.insert(tenant, Chain::Open { stored: at.clone(), last: at });
                }
                Standing::Doubtful(_) => {
                    self.chains.insert(tenant, Chain::Closed);
                }
            }
        }
        if !unbegun.is_empty() {
            // Rows that were sealed before there were heads are where the first head begins.
            let sealed = store::newest_sealed(self.platform, &unbegun)?;
            for tenant in unbegun {
                let found = sealed.iter().find(|(of, ..)| *of == tenant);
                let last = found.map(|(_, number, seal)| (*number, seal.clone())).unwrap_or_default();
                self.chains.insert(tenant, Chain::Open { stored: (0, String::new()), last });
            }
        }
        Ok(())
    }

    /// Seals these rows.
    fn step(&mut self, rows: Vec<Unsealed>, budget: usize) -> Result<(), DatabaseError> {
        self.open(&rows, budget)?;
        let mut sealed: BTreeMap<u64, Vec<(i64, String)>> = BTreeMap::new();
        let mut refused = Vec::new();
        for Unsealed { entry, .. } in rows {
            let Some(Chain::Open { last, .. }) = self.chains.get_mut(&entry.tenant) else { continue };
            if entry.number <= last.0 {
                refused.push((entry.tenant, entry.number));
                continue;
            }
            // Where rows are missing, those behind them are sealed all the same: the gap shows, and nothing else can be
            // done to them meanwhile.
            let Some(seal) = macs::seal_of(self.deployment, self.kid, entry.tenant, &last.1, &entry) else { continue };
            *last = (entry.number, seal.clone());
            sealed.entry(entry.tenant).or_default().push((entry.number, seal));
        }
        for (tenant, number) in refused {
            self.refuse(tenant, number, "unsealed at or below the head");
        }
        self.write(sealed)
    }

    fn write(&mut self, sealed: BTreeMap<u64, Vec<(i64, String)>>) -> Result<(), DatabaseError> {
        let mut advances = Vec::new();
        let mut seals: Vec<Json> = Vec::new();
        for (tenant, rows) in &sealed {
            let Some(Chain::Open { stored, last }) = self.chains.get(tenant) else { continue };
            let (number, seal) = last.clone();
            let store = self.platform.store;
            let Some(head) = macs::head(self.deployment, self.kid, store, *tenant, number, seal) else { continue };
            seals.extend(rows.iter().map(|(number, seal)| json!([tenant, number, seal, head.mac])));
            advances.push(Advance { tenant: *tenant, before: stored.clone(), head });
        }
        if advances.is_empty() {
            return Ok(());
        }
        let moved = store::advance(self.platform, &advances, &seals, self.kid)?;
        for Advance { tenant, head, .. } in advances {
            let chain = if moved.contains(&tenant) {
                let at = (head.number, head.seal.clone());
                self.moved.insert(tenant, head);
                Chain::Open { stored: at.clone(), last: at }
            } else {
                // Another sealer was faster.
                Chain::Closed
            };
            self.chains.insert(tenant, chain);
        }
        Ok(())
    }

    /// Copies the heads that have moved, and writes them into the log, a witness of its own.
    fn copy_heads(&mut self) -> Result<(), DatabaseError> {
        let mut copied = Vec::new();
        for (tenant, head) in std::mem::take(&mut self.moved) {
            let mut line = json!({ "event": "audit.seal", "tenant": tenant, "number": head.number, "seal": head.seal });
            if let Some(store) = self.platform.store {
                line["store"] = json!(store);
            }
            match heads::keep_copy(self.platform, tenant, &head) {
                Ok(()) => copied.push((tenant, head.number)),
                Err(_) => line["copied"] = json!(false),
            }
            self.platform.log.line(&line.to_string());
        }
        if copied.is_empty() { Ok(()) } else { store::note_copies(self.platform, &copied) }
    }
}
