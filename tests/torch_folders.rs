//! Networks as folders for PyTorch. What the modules in `tests/data/models.json` answer was computed by PyTorch
//! (`tests/data/networks.py`), and `tests/networks.rs` holds this program's networks to it to 1e-12: here exported text is held to
//! those modules, and exported arrays to the task and the record. `make test-torch` runs whole folders in PyTorch.

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use ocs::config::{self, Inputs, Override};
use ocs::data;
use ocs::model::{TorchModule, plan};
use ocs::record::{Record, path_of, read_checked};
use ocs::task::{Stored, Task, TaskInputs};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

fn ocs(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA").args(arguments).output().unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = ocs(folder, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

/// What is said of a command that ends with a status.
fn told(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = ocs(folder, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    text
}

const CNN: &str = "
task: {inputs: glyphs, samples: {train: 48, test: 24}, branching: [2, 2], classes: [3, 1, 4, 5]}
network: {kind: cnn, hidden: [3, 4], normalisation: batch, bias: all}
training: {steps: 6, batch_size: 16, learning_rate: 0.01, observations: 4}
conditions: {plain: {}, raw: {task.preprocessing: channel-standardised}}
seeds: [2, 5]
";

/// Shape, kind and bytes by name.
type Arrays = BTreeMap<String, (Vec<usize>, Dtype, Vec<u8>)>;

fn arrays(path: &Path) -> Arrays {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let one = |(name, view): (String, safetensors::tensor::TensorView)| {
        (name, (view.shape().to_vec(), view.dtype(), view.data().to_vec()))
    };
    file.tensors().into_iter().map(one).collect()
}

fn numbers(arrays: &Arrays, name: &str) -> Vec<f64> {
    let (_, dtype, bytes) = &arrays[name];
    assert_eq!(*dtype, Dtype::F64, "{name}");
    bytes.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
}

fn indices(arrays: &Arrays, name: &str) -> Vec<usize> {
    let (_, dtype, bytes) = &arrays[name];
    assert_eq!(*dtype, Dtype::I64, "{name}");
    let numbers = bytes.chunks_exact(8).map(|eight| i64::from_le_bytes(eight.try_into().unwrap()));
    numbers.map(|number| number as usize).collect()
}

#[test]
fn modules_are_those_whose_answers_pytorch_computed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/models.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut models = kept.clone();
    for (name, model) in models.as_object_mut().unwrap() {
        let network = format!("network={}", model["network"]);
        let keys = ["task.inputs=glyphs", "task.branching=[6]", &network];
        let keys: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
        let config = config::parse("name: test", "test", &keys).unwrap().network;
        let plan = plan(&config, [2, 8, 8], 128, 6);
        let TorchModule { layers, forward } = TorchModule::of(&config, &plan, true);
        model["layers"] = json!(layers);
        model["forward"] = json!(forward);
        if std::env::var_os("OCS_MODELS").is_none() {
            assert_eq!(*model, kept[name], "{name}: see tests/data/networks.py");
        }
    }
    if std::env::var_os("OCS_MODELS").is_some() {
        let text = serde_json::to_string_pretty(&models).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
    assert!(models.as_object().unwrap().len() >= 16);
}

#[test]
fn a_folder_has_the_weights_the_samples_and_what_was_recorded_under_the_names_of_its_module() {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path();
    std::fs::write(folder.join("mine.yaml"), CNN).unwrap();
    done(folder, &["train", "mine.yaml"]);
    done(folder, &["export", "runs/mine", "--torch", "out"]);
    let config = config::load(&folder.join("mine.yaml"), &[]).unwrap();
    let dataset = data::load(Inputs::Glyphs, Path::new("unused")).unwrap();
    for (condition, resolved) in config::resolve_conditions(&config).unwrap() {
        let task = Task::of(&resolved, Some(&dataset)).unwrap();
        let TaskInputs::Images { train, test, preprocessor } = &task.inputs else { panic!() };
        for seed in [2, 5] {
            let here = folder.join("out").join(&condition).join(seed.to_string());
            let weights = arrays(&here.join("weights.safetensors"));
            let model = std::fs::read_to_string(here.join("model.py")).unwrap();
            let of_layer = |name: &str| weights[name].0.clone();
            assert_eq!(of_layer("layer1.weight"), [3, 1, 3, 3]);
            assert_eq!(of_layer("norm2.running_var"), [4]);
            assert_eq!(weights["norm1.num_batches_tracked"].2, 6i64.to_le_bytes());
            assert_eq!(of_layer("layer3.bias"), [6]);
            assert_eq!(weights.len(), 3 * 2 + 2 * 5, "{:?}", weights.keys());
            assert!(model.contains("self.layer2 = nn.Conv2d(3, 4, 3, padding=1)\n"), "{model}");
            assert!(model.contains("network.load_state_dict(load_file(weights))"), "{model}");

            let data = arrays(&here.join("data.safetensors"));
            assert_eq!(indices(&data, "training.items"), train.items);
            assert_eq!(indices(&data, "evaluation.items"), test.items);
            let Stored::Bytes(images) = test.images(0..24) else { panic!() };
            assert_eq!(data["evaluation.images"].0, [24, 1, 28, 28]);
            assert_eq!(data["evaluation.images"].2, images.concat());
            // Which images of the published set these are.
            for (part, split, set) in
                [("training", &dataset.train, train), ("evaluation", &dataset.test, test)]
            {
                let chosen = indices(&data, &format!("{part}.indices"));
                let Stored::Bytes(images) = set.images(0..set.n_samples()) else { panic!() };
                for (index, image) in chosen.iter().zip(images) {
                    assert_eq!(split.byte_pixels()[index * 784..][..784], *image);
                }
            }
            let (mean, factor) = preprocessor.of_stored();
            assert_eq!(numbers(&data, "preprocessing.mean"), mean);
            assert_eq!(numbers(&data, "preprocessing.factor"), factor);
            assert_eq!(data["targets"].0, [4, 6]);
            assert_eq!(numbers(&data, "targets"), task.targets.iter().copied().collect::<Vec<_>>());
            let total: f64 = numbers(&data, "evaluation.weights").iter().sum();
            assert!((total - 1.0).abs() < 1e-12);

            let path = path_of(&folder.join("runs/mine"), &condition, seed);
            let record: Record = read_checked(&path).unwrap();
            let last: Vec<f64> =
                record.curves.mean_response.iter().map(|row| *row.last().unwrap()).collect();
            assert_eq!(numbers(&data, "recorded.mean_response"), last);
            assert_eq!(data["recorded.item_responses"].0, [4, 6]);
            let about = std::fs::read_to_string(here.join("about.json")).unwrap();
            let about: Value = serde_json::from_str(&about).unwrap();
            assert_eq!((&about["step"], &about["seed"]), (&json!(6), &json!(seed)));
            assert_eq!(about["levels"], json!([[0, 2], [2, 6]]));
            assert_eq!(about["items"][0], "class 3");
            assert_eq!(about["condition"], condition);
        }
    }
}

#[test]
fn one_run_is_the_folder_itself_and_nothing_is_replaced_unasked() {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path();
    std::fs::write(folder.join("mine.yaml"), CNN).unwrap();
    done(folder, &["train", "mine.yaml"]);
    let one = ["export", "runs/mine", "--torch", "out", "--condition", "raw", "--seed", "5"];
    done(folder, &one);
    let weights = std::fs::read(folder.join("out/weights.safetensors")).unwrap();
    assert!(folder.join("out/model.py").is_file());
    let text = told(folder, &one, 2);
    assert!(text.contains("--overwrite"), "{text}");
    done(folder, &[&one[..], &["--overwrite"]].concat());
    assert_eq!(std::fs::read(folder.join("out/weights.safetensors")).unwrap(), weights);
    std::fs::create_dir(folder.join("other")).unwrap();
    std::fs::write(folder.join("other/thesis.tex"), "mine").unwrap();
    let text = told(folder, &["export", "runs/mine", "--torch", "other", "--overwrite"], 2);
    assert!(text.contains("no earlier export") && text.contains("thesis.tex"), "{text}");
    // Neither beside an export nor in it.
    std::fs::write(folder.join("out/notes.ipynb"), "mine").unwrap();
    let text = told(folder, &[&one[..], &["--overwrite"]].concat(), 2);
    assert!(text.contains("notes.ipynb"), "{text}");
    std::fs::remove_file(folder.join("out/notes.ipynb")).unwrap();
    std::fs::create_dir_all(folder.join("work/exports")).unwrap();
    std::fs::rename(folder.join("out"), folder.join("work/exports/net")).unwrap();
    std::fs::write(folder.join("work/thesis.tex"), "mine").unwrap();
    let text = told(folder, &["export", "runs/mine", "--torch", "work", "--overwrite"], 2);
    assert!(text.contains("work/thesis.tex"), "{text}");
    std::fs::rename(folder.join("work/exports/net"), folder.join("out")).unwrap();
    let text = told(folder, &["export", "runs/mine", "--torch", "new", "--condition", "row"], 2);
    assert!(text.contains("raw"), "{text}");
    let text = told(folder, &["export", "runs/mine", "--torch", "new", "--seed", "7"], 2);
    assert!(text.contains("no run of that seed"), "{text}");
    // Weights that are gone are told with the remedy, and the others are written.
    std::fs::remove_dir_all(folder.join("runs/mine/raw/5.checkpoint")).unwrap();
    let text = told(folder, &[&one[..4], &["--overwrite"]].concat(), 1);
    assert!(
        text.contains("5.checkpoint is not there") && text.contains("train it again"),
        "{text}"
    );
    assert!(folder.join("out/raw/2/model.py").is_file() && !folder.join("out/raw/5").exists());
    let text = told(folder, &[&one[..], &["--overwrite"]].concat(), 1);
    assert!(text.contains("train it again"), "{text}");
    assert!(folder.join("out/raw/2/model.py").is_file(), "what was there is lost");
    let left = std::fs::read_dir(folder).unwrap().flatten();
    let names: Vec<String> = left.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
}

#[test]
fn a_run_that_diverged_has_no_weights_and_says_so() {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path();
    std::fs::write(
        folder.join("mine.yaml"),
        "training: {steps: 300, learning_rate: 90}\nseeds: [0]",
    )
    .unwrap();
    told(folder, &["train", "mine.yaml"], 1);
    let text = told(folder, &["export", "runs/mine", "--torch", "out"], 1);
    assert!(text.contains("diverged") && text.contains("left no weights"), "{text}");
    assert!(!folder.join("out").exists());
}
