//! Test mails that people send themselves: rows of the audit alone.

use crate::base::limits::TEST_MAILS;
use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::ports::DatabaseError;
use crate::store::audit::{self, Counted};
use crate::store::operation::Operation;

/// Records that a user sends themselves one more, where [`TEST_MAILS`] lets them; answers whether it does.
///
/// # Errors
/// The database's.
pub fn record(ctx: &StoreContext, user_id: &str) -> Result<bool, DatabaseError> {
    let operation = Operation::new(ctx);
    let within = Counted::TEST_MAILS.within(TEST_MAILS, "?4");
    let mut row = audit::record_if(ctx, operation.id(), Action::MailTest, user_id, &within);
    row.sql.to_mut().push_str(" RETURNING number");
    Ok(operation.commit(ctx, vec![row])?.has_row(0))
}
