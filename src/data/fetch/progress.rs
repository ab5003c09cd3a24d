//! What fetching tells while it goes on.

/// What fetching is doing, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A line worth keeping: a source that is tried, or that failed, or what was written.
    Note(&'a str),
    /// How far a download is. Comes often.
    Bytes {
        /// The file's name.
        file: &'a str,
        /// Bytes so far, those of an earlier try included.
        done: u64,
        /// Bytes in all, if the server says.
        total: Option<u64>,
    },
}

/// Whoever shows progress.
pub type Show<'a> = &'a mut dyn FnMut(Progress);
