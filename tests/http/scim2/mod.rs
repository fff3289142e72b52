mod me;
mod users;
