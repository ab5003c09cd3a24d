//! Mean and spread of the responses to a few vectors, between two observations.
//!
//! Where each item is one vector, all responses follow from the whole map, or are there after the forward pass. Then a small
//! product tells what of them decides the OCS phase, at every step up to 256 and so densely on the logarithmic clock beyond that
//! what happens between two readings is known to a fraction of a step.

use anyhow::{Result, ensure};
use ndarray::{Array2, Axis};
use tch::{Kind, Tensor};

use super::arrays::to_vector;
use crate::model::to_tensor;
use crate::task::{Task, TaskInputs};

/// What responses were at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passed {
    /// Updates done.
    pub step: u64,
    /// `||<yhat> - ybar||`.
    pub mean_output_error: f64,
    /// `<||yhat - <yhat>||^2>`.
    pub input_dependence: f64,
}

/// Reads responses at steps, and keeps what it read until somebody takes it.
pub struct Meter {
    /// `[n_members, n_items + 1, n_columns]`: weighted deviations of each item from the mean, then the mean.
    readers: Tensor,
    /// `[n_members, n_items + 1, n_labels]`: zero but for `-ybar` in the last row.
    minus_ocs: Tensor,
    /// Steps, and `[n_members, n_items + 1]` squares of what `readers` found.
    read: Vec<(u64, Tensor)>,
}

/// Readings are no further apart than this share of the steps done: of curves that are smooth on the logarithmic clock, what is
/// interpolated between them is off by some 1e-5 of the time, a twentieth of a step after 5,000.
const DENSITY: u64 = 256;

/// Of more items the products would cost as much as a step does.
const MOST_ITEMS: usize = 64;

/// What is read off for each member of a stack.
pub enum Of {
    /// The map from inputs to labels, `[n_members, n_rows, n_labels]`, the last row that of a constant 1 if `with_ones`.
    Maps { with_ones: bool },
    /// Responses to each item, `[n_members, n_items, n_labels]`.
    Responses,
}

impl Meter {
    /// For members that learn `tasks`, one each, with outputs up to `n_outputs`; `None` if one of them learns images, or more than 64
    /// items.
    ///
    /// # Errors
    ///
    /// If tasks differ in their numbers of items or inputs.
    pub fn new(
        tasks: &[&Task],
        of: &Of,
        n_outputs: i64,
        place: (Kind, tch::Device),
    ) -> Result<Option<Self>> {
        let (mut readers, mut minus_ocs) = (Vec::new(), Vec::new());
        for task in tasks {
            let TaskInputs::Vectors(vectors) = &task.inputs else { return Ok(None) };
            let n_items = vectors.nrows();
            if n_items > MOST_ITEMS || task.n_held_out() > 0 {
                return Ok(None);
            }
            let p = &task.probabilities;
            // Row i: sqrt(p_i) (response_i - mean response); last row: the mean response.
            let mut items = Array2::from_shape_fn((n_items + 1, n_items), |(row, item)| {
                if row == n_items {
                    return p[item];
                }
                p[row].sqrt() * (f64::from(u8::from(row == item)) - p[item])
            });
            if let Of::Maps { with_ones } = of {
                let mut inputs = vectors.clone();
                if *with_ones {
                    inputs.push_column(ndarray::Array1::ones(n_items).view())?;
                }
                items = items.dot(&inputs);
            }
            let mut minus = Array2::zeros((n_items + 1, n_outputs as usize));
            for (value, rate) in minus.index_axis_mut(Axis(0), n_items).iter_mut().zip(task.ocs()) {
                *value = -rate;
            }
            readers.push(to_tensor(&items));
            minus_ocs.push(to_tensor(&minus));
        }
        ensure!(
            readers.iter().all(|reader| reader.size() == readers[0].size()),
            "members of a stack learn equally many items"
        );
        let stack = |tensors: &[Tensor]| {
            Tensor::stack(tensors, 0).to_kind(place.0).to_device(place.1).contiguous()
        };
        Ok(Some(Meter { readers: stack(&readers), minus_ocs: stack(&minus_ocs), read: Vec::new() }))
    }

    /// Whether responses are to be read at a step.
    pub fn is_due(step: u64) -> bool {
        step.is_multiple_of((step / DENSITY).max(1))
    }

    /// Reads maps, or responses.
    pub fn read(&mut self, step: u64, columns: &Tensor) {
        let mut found = self.minus_ocs.baddbmm(&self.readers, columns, 1, 1);
        let squares = found.square_().sum_dim_intlist(2i64, false, None);
        self.read.push((step, squares));
    }

    /// What was read and not yet taken.
    pub fn take(&mut self) -> Readings {
        Readings(std::mem::take(&mut self.read))
    }

    /// How many readings were not yet taken.
    pub fn len(&self) -> usize {
        self.read.len()
    }
}

/// What a meter read, still on the device.
#[derive(Default)]
pub struct Readings(Vec<(u64, Tensor)>);

impl Readings {
    /// For each member, in the order of steps; as many empty ones if nothing was read.
    ///
    /// # Errors
    ///
    /// If libtorch cannot bring the numbers.
    pub fn of_each(self, n_members: usize) -> Result<Vec<Vec<Passed>>> {
        let mut passed = vec![Vec::with_capacity(self.0.len()); n_members];
        if self.0.is_empty() {
            return Ok(passed);
        }
        let tensors: Vec<&Tensor> = self.0.iter().map(|(_, tensor)| tensor).collect();
        let all = Tensor::stack(&tensors, 0);
        let n_rows = all.size()[2] as usize;
        let values = to_vector(&all)?;
        let of_steps = values.chunks_exact(n_members * n_rows);
        for ((step, _), values) in self.0.iter().zip(of_steps) {
            for (member, squares) in passed.iter_mut().zip(values.chunks_exact(n_rows)) {
                let (items, mean) = squares.split_at(n_rows - 1);
                member.push(Passed {
                    step: *step,
                    mean_output_error: mean.iter().sum::<f64>().sqrt(),
                    input_dependence: items.iter().sum(),
                });
            }
        }
        Ok(passed)
    }
}
