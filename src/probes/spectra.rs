//! Singular values of each layer's weights: what rank a network has grown into.

use anyhow::{Context, Result};

use super::probe::Probe;
use crate::record::{Record, Series};
use crate::theory::singular_values;
use crate::train::{Snapshot, Wants};

/// As many of each layer are kept; a layer that has fewer has none at the other places.
const KEPT: usize = 8;

/// `singular_values`, `[time, layer, rank]`, largest first.
pub struct Spectra;

impl Probe for Spectra {
    fn wants(&self, _step: u64) -> Wants {
        Wants { layers: true }
    }

    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let layers = moment.layers.as_ref().context("a snapshot came without layers")?;
        let mut values = Vec::with_capacity(layers.len() * KEPT);
        for layer in layers {
            let mut found = singular_values(&layer.weight).into_iter();
            values.extend((0..KEPT).map(|_| found.next()));
        }
        let make = || Series::new(&[("layer", layers.len()), ("rank", KEPT)], "1");
        record.series_mut("singular_values", make).push(moment.step, &values)
    }
}
