//! Overrides applied to a config: dotted keys of `--set`, conditions and scales.

use std::borrow::Cow;

use anyhow::{Result, anyhow, bail, ensure};
use serde_yaml::{Mapping, Value};

use super::fault::Fault;
use super::name::shortened;
use super::overrides::{
    CHOICES, EXCLUSIVE, Override, flatten, is_at_or_below, is_fixed, overlap, set_axis,
};
use super::{
    Annealing, BatchNormalisation, Checkpoints, Circle, Config, Gaussian, HumanConfig,
    KernelConfig, Labels, LinearTargets, NetworkConfig, Normalisation, Optimiser, PageConfig,
    Parametrisation, PerBlock, ProbeKind, Projection, RandomLabels, RecordConfig,
    RecordedResponses, Schedule, Sgd, Targets, TaskConfig, TrainingConfig, Whitening, read, text,
    words,
};

/// Keys whose maps replace the one that is there, whatever stands in it.
const WHOLE: [&str; 3] = ["conditions", "full.conditions", "grid"];
/// No dotted key has more parts than `network.initialisation.aligned.a0`; some room is left for conditions set as a whole.
const MOST_PARTS: usize = 8;

/// Writes a value at a dotted key, making maps on the way. A map is merged into the one that is there.
pub(super) fn set(root: &mut Value, Override { key, value }: &Override) -> Result<()> {
    if let Some(varied) = key.strip_prefix("grid.") {
        let grid = root.as_mapping_mut().map(|map| map.entry("grid".into()).or_insert(Value::Null));
        return match grid {
            Some(grid) => set_axis(grid, varied, value),
            None => {
                set(root, &Override { key: "grid".to_owned(), value: one_entry(varied, value) })
            }
        };
    }
    for (given, other) in EXCLUSIVE {
        if is_at_or_below(key, given) && !value.is_null() && at(root, other).is_some() {
            set(root, &Override { key: other.to_owned(), value: Value::Null })?;
        }
    }
    if let ("task.inputs.path", Some(Value::Mapping(inputs))) =
        (key.as_str(), root.get_mut("task").and_then(|task| task.get_mut("inputs")))
    {
        // What was said and found of another path.
        inputs.retain(|key, _| !matches!(key.as_str(), Some("names" | "found")));
    }
    let parts: Vec<&str> = key.split('.').take(MOST_PARTS + 1).collect();
    ensure!(
        parts.len() <= MOST_PARTS,
        "'{}' has more parts than any key: write keys such as training.steps",
        shortened(key)
    );
    let mut place = &mut *root;
    for (depth, part) in parts.iter().enumerate() {
        ensure!(!part.is_empty(), "'{key}' has an empty part: write keys such as training.steps");
        if place.is_null() {
            *place = Value::Mapping(Mapping::new());
        }
        let path = parts[..depth].join(".");
        if CHOICES.contains(&path.as_str())
            && !matches!(place, Value::Mapping(map) if map.contains_key(*part))
        {
            *place = Value::Mapping(Mapping::new());
        }
        let Value::Mapping(map) = place else {
            bail!("'{key}' cannot be set: '{path}' holds a value, not a map of keys");
        };
        place = map.entry(Value::from(*part)).or_insert(Value::Null);
    }
    let is_section = !CHOICES.contains(&key.as_str()) && !WHOLE.contains(&key.as_str());
    match value {
        Value::Mapping(entries) if is_section && place.is_mapping() => {
            for entry in flatten(entries.clone())? {
                set(root, &Override { key: format!("{key}.{}", entry.key), value: entry.value })?;
            }
        }
        value => *place = value.clone(),
    }
    Ok(())
}

fn one_entry(key: &str, value: &Value) -> Value {
    Value::Mapping([(key.into(), value.clone())].into_iter().collect())
}

/// The value at a dotted key, if there is one.
pub(super) fn at<'a>(root: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(root, |place, part| place.get(part)).filter(|value| !value.is_null())
}

/// A typed config from a YAML value; an error names the dotted key, and its line where the text is given: then words in it are
/// not looked up yet, since overrides may change what they are names of.
pub(super) fn typed(value: &Value, text: Option<&str>) -> Result<Config> {
    let value = match text {
        Some(_) => Cow::Owned(words::without_words(value)),
        None => words::in_numbers(value)?,
    };
    read::typed(&value).map_err(|fault: Fault| {
        let sentence = fault.sentence(&all_keys());
        match text.and_then(|text| text::position(text, &fault.path())) {
            Some((line, column)) => anyhow!("{sentence} (at line {line} column {column})"),
            None => anyhow!(sentence),
        }
    })
}

