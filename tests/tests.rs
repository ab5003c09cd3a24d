//! One test binary, so that libtorch is linked once. A module per promise.

/// Data sets are read right, or the file at fault is named; no wrong file ever gets its final name.
mod data_sets;
