//! The mails that the provider `inbox` took, for the development inbox.

use crate::base::ordered;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Statement};
use crate::store::outbox::row::{COLUMNS, FrozenContent, LeasedMail, QueuedMail};

/// The newest mails that the provider `inbox` took, newest first, at most 1,000 of each user store: of the context's tenant,
/// or of all tenants for the tenant with number 0. One round trip for each user store.
///
/// # Errors
/// The database's.
pub fn find_in_inbox(ctx: &Context) -> Result<Vec<LeasedMail>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox o WHERE o.provider = 'inbox' AND o.state = 'sent' AND (?1 = 0 OR o.tenant = ?1) \
         ORDER BY o.created DESC, o.rowid DESC LIMIT 1000"
    );
    let mut mails = Vec::new();
    for store in ctx.platform.all_stores() {
        for row in &store.query(Statement::new(sql.clone(), vec![ctx.tenant.key()]))? {
            let Some(content) = FrozenContent::from_row(row)? else { continue };
            mails.push(LeasedMail { mail: QueuedMail::from_row(row)?, content });
        }
    }
    // Stable, so that each store's own order stands.
    ordered::sort_by(&mut mails, |one, other| other.mail.created.cmp(&one.mail.created));
    Ok(mails)
}