/// Dotted keys of a config that says everything, for suggestions.
fn all_keys() -> Vec<String> {
    fn below(prefix: &str, value: &Value, keys: &mut Vec<String>) {
        let Value::Mapping(map) = value else { return };
        for (key, value) in map.iter().filter_map(|(key, value)| Some((key.as_str()?, value))) {
            let full = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            below(&full, value, keys);
            keys.push(full);
        }
    }
    let task = TaskConfig {
        targets: Some(Targets::Linear(LinearTargets::default())),
        gaussian: Some(Gaussian { whitened: false, held_out: 1, ..Gaussian::default() }),
        circle: Some(Circle::default()),
        seed: Some(0),
        whitening: Some(Whitening::default()),
        projection: Some(Projection { components: 1 }),
        labels: Some(Labels::Random(RandomLabels::default())),
        ..TaskConfig::default()
    };
    let training = TrainingConfig {
        checkpoints: Checkpoints::Log,
        frozen: vec![1],
        optimiser: Optimiser::Sgd(Sgd { nesterov: true, weight_decay: 1.0, ..Sgd::default() }),
        schedule: Schedule::Cosine(Annealing { warm_up: 1, ..Annealing::default() }),
        gradient_clipping: Some(1.0),
        ..TrainingConfig::default()
    };
    let network = NetworkConfig {
        negative_slope: Some(0.0),
        convolutions: Some(PerBlock::All(1)),
        kernel_size: 1,
        stride: PerBlock::All(2),
        global_average: true,
        residual: true,
        normalisation: Normalisation::Batch(BatchNormalisation::default()),
        dropout: 0.5,
        layer_scales: vec![1.0],
        parametrisation: Parametrisation::Ntk,
        ..NetworkConfig::default()
    };
    let kernel = Some(KernelConfig::default());
    let probes = vec![ProbeKind::LayerSpectra];
    let record = RecordConfig { responses: Some(RecordedResponses::EachSample) };
    let page = Some(PageConfig::default());
    let human = Some(HumanConfig { page, ..HumanConfig::default() });
    let projections = vec![1];
    let whole = Config {
        task,
        network,
        training,
        kernel,
        probes,
        projections,
        record,
        human,
        ..Config::default()
    };
    let mut keys = Vec::new();
    // A default config can be written; if not, there are no suggestions.
    below("", &serde_yaml::to_value(whole).unwrap_or_default(), &mut keys);
    keys
}

/// Lets an override stand behind a condition's own entries, if one of them says something of its key; tells whether.
pub(super) fn have_last_word(entries: &mut Vec<Override>, last: &Override) -> bool {
    let is_needed = !is_fixed(&last.key) && entries.iter().any(|own| overlap(&own.key, &last.key));
    if is_needed {
        entries.push(last.clone());
    }
    is_needed
}

/// A config with entries applied to it; an error names the key.
pub(super) fn apply(base: &Config, entries: &[Override]) -> Result<Config> {
    // What no entry can change, and may be long, is not written out as YAML and read again for each condition.
    let short = Config {
        name: base.name.clone(),
        label: base.label.clone(),
        task: base.task.clone(),
        network: base.network.clone(),
        training: base.training.clone(),
        phase_threshold: base.phase_threshold,
        kernel: base.kernel,
        probes: base.probes.clone(),
        projections: base.projections.clone(),
        record: base.record,
        phases: base.phases.clone(),
        ..Config::default()
    };
    let mut value = serde_yaml::to_value(&short)?;
    // The base has its defaults written out; those that follow from the tree must follow the condition's own.
    let default_classes =
        at(&value, "task.classes").and_then(Value::as_sequence).is_some_and(|classes| {
            classes.iter().enumerate().all(|(index, class)| class.as_u64() == Some(index as u64))
        });
    let changes_tree = |entry: &Override| {
        overlap(&entry.key, "task.tree") || overlap(&entry.key, "task.branching")
    };
    if default_classes && entries.iter().any(changes_tree) {
        set(&mut value, &Override { key: "task.classes".to_owned(), value: Value::Null })?;
    }
    for entry in entries {
        ensure!(!is_fixed(&entry.key), "a condition cannot override '{}'", entry.key);
        set(&mut value, entry)?;
    }
    let mut config = Config {
        experiment: base.experiment.clone(),
        human: base.human.clone(),
        quick: base.quick,
        full: base.full.clone(),
        conditions: base.conditions.clone(),
        grid: base.grid.clone(),
        seeds: base.seeds.clone(),
        ..typed(&value, None)?
    };
    config.fill_in_defaults();
    Ok(config)
}
