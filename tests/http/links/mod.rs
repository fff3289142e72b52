mod invite;
mod verify;
