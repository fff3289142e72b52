mod change;
mod expired;
mod invite;
mod verify;
