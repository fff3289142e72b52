//! The port of what is done at once.

/// Does things at once that wait for others: for the database, for mail providers.
pub trait Tasks: Send + Sync {
    /// Does `work` at most so many times at once, at least once, and returns when all have ended. Each takes what there is to do
    /// from one list until nothing is left; nothing of it is borrowed while one waits.
    fn run(&self, count: u32, work: &dyn Fn());
}
