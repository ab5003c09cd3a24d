//! A cell: a condition with one combination of the grid's values, and a name for it that is a folder's.

use anyhow::{Context, Result, bail, ensure};
use serde_yaml::Value;
use sha2::{Digest, Sha256};

use super::apply::apply;
use super::grid::{first_twice, written};
use super::name::{LONGEST_NAME, name_from_stem};
use super::overrides::Overrides;
use super::{Conditions, Config, Grid};
use crate::file::hex;

/// One setting that is trained with every seed: a condition, and the values that a grid gives to its keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Names the folder of its runs: the condition's name, or with a grid `none,learning_rate=0.1,hidden=64`.
    pub name: String,
    /// The condition; `None` where the config has none.
    pub condition: Option<String>,
    /// What the grid sets, in its order; empty without a grid.
    pub values: Overrides,
    /// Its own config: every default written out, no conditions and no grid left in it.
    pub config: Config,
}

impl Cell {
    /// As errors call it.
    pub(super) fn in_words(&self) -> String {
        let what = if self.values.0.is_empty() { "condition" } else { "cell" };
        format!("{what} '{}'", self.name)
    }

    /// What tables and figures call it: `none, learning_rate 0.1`.
    pub fn display_name(&self) -> String {
        cell_in_words(&self.config, self.condition.as_deref(), &self.name, &self.values)
    }
}

/// What tables and figures call the runs of a condition (by its label) with some values of a grid.
pub fn cell_in_words(
    config: &Config,
    condition: Option<&str>,
    name: &str,
    values: &Overrides,
) -> String {
    if values.0.is_empty() {
        return config.display_name(condition.unwrap_or(name)).to_owned();
    }
    let keys = short_keys(values);
    let of_grid = keys
        .iter()
        .zip(&values.0)
        .map(|(key, entry)| format!("{key} {}", value_in_words(&entry.value)));
    let label = config.label.as_deref().or(condition).map(str::to_owned);
    label.into_iter().chain(of_grid).collect::<Vec<_>>().join(", ")
}

/// A grid's value as tables and figures show it: `0.1`, `64-32`, `{"gain":0.2}`.
pub fn value_in_words(value: &Value) -> String {
    plain(value).unwrap_or_else(|| written(value))
}

/// Keys of a combination of values, as short as is clear.
pub fn short_keys(values: &Overrides) -> Vec<String> {
    let axis = |entry: &super::Override| super::Axis { key: entry.key.clone(), values: Vec::new() };
    let grid = Grid(values.0.iter().map(axis).collect());
    grid.short_keys().into_iter().map(str::to_owned).collect()
}

/// Conditions with every combination of the grid's values: those of the first condition first. Nothing is checked but that
/// each override can be applied.
///
/// # Errors
///
/// Names the condition or the cell, and the key.
pub fn cells(config: &Config) -> Result<Vec<Cell>> {
    let base =
        Config { conditions: Conditions::default(), grid: Grid::default(), ..config.clone() };
    let mut conditions = Vec::new();
    for (name, entries) in &config.conditions.0 {
        let resolved = apply(&base, entries).with_context(|| format!("condition '{name}'"))?;
        conditions.push((Some(name.clone()), resolved));
    }
    let known: Vec<&str> = config.conditions.0.iter().map(|(name, _)| &**name).collect();
    let names = names_of_cells(&known, &config.grid);
    if let Some((one, _)) = first_twice(names.iter()) {
        bail!("two cells are named '{}': write their values in another way", names[one]);
    }
    if conditions.is_empty() {
        conditions.push((None, base));
    }
    let mut cells = Vec::new();
    let mut names = names.into_iter();
    for (condition, resolved) in &conditions {
        for (values, name) in config.grid.combinations().into_iter().zip(&mut names) {
            let config =
                with_values(resolved, &values).with_context(|| format!("cell '{name}'"))?;
            cells.push(Cell { name, condition: condition.clone(), values, config });
        }
    }
    Ok(cells)
}

