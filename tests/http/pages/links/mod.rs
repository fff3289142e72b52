mod carried;
mod change;
mod expired;
mod invite;
mod role_given;
mod superseded;
mod verify;
