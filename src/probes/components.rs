//! A linear network's map along the principal components of its inputs, beside what an infinitely wide one learns.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ndarray::Array2;
use serde_json::Value;

use super::probe::{Probe, State};
use super::representations::MOST_NUMBERS;
use crate::config::Config;
use crate::record::{Record, Series};
use crate::task::Task;
use crate::theory::{PrincipalComponents, WideLinear, frobenius, gram_deviations};
use crate::train::{Snapshot, Wants};

/// With w_j the columns of the map along the components of variance d_j, descending, and w_opt,j those of least squares:
///
/// - `component_variances`, `[component]`: d_j, and `component_half_times`: `ln 2 / (L d_j)`; at the first moment alone;
/// - `layer_surroundings`, `[layer, side]`: `||A_l - I||` and `||B_l - I||` of the weights above and below each layer, likewise;
/// - `component_map`, `[time, output, component]`: w_j; at every observation up to 4,096 numbers, else at the first and the last;
/// - `component_distances`, `[time, component]`: `||w_j - w_opt,j||`;
/// - `wide_distances`, `[time, component]`: what (B1) makes of those at the start, and `wide_loss`, `[time]`, the loss that leaves;
/// - `wide_map_error`, `[time]`: `||W - W_B1|| / ||W(0) - W_opt||` (Frobenius), along the components.
pub struct Components {
    law: WideLinear,
    steps: u64,
    /// `[output, component]` at step 0, once it is known.
    start: Option<Array2<f64>>,
}

/// What checkpoints call the map at step 0.
const START: &str = "start";

impl Components {
    /// Of a config that was checked for it.
    pub fn new(config: &Config, task: &Arc<Task>) -> Option<Self> {
        let components = PrincipalComponents::new(task)?;
        let law = WideLinear::new(config, components);
        Some(Components { law, steps: config.total_steps(), start: None })
    }
}

fn some(values: impl IntoIterator<Item = f64>) -> Vec<Option<f64>> {
    values.into_iter().map(|value| Some(value).filter(|value| value.is_finite())).collect()
}

impl Probe for Components {
    fn wants(&self, _step: u64) -> Wants {
        Wants { layers: true }
    }

    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let layers = moment.layers.as_ref().context("a snapshot came without layers")?;
        let layers: Vec<Array2<f64>> = layers.iter().map(|layer| layer.weight.clone()).collect();
        let components = self.law.components();
        let map = layers.iter().cloned().reduce(|below, above| above.dot(&below));
        let columns = components.of_map(&map.context("a network has layers")?);
        let (n_outputs, n_components) = columns.dim();
        let start = self.start.get_or_insert_with(|| columns.clone());
        let step = moment.step;
        let mut push =
            |name: &str, dims: &[(&str, usize)], unit: &str, values: Vec<Option<f64>>| {
                record.series_mut(name, || Series::new(dims, unit)).push(step, &values)
            };
        let each = [("component", n_components)];
        if step == 0 {
            push("component_variances", &each, "1", some(components.variances().to_vec()))?;
            push("component_half_times", &each, "time", some(self.law.half_times()))?;
            let deviations = gram_deviations(&layers).into_iter().flatten();
            let dims = [("layer", layers.len()), ("side", 2)];
            push("layer_surroundings", &dims, "1", some(deviations))?;
        }
        if columns.len() <= MOST_NUMBERS || step == 0 || step == self.steps {
            let dims = [("output", n_outputs), ("component", n_components)];
            push("component_map", &dims, "1", some(columns.iter().copied()))?;
        }
        push("component_distances", &each, "1", some(components.distances(&columns)))?;
        let wide = self.law.at(start, moment.time);
        let distances = components.distances(&wide);
        push("wide_loss", &[], "1", some([components.loss(&distances)]))?;
        push("wide_distances", &each, "1", some(distances))?;
        let whole = frobenius(&(&*start - components.optimum()));
        push("wide_map_error", &[], "1", some([frobenius(&(&columns - &wide)) / whole]))
    }

    fn state(&self) -> State {
        let tables = self.start.iter().map(|start| (START.to_owned(), start.clone()));
        State { notes: Value::Null, tables: tables.collect() }
    }

    fn resume(&mut self, state: State) -> Result<()> {
        let [(name, start)] = &state.tables[..] else {
            anyhow::bail!("the checkpoint lacks the map of step 0");
        };
        ensure!(name == START, "the checkpoint keeps '{name}', which no probe kept");
        self.start = Some(start.clone());
        Ok(())
    }
}