/// A condition's config with a grid's values, which have the last word over its phases, too.
fn with_values(resolved: &Config, values: &Overrides) -> Result<Config> {
    if values.0.is_empty() {
        return Ok(resolved.clone());
    }
    let mut config = resolved.clone();
    for entry in &values.0 {
        config.phases.iter_mut().for_each(|phase| {
            phase.overridden(entry);
        });
    }
    apply(&config, &values.0)
}

/// Names of all cells of such conditions, in the order of `cells`.
pub fn names_of_cells(conditions: &[&str], grid: &Grid) -> Vec<String> {
    if grid.is_empty() {
        return match conditions {
            [] => vec![ONLY.to_owned()],
            names => names.iter().map(|name| (*name).to_owned()).collect(),
        };
    }
    let (keys, combinations) = (grid.short_keys(), grid.combinations());
    let of_condition = |condition: Option<&str>| -> Vec<String> {
        combinations.iter().map(|values| name_of(condition, &keys, values)).collect()
    };
    match conditions {
        [] => of_condition(None),
        names => names.iter().flat_map(|name| of_condition(Some(name))).collect(),
    }
}

/// Names of cells (without a grid: of conditions) and their own configs: every default written out, no conditions left.
///
/// # Errors
///
/// Those of `cells`.
pub fn resolve_conditions(config: &Config) -> Result<Vec<(String, Config)>> {
    Ok(cells(config)?.into_iter().map(|cell| (cell.name, cell.config)).collect())
}

impl Config {
    /// The same without conditions and values of the grid that none of the cells which are asked for has. Its other cells are few,
    /// and nothing is resolved to find out.
    pub fn narrowed_to(&self, is_asked: &dyn Fn(&str) -> bool) -> Config {
        let conditions = &self.conditions.0;
        let known: Vec<&str> = conditions.iter().map(|(name, _)| &**name).collect();
        let combinations = self.grid.combinations();
        let mut is_used = (
            vec![false; conditions.len().max(1)],
            self.grid.0.iter().map(|axis| vec![false; axis.values.len()]).collect::<Vec<_>>(),
        );
        for (index, name) in names_of_cells(&known, &self.grid).iter().enumerate() {
            if !is_asked(name) {
                continue;
            }
            let (condition, mut combination) =
                (index / combinations.len(), index % combinations.len());
            is_used.0[condition] = true;
            // The last key varies fastest.
            for (axis, is_used) in self.grid.0.iter().zip(&mut is_used.1).rev() {
                is_used[combination % axis.values.len()] = true;
                combination /= axis.values.len();
            }
        }
        let mut narrowed = self.clone();
        let mut is_condition_used = is_used.0.into_iter();
        narrowed.conditions.0.retain(|_| is_condition_used.next().unwrap_or(false));
        for (axis, is_used) in narrowed.grid.0.iter_mut().zip(is_used.1) {
            let mut is_used = is_used.into_iter();
            axis.values.retain(|_| is_used.next().unwrap_or(false));
        }
        narrowed
    }

    /// Makes sure that no two cells of a condition are one and the same.
    ///
    /// # Errors
    ///
    /// Names both.
    pub(super) fn ensure_cells_differ(&self, cells: &[Cell]) -> Result<()> {
        if self.grid.is_empty() {
            return Ok(());
        }
        let said = cells.iter().map(|cell| (&cell.condition, serde_json::to_string(&cell.config)));
        let texts =
            said.map(|(condition, text)| Ok((condition, text?))).collect::<Result<Vec<_>>>()?;
        if let Some((one, other)) = first_twice(texts.iter()) {
            let values = |cell: usize| {
                let entries = cells[cell].values.0.iter();
                entries.map(|entry| (entry.key.clone(), written(&entry.value))).collect::<Vec<_>>()
            };
            let (before, now) = (values(one), values(other));
            let differ = before.iter().zip(&now).filter(|(before, now)| before != now);
            let keys: Vec<String> = differ
                .map(|((key, one), (_, other))| format!("{key}: {one} and {other}"))
                .collect();
            bail!(
                "grid makes the same run twice, '{}' and '{}' ({}): remove values that make no difference",
                cells[one].name,
                cells[other].name,
                keys.join("; ")
            );
        }
        Ok(())
    }

