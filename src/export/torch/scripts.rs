//! `check.py`, which holds a network to what was recorded of it, and `README.md`.

use super::network::TorchExport;
use crate::config::Precision;
use crate::task::TaskInputs;

/// The text of `check.py`.
pub fn check(export: &TorchExport) -> String {
    let inputs = match &export.task.inputs {
        TaskInputs::Images { .. } => "evaluation.images",
        TaskInputs::Vectors(_) => "evaluation.inputs",
    };
    let answers = match export.parts_of() {
        None => "    answers = torch.cat([responses(network(part)) for part in inputs.split(256)]).double()".to_owned(),
        Some(size) => {
            let parts = match size {
                None => "1".to_owned(),
                Some(size) => format!("max(1, len(inputs) // {size})"),
            };
            format!(
                "    # Samples are normalised together: each part has every n_parts-th of them.
    n_parts = {parts}
    answers = torch.empty(len(inputs), data[\"targets\"].shape[1], dtype=torch.float64)
    for part in range(n_parts):
        answers[part::n_parts] = responses(network(inputs[part::n_parts])).double()"
            )
        }
    };
    format!(
        "\"\"\"Holds the network of this folder to what was recorded of it: python check.py\"\"\"

import sys

import torch
from model import HERE, load, load_file, preprocess, responses

TOLERANCE = {}

data = load_file(HERE / \"data.safetensors\")
network, inputs = load(), preprocess(data[\"{inputs}\"])
with torch.no_grad():
{answers}
items, weights = data[\"evaluation.items\"], data[\"evaluation.weights\"]
found = {{
    \"mean_response\": weights @ answers,
    \"item_responses\": torch.stack([answers[items == item].mean(0) for item in range(len(data[\"targets\"]))]),
    \"responses\": answers,
}}
found = {{name: values for name, values in found.items() if \"recorded.\" + name in data}}
for name, values in found.items():
    off = (values - data[\"recorded.\" + name]).abs().max().item()
    print(f\"{{name}}: at most {{off:.1e}} from what was recorded\")
    if not off <= TOLERANCE:
        sys.exit(f\"{{name}} is not what was recorded, to {{TOLERANCE:.0e}}\")
if not found:
    print(\"nothing was recorded of this step: the network answers, and that is all that can be said\")
",
        export.tolerance()
    )
}

/// The text of `README.md`.
pub fn readme(export: &TorchExport) -> String {
    let TorchExport { run, record, step, stretch, .. } = export;
    let steps = record.config.total_steps();
    let so_far = match *step == steps {
        true => "its last".to_owned(),
        false => format!("of {steps}: training went on, or stopped there"),
    };
    let precision = match stretch.config.training.precision {
        Precision::Bfloat16 => {
            "\nIts passes were in bfloat16 (weights in float32): in float32 responses differ by some 1e-2.\n"
        }
        Precision::Float32 | Precision::Float64 => "",
    };
    let parts = match export.parts_of() {
        None => "",
        Some(_) => {
            "\nBatch normalisation takes the statistics of the samples at hand, also after eval(): check.py says which are answered \
             together.\n"
        }
    };
    format!(
        "# {run}, condition {}, seed {}

A network trained by ocs ({}), after {step} updates ({so_far}).

```sh
pip install torch safetensors
python check.py        # holds it to what was recorded, to {}
```
{precision}{parts}
- `model.py`: the network in plain `torch.nn`, `load()`, `preprocess` and `responses`.
- `weights.safetensors`: its state_dict, {}.
- `about.json`: names of items and labels, levels of the tree, task, network and training as configs have them.
- `data.safetensors`, arrays by name:
{}
Items are leaves of the tree, or vectors; a sample's target is row `items[sample]` of `targets`. Columns are labels, level by level
from the top.
",
        record.condition,
        record.seed,
        record.revision,
        export.tolerance(),
        export.dtype(),
        arrays(export)
    )
}

/// What `data.safetensors` has.
fn arrays(export: &TorchExport) -> String {
    let mut lines = vec![
        "`targets` [items, labels], and `ocs` [labels], their mean over training samples"
            .to_owned(),
    ];
    if export.task.labels.is_some() {
        lines.push("`labels` [items, labels], of which smoothing made the targets".to_owned());
    }
    lines.push(
        "`evaluation.items`, `evaluation.weights` [samples], of the samples on which it was judged"
            .to_owned(),
    );
    match &export.task.inputs {
        TaskInputs::Vectors(_) if export.task.n_held_out() > 0 => lines.extend([
            "`evaluation.inputs` [samples, inputs], which were held out".to_owned(),
            "`training.inputs` [samples, inputs], `training.items`, on which it was trained"
                .to_owned(),
        ]),
        TaskInputs::Vectors(_) => {
            lines.push(
                "`evaluation.inputs` [samples, inputs]; it was trained on the same".to_owned(),
            );
        }
        TaskInputs::Images { preprocessor, .. } => {
            let turn = preprocessor.turn.as_ref().map(|_| {
                "`preprocessing.centre` [inputs], `.directions` [components, inputs], `.gains` [components], `.shift` [inputs]: what \
                 whitening or a projection makes of that, in `preprocess`"
                    .to_owned()
            });
            let unit = if preprocessor.unit == 1.0 { "floats" } else { "bytes" };
            lines.extend([
                format!("`evaluation.images` [samples, channels, height, width], {unit} as stored"),
                "`preprocessing.mean`, `preprocessing.factor` [channels, height, width]: x = (value - mean) * factor".to_owned(),
            ]);
            lines.extend(turn);
            lines.extend([
                "`evaluation.indices`, of the images in the data set's test part, counted from 0 in published order; of your own \
                 images in the order in which ocs reads them"
                    .to_owned(),
                "`training.indices`, `training.items`, likewise of the training part; their order is not that of batches".to_owned(),
            ]);
        }
    }
    if export.moment().is_some() {
        lines.push(
            "`recorded.loss`, `recorded.mean_response` [labels], `recorded.item_responses` [items, labels] (of small trees) at \
             this step"
                .to_owned(),
        );
    }
    if export.responses.is_some() {
        lines.push("`recorded.responses` [samples, labels]".to_owned());
    }
    lines.iter().map(|line| format!("  - {line}\n")).collect()
}
