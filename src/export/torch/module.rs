//! `model.py`: a module that has what this network has, and no more.

use super::network::TorchExport;
use crate::config::Loss;
use crate::model::{TorchModule, plan};
use crate::task::{Preprocessor, TaskInputs, Turn};

/// The file's text.
pub fn text_of(export: &TorchExport) -> String {
    let module = &module_of(export);
    let parts = [
        heading(export),
        network(export, module),
        load(export),
        preprocess(export),
        responses(export),
    ];
    parts.join("\n\n\n").trim_end().to_owned() + "\n"
}

fn module_of(export: &TorchExport) -> TorchModule {
    let (task, network) = (export.task, &export.stretch.config.network);
    let (image, are_images) = match &task.inputs {
        TaskInputs::Images { preprocessor, .. } => (preprocessor.shape.map(|n| n as i64), true),
        TaskInputs::Vectors(vectors) => ([1, 1, vectors.ncols() as i64], false),
    };
    let plan = plan(network, image, task.n_inputs() as i64, task.targets.ncols() as i64);
    TorchModule::of(network, &plan, are_images)
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("        {line}\n")).collect()
}

fn heading(export: &TorchExport) -> String {
    let TorchExport { run, record, step, .. } = export;
    let (given, what) = match &export.task.inputs {
        TaskInputs::Images { preprocessor, .. } => (
            "preprocess(images)",
            format!(
                "images as they are stored, {}: {}",
                export.shape_of_inputs(),
                if preprocessor.unit == 1.0 { "floats" } else { "bytes, 0 to 255" }
            ),
        ),
        TaskInputs::Vectors(_) => ("inputs", format!("inputs, {}", export.shape_of_inputs())),
    };
    format!(
        "\"\"\"{run}, condition {}, seed {}, after {step} updates.

    from model import *
    network = load()                       # weights.safetensors, in evaluation mode
    responses(network({given}))    # {what}

Needs torch and safetensors. `python check.py` holds it to what was recorded.
\"\"\"

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

HERE = Path(__file__).resolve().parent",
        record.condition, record.seed
    )
}

fn network(export: &TorchExport, module: &TorchModule) -> String {
    let n_labels = export.task.targets.ncols();
    let outputs = match export.stretch.config.training.loss {
        Loss::HalfSquaredError => "responses",
        Loss::BinaryCrossEntropy | Loss::SoftmaxCrossEntropy => "logits",
    };
    format!(
        "class Network(nn.Module):
    \"\"\"{} to {outputs}, [n, {n_labels}].\"\"\"

    def __init__(self):
        super().__init__()
{}
    def forward(self, x):
{}",
        export.shape_of_inputs(),
        indented(&module.layers),
        indented(&module.forward)
    )
    .trim_end()
    .to_owned()
}

fn load(export: &TorchExport) -> String {
    format!(
        "def load(weights=HERE / \"weights.safetensors\"):
    network = Network().to({})
    network.load_state_dict(load_file(weights))
    return network.eval()",
        export.dtype()
    )
}

fn preprocess(export: &TorchExport) -> String {
    let dtype = export.dtype();
    match &export.task.inputs {
        TaskInputs::Vectors(_) => format!(
            "def preprocess(inputs):
    return inputs.to({dtype})"
        ),
        TaskInputs::Images { preprocessor: Preprocessor { turn: Some(turn), .. }, .. } => {
            turned(turn, dtype)
        }
        TaskInputs::Images { .. } => format!(
            "def preprocess(images):
    data = load_file(HERE / \"data.safetensors\")
    mean, factor = (data[\"preprocessing.\" + name].to({dtype}) for name in (\"mean\", \"factor\"))
    return (images.to({dtype}) - mean) * factor"
        ),
    }
}

/// Of inputs that are whitened or projected: their principal components, each times its gain, are turned back, or not.
fn turned(turn: &Turn, dtype: &str) -> String {
    let back = match turn.rotates {
        true => "scores = nn.functional.pad(scores, (0, len(centre) - len(gains)))",
        false => "scores = scores @ directions + shift",
    };
    format!(
        "def preprocess(images):
    data = load_file(HERE / \"data.safetensors\")
    names = (\"mean\", \"factor\", \"centre\", \"directions\", \"gains\", \"shift\")
    mean, factor, centre, directions, gains, shift = (data[\"preprocessing.\" + name] for name in names)
    inputs = ((images.double() - mean) * factor).flatten(1)
    scores = (inputs - centre) @ directions.T * gains
    {back}
    return scores.view(images.shape).to({dtype})"
    )
}

fn responses(export: &TorchExport) -> String {
    let of_outputs = match export.stretch.config.training.loss {
        Loss::HalfSquaredError => "outputs".to_owned(),
        Loss::BinaryCrossEntropy => "torch.sigmoid(outputs)".to_owned(),
        Loss::SoftmaxCrossEntropy => {
            let levels: Vec<usize> =
                export.task.level_columns().iter().map(|level| level.len()).collect();
            format!("torch.cat([level.softmax(1) for level in outputs.split({levels:?}, 1)], 1)")
        }
    };
    format!(
        "def responses(outputs):
    \"\"\"What was judged, in the units of targets.\"\"\"
    return {of_outputs}"
    )
}
