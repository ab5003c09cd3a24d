//! `data.safetensors`: which samples a network was trained and judged on, what inputs and targets are, and what it answered.

use anyhow::Result;
use ndarray::{Array2, Axis};

use super::arrays::{Array, to_bytes};
use super::network::TorchExport;
use crate::metrics::Curves;
use crate::task::{ImageSet, Preprocessor, Stored, TaskInputs, Turn};

type Named = Vec<(&'static str, Array)>;

/// The file's bytes.
pub fn bytes_of(export: &TorchExport) -> Result<Vec<u8>> {
    let task = export.task;
    let (items, weights) = task.evaluation_items();
    let total: f64 = weights.iter().sum();
    let mut arrays: Named = vec![
        ("targets", table(&task.targets)),
        ("ocs", row(task.ocs())),
        ("evaluation.items", Array::of_indices(&items)),
        ("evaluation.weights", row(weights.into_iter().map(|weight| weight / total))),
    ];
    arrays.extend(task.labels.as_ref().map(|labels| ("labels", table(labels))));
    match &task.inputs {
        TaskInputs::Vectors(vectors) => {
            arrays.push(("evaluation.inputs", table(&vectors.select(Axis(0), &items))));
            if task.n_held_out() > 0 {
                let learned: Vec<usize> = (0..task.n_samples()).collect();
                arrays.push(("training.inputs", table(&vectors.select(Axis(0), &learned))));
                arrays.push(("training.items", Array::of_indices(&learned)));
            }
        }
        TaskInputs::Images { train, test, preprocessor } => {
            arrays.extend(of_images(train, test, preprocessor));
        }
    }
    if let Some(moment) = export.moment() {
        arrays.extend(recorded(&export.record.curves, moment));
    }
    let (n_samples, n_labels) = (items.len(), task.targets.ncols());
    arrays.extend(export.responses.clone().map(|responses| {
        ("recorded.responses", Array::of_numbers(&[n_samples, n_labels], responses))
    }));
    to_bytes(&arrays)
}

fn of_images(train: &ImageSet, test: &ImageSet, preprocessor: &Preprocessor) -> Named {
    let [channels, height, width] = preprocessor.shape;
    let (mean, factor) = preprocessor.of_stored();
    let shape = [test.n_samples(), channels, height, width];
    let images = match test.images(0..test.n_samples()) {
        Stored::Bytes(images) => Array::of_bytes(&shape, images.concat()),
        Stored::Floats(images) => Array::of_floats(&shape, images.concat()),
    };
    let mut arrays = vec![
        ("training.indices", Array::of_indices(train.indices())),
        ("training.items", Array::of_indices(&train.items)),
        ("evaluation.indices", Array::of_indices(test.indices())),
        ("evaluation.images", images),
        ("preprocessing.mean", Array::of_numbers(&preprocessor.shape, mean)),
        ("preprocessing.factor", Array::of_numbers(&preprocessor.shape, factor)),
    ];
    if let Some(turn) = &preprocessor.turn {
        let Turn { components, gains, shift, rotates: _ } = &**turn;
        arrays.extend([
            ("preprocessing.centre", row(components.mean.iter().copied())),
            ("preprocessing.directions", table(&components.directions)),
            ("preprocessing.gains", row(gains.iter().copied())),
            ("preprocessing.shift", row(shift.iter().copied())),
        ]);
    }
    arrays
}

/// A moment's loss and responses.
fn recorded(curves: &Curves, moment: usize) -> Named {
    let then = |values: &Vec<f64>| values.get(moment).copied().unwrap_or(f64::NAN);
    let mut arrays: Named = vec![
        ("recorded.loss", row(curves.loss.get(moment).copied())),
        ("recorded.mean_response", row(curves.mean_response.iter().map(then))),
    ];
    if let Some(items) = &curves.item_responses {
        let shape = [items.len(), items.first().map_or(0, Vec::len)];
        let values = items.iter().flatten().map(then);
        arrays.push(("recorded.item_responses", Array::of_numbers(&shape, values)));
    }
    arrays
}

fn row(values: impl IntoIterator<Item = f64>) -> Array {
    let values: Vec<f64> = values.into_iter().collect();
    Array::of_numbers(&[values.len()], values)
}

fn table(values: &Array2<f64>) -> Array {
    Array::of_numbers(&[values.nrows(), values.ncols()], values.iter().copied())
}
