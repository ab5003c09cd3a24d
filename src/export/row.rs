//! One number of a record, and what it is.

/// A row of the long table, without what is the same in all rows of a run. `None` is what does not apply; a `value` of `None` is
/// undefined.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Row<'a> {
    /// The samples that it is about: `evaluation`, `training`, or `theory` for what theory says of the evaluation set.
    pub set: Option<&'static str>,
    /// The stretch of training, counted from 1.
    pub stretch: Option<usize>,
    /// Updates done.
    pub step: Option<u64>,
    /// Sum of the steps' learning rates, over stretches.
    pub time: Option<f64>,
    /// The quantity, as the record's field is called.
    pub metric: &'a str,
    /// Level of the tree, counted from 1 at the top; of a mode strength 0, the constant.
    pub level: Option<usize>,
    /// Column of the targets, counted from 0.
    pub label: Option<usize>,
    /// Item, counted from 0.
    pub item: Option<usize>,
    /// Layer, counted from 1 at the inputs.
    pub layer: Option<usize>,
    /// Along other dimensions of a series: `rank=0`, `unit=3,input=1`, counted from 0.
    pub place: Option<&'a str>,
    /// Of a phase: the share of the mean target, and of the targets' variance, that it is told at.
    pub threshold: Option<f64>,
    /// The number.
    pub value: Option<f64>,
}
