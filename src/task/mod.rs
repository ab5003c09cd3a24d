//! Which labels does each item get, and what does the network see of it?

mod hierarchy;

pub use hierarchy::Hierarchy;
