//! From a file, `--set` overrides and conditions to a checked `Config`. Parsing only: nothing is opened or made.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::de::{Deserializer, Unexpected, Visitor};
use serde_yaml::with::singleton_map;
use serde_yaml::{Mapping, Value};

use super::fault::Fault;
use super::name::{name_from_stem, shortened};
use super::overrides::{
    CHOICES, Conditions, EXCLUSIVE, Override, flatten, is_at_or_below, overlap,
};
use super::phases::override_phases;
use super::{
    Circle, Config, Gaussian, KernelConfig, LinearTargets, NetworkConfig, NetworkKind, ProbeKind,
    Scale, Targets, TaskConfig, read, text,
};

/// A number, or `full`, which is what `null` is.
pub(super) fn batch_size<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<usize>, D::Error> {
    struct BatchVisitor;
    impl<'de> Visitor<'de> for BatchVisitor {
        type Value = Option<usize>;

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("a whole number of samples, or full")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: serde::de::Error>(self, size: u64) -> Result<Self::Value, E> {
            Ok(Some(usize::try_from(size).unwrap_or(usize::MAX)))
        }

        fn visit_f64<E: serde::de::Error>(self, size: f64) -> Result<Self::Value, E> {
            let whole = read::typed(&size.into());
            whole.map(Some).map_err(|_| E::invalid_type(Unexpected::Float(size), &self))
        }

        fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
            if word.eq_ignore_ascii_case("full") {
                return Ok(None);
            }
            let whole = read::typed(&word.into());
            whole.map(Some).map_err(|_| E::invalid_type(Unexpected::Str(word), &self))
        }
    }
    deserializer.deserialize_any(BatchVisitor)
}

/// Keys that a condition may not override, because they say what the conditions are.
const FIXED_IN_CONDITIONS: [&str; 6] =
    ["name", "experiment", "conditions", "seeds", "quick", "full"];

/// No dotted key has more parts than `network.initialisation.aligned.a0`; some room is left for conditions set as a whole.
const MOST_PARTS: usize = 8;

