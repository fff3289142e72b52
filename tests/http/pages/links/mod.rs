mod carried;
mod change;
mod expired;
mod invite;
mod superseded;
mod verify;
