//! Images on disk: which files hold them, how they are read, where they come from.
//!
//! Bytes only: scaling, tensors and subsampling are others' work. `load` takes images of any number and size,
//! `Dataset::identity` tells whether they are the published ones, `verify` which files are, and `fetch` gives no file its
//! name before that comparison.
//!
//! A data set is an `Entry` in the file that reads it, listed in `sets/mod.rs`; what a config says of it, its name and its
//! classes, stands in `config::Inputs`. Nothing else knows a data set by name.

mod dataset;
mod entry;
mod fetch;
mod files;
mod find;
mod form;
mod identity;
mod load;
mod own;
mod pickle;
mod places;
mod sets;
mod verify;

pub use dataset::{ByteSplit, Dataset, Split};
pub use entry::Entry;
pub use fetch::{FetchOptions, NpmFile, Progress, fetch, fetch_unless, npm_files};
pub use identity::{Identity, identify};
pub use load::{default_folder, is_present, load};
pub use own::{Extent, extent};
pub use sets::{all, entry};
pub use verify::{FileCheck, verify};
