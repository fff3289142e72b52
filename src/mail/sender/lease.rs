//! Leasing a batch, also where one of its rows makes the database refuse all of them.

use std::collections::HashSet;

use crate::base::text::without_values;
use crate::mail::render::addresses::LinkPolicy;
use crate::mail::sender::Report;
use crate::mail::templates::Templates;
use crate::model::mail::MailState;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::mail_templates::versions;
use crate::store::outbox::lease::{MailToLease, lease, postpone_full};
use crate::store::outbox::outcome::{Unattempted, record_unattempted};
use crate::store::outbox::row::LeasedMail;

/// How many tries it may take to find the rows that keep a batch from being leased. Halving finds one row in a hundred
/// with 14; who needs more goes on in the next run.
const LEASE_TRIES: u32 = 40;

/// Leases `wanted` to the run `lease_id` until `until`, puts off those whose mailboxes are full, and records `unattempted`, in one
/// round trip as a rule; returns the mails leased, and the tenants' own templates that they are written by, whose links may lead
/// where `policy` says.
///
/// When that fails, the batch is halved until the row is found that fails alone. It is ended as failed, so that it cannot
/// keep the mails of all others from going out run after run; it stays visible and can be tried again.
///
/// # Errors
/// The database's.
pub fn lease_batch(
    platform: &Platform,
    wanted: Vec<MailToLease>,
    mut unattempted: Vec<Unattempted>,
    lease_id: &str,
    until: Millis,
    policy: impl Fn(u64) -> LinkPolicy,
    report: &mut Report,
) -> Result<(Vec<LeasedMail>, Templates), DatabaseError> {
    let mut leased: HashSet<String> = HashSet::new();
    let mut templates = Templates::default();
    let mut parts = vec![wanted.as_slice()];
    for _ in 0..LEASE_TRIES {
        let Some(mails) = parts.pop() else { break };
        let mut statements = vec![lease(mails, lease_id, until)];
        let mut select = versions::select_versions(mails.iter().map(MailToLease::template_version));
        // Templates are PRIMARY's: with its own mails they are read in one round trip.
        if platform.store.is_some()
            && let Some(select) = select.take()
        {
            templates.extend(versions::versions_from_rows(&platform.in_store(None).query(select)?)?, &policy);
        }
        let reads_templates = select.is_some();
        statements.extend(select);
        let postponing = postpone_full(mails, lease_id);
        let postponed_at = (!postponing.is_empty()).then_some(statements.len());
        statements.extend(postponing);
        if !unattempted.is_empty() {
            statements.extend(record_unattempted(&unattempted));
        }
        match platform.db.batch(statements) {
            Ok(outcomes) => {
                let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
                leased.extend(rows.iter().filter_map(|row| row.read_text("id").ok().map(str::to_owned)));
                if let Some(read) = outcomes.get(1).filter(|_| reads_templates) {
                    templates.extend(versions::versions_from_rows(&read.rows)?, &policy);
                }
                let postponed = postponed_at.and_then(|index| outcomes.get(index));
                report.deferred += postponed.map_or(0, |postponed| postponed.rows.len());
                unattempted.clear();
            }
            Err(DatabaseError::Unavailable(_)) if !unattempted.is_empty() => {
                // Apart, so that neither is taken for what keeps the other back.
                platform.db.batch(record_unattempted(&unattempted))?;
                unattempted.clear();
                parts.push(mails);
            }
            Err(error @ DatabaseError::Unavailable(_)) if wanted.len() > 1 => match mails {
                [] => return Err(error),
                [one] => {
                    // Should the database be the one that fails, this fails too, and the row stays as it is.
                    let failed = Unattempted::ended(&one.mail, MailState::Failed, without_values(&error.to_string()));
                    report.count(failed.new_state);
                    platform.db.batch(record_unattempted(&[failed]))?;
                }
                several => {
                    let (first, second) = several.split_at(several.len() / 2);
                    parts.extend([second, first]);
                }
            },
            Err(error) => return Err(error),
        }
    }
    let mails = wanted.into_iter().filter(|one| leased.contains(&one.mail.id)).map(LeasedMail::from).collect();
    Ok((mails, templates))
}