/// Writes a value at a dotted key, making maps on the way. A map is merged into the one that is there.
fn set(root: &mut Value, Override { key, value }: &Override) -> Result<()> {
    for (given, other) in EXCLUSIVE {
        if is_at_or_below(key, given) && !value.is_null() && at(root, other).is_some() {
            set(root, &Override { key: other.to_owned(), value: Value::Null })?;
        }
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
    let is_section =
        !CHOICES.contains(&key.as_str()) && key != "conditions" && key != "full.conditions";
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

/// The value at a dotted key, if there is one.
fn at<'a>(root: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(root, |place, part| place.get(part)).filter(|value| !value.is_null())
}

/// A typed config from a YAML value; an error names the dotted key, and its line where the text is given.
fn typed(value: &Value, text: Option<&str>) -> Result<Config> {
    read::typed(value).map_err(|fault: Fault| {
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
        gaussian: Some(Gaussian::default()),
        circle: Some(Circle::default()),
        seed: Some(0),
        ..TaskConfig::default()
    };
    let network = NetworkConfig { negative_slope: Some(0.0), ..NetworkConfig::default() };
    let kernel = Some(KernelConfig::default());
    let probes = vec![ProbeKind::LayerSpectra];
    let whole = Config { task, network, kernel, probes, ..Config::default() };
    let mut keys = Vec::new();
    // A default config can be written; if not, there are no suggestions.
    below("", &serde_yaml::to_value(whole).unwrap_or_default(), &mut keys);
    keys
}

/// Reads, overrides and checks a config.
///
/// # Errors
///
/// Says the file, the key (with line and column if the file itself is wrong) and what is allowed.
pub fn load(path: &Path, overrides: &[Override]) -> Result<Config> {
    let text = text::text_of(path)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    parse(&text, &stem, overrides)
        .with_context(|| format!("{} is not a valid config", path.display()))
}

/// As `load`, from text; `stem` is the default name, made a valid one.
pub fn parse(text: &str, stem: &str, overrides: &[Override]) -> Result<Config> {
    let mut value = text::value(text)?;
    // What the file says is checked before anything is changed in it: only then does an error know its line.
    typed(&value, Some(text))?;
    for entry in overrides {
        set(&mut value, entry).with_context(|| format!("--set {}", shortened(&entry.key)))?;
    }
    let mut config = typed(&value, None)?;
    if config.name.is_empty() {
        config.name = name_from_stem(stem).with_context(|| {
            format!("no name can be made of '{}': set name, or --set name=...", shortened(stem))
        })?;
        if config.name != stem {
            tracing::info!("runs are named '{}' after the file: set name to choose", config.name);
        }
    }
    fill_in_initialisations(&mut config, at(&value, "network.initialisation").is_some());
    // The command line has the last word, also over what a condition sets.
    for (index, entry) in overrides.iter().enumerate() {
        let mut replaced = Vec::new();
        // Phases that are set there themselves have the word after what was set before them.
        let is_later = overrides.iter().rposition(|other| other.key == "phases") < Some(index);
        for phase in config.phases.iter_mut().filter(|_| is_later) {
            if phase.overridden(entry) {
                tracing::info!(key = entry.key, "--set has the last word over phases");
            }
        }
        for (name, entries) in &mut config.conditions.0 {
            override_phases(entries, entry)?;
            if have_last_word(entries, entry) {
                replaced.push(name.as_str());
            }
        }
        if !replaced.is_empty() {
            tracing::info!(
                key = entry.key,
                conditions = replaced.join(", "),
                "--set has the last word over conditions"
            );
        }
    }
    config.fill_in_defaults();
    config.check()?;
    check_rest(&config)?;
    Ok(config)
}

/// Lets an override stand behind a condition's own entries, if one of them says something of its key; tells whether.
pub(super) fn have_last_word(entries: &mut Vec<Override>, last: &Override) -> bool {
    let is_needed = !is_fixed(&last.key) && entries.iter().any(|own| overlap(&own.key, &last.key));
    if is_needed {
        entries.push(last.clone());
    }
    is_needed
}

/// Conditions and scales: whoever asks for hours of training shall not learn at their end that a key was wrong.
fn check_rest(config: &Config) -> Result<()> {
    for (name, resolved) in resolve_conditions(config)? {
        resolved.check().with_context(|| format!("condition '{name}'"))?;
    }
    config.at(Scale::Quick)?;
    config.at(Scale::Full)?;
    Ok(())
}

/// Each condition's own config: its overrides applied, every default written out, no conditions left in it.
pub fn resolve_conditions(config: &Config) -> Result<Vec<(String, Config)>> {
    let base = Config { conditions: Conditions::default(), ..config.clone() };
    if config.conditions.0.is_empty() {
        return Ok(vec![("default".to_owned(), base)]);
    }
    config
        .conditions
        .0
        .iter()
        .map(|(name, entries)| {
            let resolved = apply(&base, entries).with_context(|| format!("condition '{name}'"))?;
            Ok((name.clone(), resolved))
        })
        .collect()
}

/// Whether a key says what the conditions are.
pub(super) fn is_fixed(key: &str) -> bool {
    FIXED_IN_CONDITIONS.contains(&key.split('.').next().unwrap_or_default())
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
        quick: base.quick,
        full: base.full.clone(),
        conditions: base.conditions.clone(),
        seeds: base.seeds.clone(),
        ..typed(&value, None)?
    };
    config.fill_in_defaults();
    Ok(config)
}

/// Gives networks whose initial weights nobody chose those of their kind: the base's, and that of each condition which
/// chooses a kind.
fn fill_in_initialisations(config: &mut Config, is_chosen: bool) {
    if is_chosen {
        return;
    }
    config.network.initialisation = config.network.kind.default_start();
    let more = config.full.iter_mut().flat_map(|full| &mut full.conditions.0);
    for (_, entries) in config.conditions.0.iter_mut().chain(more) {
        let mut own = Value::Null;
        // An entry that cannot be set is told when conditions are resolved.
        let is_set = entries.iter().all(|entry| set(&mut own, entry).is_ok());
        let kind = at(&own, "network.kind").and_then(|kind| read::typed::<NetworkKind>(kind).ok());
        if let (true, Some(kind), None) = (is_set, kind, at(&own, "network.initialisation")) {
            let start =
                singleton_map::serialize(&kind.default_start(), serde_yaml::value::Serializer);
            entries.extend(
                start.map(|value| Override { key: "network.initialisation".to_owned(), value }),
            );
        }
    }
}
