mod carried;
mod change;
mod expired;
mod invite;
mod own_changes;
mod several_addresses;
mod superseded;
mod verify;
