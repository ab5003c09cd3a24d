//! How large the scales and shifts of normalisation are: parameters that are no layer's weights and biases.

use anyhow::Result;

use super::probe::Probe;
use crate::record::{Record, Series};
use crate::train::Snapshot;

/// `scale_norms` and `shift_norms`, `[time, layer]`: norms of each layer's scale and shift, none for a layer without.
pub struct AffineNorms;

impl Probe for AffineNorms {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let norms = &moment.affine_norms;
        for (index, name) in ["scale_norms", "shift_norms"].into_iter().enumerate() {
            let values: Vec<Option<f64>> = norms.iter().map(|of_layer| of_layer[index]).collect();
            if values.iter().any(Option::is_some) {
                let make = || Series::new(&[("layer", values.len())], "1");
                record.series_mut(name, make).push(moment.step, &values)?;
            }
        }
        Ok(())
    }
}
