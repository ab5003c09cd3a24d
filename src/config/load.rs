//! From a file, `--set` overrides and conditions to a checked `Config`. Parsing only: nothing is opened or made.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::de::{Deserializer, Unexpected, Visitor};
use serde_yaml::Value;
use serde_yaml::with::singleton_map;

use super::apply::{at, have_last_word, set, typed};
use super::cell::cells;
use super::name::{name_from_stem, shortened};
use super::overrides::{Override, is_at_or_below, overlap};
use super::phases::override_phases;
use super::{Config, NetworkKind, Scale, did_you_mean, read, text};

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

/// Reads, overrides and checks a config.
///
/// # Errors
///
/// Says the file, the key (with line and column if the file itself is wrong) and what is allowed.
pub fn load(path: &Path, overrides: &[Override]) -> Result<Config> {
    load_conditions(path, overrides, &[])
}

/// As `load`, with these conditions alone, all if there is none. What is not chosen need not fit what is overridden: neither
/// other conditions, nor the base that they share, nor the scales of `ocs reproduce`.
///
/// # Errors
///
/// As `load`, or if there is no condition of such a name.
pub fn load_conditions(path: &Path, overrides: &[Override], chosen: &[String]) -> Result<Config> {
    let text = text::text_of(path)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    parse_conditions(&text, &stem, overrides, chosen)
        .with_context(|| format!("{} is not a valid config", path.display()))
}

/// As `load`, from text; `stem` is the default name, made a valid one.
pub fn parse(text: &str, stem: &str, overrides: &[Override]) -> Result<Config> {
    parse_conditions(text, stem, overrides, &[])
}

/// As `load_conditions`, from text; `stem` is the default name, made a valid one.
pub fn parse_conditions(
    text: &str,
    stem: &str,
    overrides: &[Override],
    chosen: &[String],
) -> Result<Config> {
    let mut value = text::value(text)?;
    // What the file says is checked before anything is changed in it: only then does an error know its line.
    typed(&value, Some(text))?;
    for entry in overrides {
        set(&mut value, entry).with_context(|| typed_as(&entry.key))?;
    }
    let mut config = typed(&value, None)?;
    config.choose_conditions(chosen)?;
    if config.name.is_empty() {
        config.name = name_from_stem(stem).with_context(|| {
            format!("no name can be made of '{}': set name, or --set name=...", shortened(stem))
        })?;
        if config.name != stem {
            tracing::info!("runs are named '{}' after the file: set name to choose", config.name);
        }
    }
    let is_chosen = at(&value, "network.initialisation").is_some();
    config.ensure_start_is_chosen(is_chosen)?;
    fill_in_initialisations(&mut config, is_chosen);
    // The command line has the last word, also over what a condition sets.
    for (index, entry) in overrides.iter().enumerate() {
        let mut replaced = Vec::new();
        if config.grid_overridden(entry, overrides)? {
            tracing::info!(key = entry.key, "--set has the last word over the grid");
        }
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
    if chosen.is_empty() {
        config.check()?;
        check_conditions(&config)?;
        config.at(Scale::Quick)?;
        config.at(Scale::Full)?;
    } else {
        config.check_runs()?;
        check_conditions(&config)?;
    }
    Ok(config)
}

/// An override as it was typed.
fn typed_as(key: &str) -> String {
    match key.strip_prefix("grid.") {
        Some(varied) => format!("--grid {}", shortened(varied)),
        None => format!("--set {}", shortened(key)),
    }
}

impl Config {
    /// Leaves these conditions alone, all if there is none.
    fn choose_conditions(&mut self, chosen: &[String]) -> Result<()> {
        let known: Vec<&str> = self.conditions.0.iter().map(|(name, _)| name.as_str()).collect();
        for name in chosen {
            ensure!(
                known.contains(&name.as_str()),
                "--condition {}: there are the conditions {}{}",
                shortened(name),
                if known.is_empty() { "default only".to_owned() } else { known.join(", ") },
                did_you_mean(name, known.iter().copied())
            );
        }
        self.conditions.0.retain(|(name, _)| chosen.is_empty() || chosen.contains(name));
        Ok(())
    }

    /// Gives an override of the command line the last word over the grid; tells whether it changed it. What is varied on the
    /// command line itself cannot be set there, too.
    fn grid_overridden(&mut self, entry: &Override, all: &[Override]) -> Result<bool> {
        if is_at_or_below(&entry.key, "grid") {
            return Ok(false);
        }
        let varied = all.iter().filter_map(|other| other.key.strip_prefix("grid."));
        for key in varied {
            ensure!(
                !overlap(key, &entry.key),
                "--set {} and --grid {key} say the same key: give one of them",
                shortened(&entry.key)
            );
        }
        self.grid.overridden(entry)
    }
}

/// Whoever asks for hours of training shall not learn at their end that a key was wrong.
fn check_conditions(config: &Config) -> Result<()> {
    let cells = cells(config)?;
    for cell in &cells {
        let checked = cell.config.check().and_then(|()| cell.config.check_probes_of_stretches());
        checked.with_context(|| cell.in_words())?;
    }
    config.ensure_cells_differ(&cells)
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
