//! Invitations: the link's token, the account's states, creating an invited user, and redeeming a link.

pub mod account_request;
pub mod change;
pub mod code;
pub mod create;
pub mod emails;
pub mod listing;
pub mod offline;
pub mod recovery;
pub mod redeem;
pub mod reminders;
pub mod renewal;
pub mod resend;
pub mod resend_all;
pub mod revoke;
pub mod role_grants;
