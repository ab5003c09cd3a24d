//! How a command ended, as its exit status tells.

use crate::sweep;

/// A failure that is the caller's (exit status 2): arguments, config, device.
#[derive(Debug)]
pub struct Misuse(anyhow::Error);

impl std::fmt::Display for Misuse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "{:#}", self.0)
    }
}

impl std::error::Error for Misuse {}

/// Marks an error as the caller's.
pub fn misuse(error: anyhow::Error) -> anyhow::Error {
    Misuse(error).into()
}

/// Whether everything that was asked for succeeded; if not, the reasons were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    Full,
    Partial,
}

/// What was refused before anything was done is the caller's to change.
pub fn refused(error: anyhow::Error) -> anyhow::Error {
    if error.is::<sweep::Refused>() { misuse(error) } else { error }
}
