//! Any quantity over learning, with named dimensions.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// A quantity at several moments of learning: a number a moment, or a table of `shape` with a name for each of its dimensions.
///
/// Values lie in rows, time first, the last dimension running fastest: that of moment t at place (i, j) is number
/// `(t * shape[0] + i) * shape[1] + j`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Names of the dimensions after time, such as `layer`, `item`; empty for one number a moment.
    pub dims: Vec<String>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// Unit of the values; `1` if they have none.
    pub unit: String,
    /// Updates done at each moment.
    pub step: Vec<u64>,
    /// `[time, ...shape]`; `null` where undefined.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// Without moments yet.
    pub fn new(dims: &[(&str, usize)], unit: &str) -> Self {
        Series {
            dims: dims.iter().map(|(name, _)| (*name).to_owned()).collect(),
            shape: dims.iter().map(|(_, size)| *size).collect(),
            unit: unit.to_owned(),
            step: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Numbers of one moment.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Appends a moment.
    ///
    /// # Errors
    ///
    /// If there are not as many values as the shape says.
    pub fn push(&mut self, step: u64, values: &[Option<f64>]) -> Result<()> {
        let size = self.size();
        ensure!(
            values.len() == size,
            "a moment of this series has {size} values, not {}",
            values.len()
        );
        self.step.push(step);
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// The values at one place over time, `index` counted along each dimension; empty if there is no such place.
    pub fn at(&self, index: &[usize]) -> Vec<Option<f64>> {
        let is_there = index.len() == self.shape.len()
            && std::iter::zip(index, &self.shape).all(|(place, size)| place < size);
        if !is_there {
            return Vec::new();
        }
        let place =
            std::iter::zip(index, &self.shape).fold(0, |sum, (place, size)| sum * size + place);
        self.values.chunks_exact(self.size()).map(|moment| moment[place]).collect()
    }

    /// All values of a moment, counted from 0, in rows; `None` beyond the last.
    pub fn moment(&self, index: usize) -> Option<&[Option<f64>]> {
        self.values.chunks_exact(self.size().max(1)).nth(index)
    }

    /// All values of the last moment, in rows; empty before the first.
    pub fn last(&self) -> &[Option<f64>] {
        self.values.chunks_exact(self.size().max(1)).next_back().unwrap_or_default()
    }

    /// Forgets every moment after `step`.
    pub fn truncate_after(&mut self, step: u64) {
        let kept = self.step.iter().take_while(|&&seen| seen <= step).count();
        self.step.truncate(kept);
        self.values.truncate(kept * self.size());
    }
}
