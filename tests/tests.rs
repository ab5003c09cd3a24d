//! One test binary, so that libtorch is linked once. A module per promise.

/// Figures come out of records alone.
mod figures;