    /// Makes sure that kinds which are varied have a start that somebody chose: each kind has its own by default.
    pub(super) fn ensure_start_is_chosen(&self, is_chosen: bool) -> Result<()> {
        let lacks_start = |axis: &super::Axis| match &*axis.key {
            "network.kind" => {
                self.grid.keys().all(|key| !key.starts_with("network.initialisation"))
            }
            "network" => {
                let mut values = axis.values.iter();
                values.any(|value| {
                    value.get("kind").is_some() && value.get("initialisation").is_none()
                })
            }
            _ => false,
        };
        ensure!(
            is_chosen || !self.grid.0.iter().any(lacks_start),
            "grid varies network.kind, and each kind starts from weights of its own: set network.initialisation for all, or write \
             a condition for each kind, such as mlp: {{network.kind: mlp}}"
        );
        Ok(())
    }
}

/// What the only condition of a config is called that has none.
const ONLY: &str = "default";
/// Letters of the part of a name that tells one value.
const LONGEST_VALUE: usize = 32;

/// A cell's name: parts that are joined by what stands in no part. Too long a one ends in a digest of the whole.
fn name_of(condition: Option<&str>, keys: &[&str], values: &Overrides) -> String {
    let of_grid =
        keys.iter().zip(&values.0).map(|(key, entry)| format!("{key}={}", part(&entry.value)));
    let parts: Vec<String> = condition.map(str::to_owned).into_iter().chain(of_grid).collect();
    let name = parts.join(",");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    const DIGEST: usize = 16;
    // Keys that there are not, which are told later, may be of any letters.
    let kept: String = name.chars().take(LONGEST_NAME - DIGEST - 1).collect();
    format!("{kept}@{}", digest(name.as_bytes(), DIGEST))
}

/// A value as a part of a name. It hangs on nothing but the value: a cell keeps its name when others are added.
fn part(value: &Value) -> String {
    match plain(value) {
        Some(text) if text.len() <= LONGEST_VALUE => text,
        _ => {
            const DIGEST: usize = 12;
            // What cannot be written as JSON has no place in a config either.
            let text = serde_json::to_string(value).unwrap_or_default();
            let kept: String = name_from_stem(&text.replace(['"', '[', ']', '{', '}'], " "))
                .unwrap_or_default()
                .chars()
                .take(LONGEST_VALUE - DIGEST - 1)
                .collect();
            format!("{}@{}", kept.trim_matches('-'), digest(text.as_bytes(), DIGEST))
        }
    }
}

/// A value whose letters tell it from any other that a key could have: a number, a word, numbers in a list (`64-32`), or one
/// choice with its parameters (`kaiming-gain-0.2`).
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(_) => number(value),
        Value::String(word) => {
            let is_plain = word.split('-').all(is_word)
                && !["null", "true", "false", "empty"].contains(&&*word.to_ascii_lowercase());
            is_plain.then(|| word.clone())
        }
        Value::Sequence(values) if values.is_empty() => Some("empty".to_owned()),
        Value::Sequence(values) => {
            Some(values.iter().map(number).collect::<Option<Vec<_>>>()?.join("-"))
        }
        Value::Mapping(map) => {
            let [(key, value)] = &map.iter().collect::<Vec<_>>()[..] else { return None };
            let key = key.as_str().filter(|key| is_word(key))?;
            match value {
                Value::Mapping(_) | Value::Number(_) => Some(format!("{key}-{}", plain(value)?)),
                _ => None,
            }
        }
        Value::Tagged(_) => None,
    }
}

/// Whether it begins with a letter, and has nothing in it that stands between words.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
}

/// The shorter of `0.001` and `1e-3`, which both tell a number from any other.
fn number(value: &Value) -> Option<String> {
    let Value::Number(number) = value else { return None };
    let whole =
        number.as_u64().map(|n| n.to_string()).or_else(|| number.as_i64().map(|n| n.to_string()));
    if let Some(whole) = whole {
        return Some(whole);
    }
    let float = number.as_f64().filter(|float| float.is_finite())?;
    let (usual, short) = (float.to_string(), format!("{float:e}"));
    Some(if usual.len() <= short.len().max(6) { usual } else { short })
}

fn digest(bytes: &[u8], letters: usize) -> String {
    hex(&Sha256::digest(bytes))[..letters].to_owned()
}
