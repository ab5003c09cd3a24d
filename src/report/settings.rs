//! What conditions differ in.

use anyhow::Result;
use serde_yaml::Value;

use crate::config::{Config, Override, value_in_words};

/// A table: a column for each key that some condition sets, a row for each condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Dotted keys.
    pub keys: Vec<String>,
    /// Names with the values of all keys, and whether the condition sets them itself.
    pub rows: Vec<(String, Vec<(String, bool)>)>,
    /// Keys that a grid varies, each with its values.
    pub grid: Vec<(String, String)>,
    /// The whole config, every default written out.
    pub config: String,
}

impl Settings {
    /// Of a config.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn of(config: &Config) -> Result<Settings> {
        let whole = serde_yaml::to_value(config)?;
        let mut keys: Vec<String> = Vec::new();
        for Override { key, .. } in config.conditions.0.iter().flat_map(|(_, entries)| entries) {
            if key != "label" && !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        let mut rows = Vec::new();
        for (name, entries) in &config.conditions.0 {
            let value = |key: &String| match entries.iter().rfind(|entry| entry.key == *key) {
                Some(entry) => (value_in_words(&entry.value), true),
                None => (at(&whole, key).map_or("-".to_owned(), value_in_words), false),
            };
            let label = entries.iter().rfind(|entry| entry.key == "label");
            let label = label.and_then(|entry| entry.value.as_str());
            let name = label.map_or_else(|| name.clone(), |label| format!("{label} ({name})"));
            rows.push((name, keys.iter().map(value).collect()));
        }
        let values =
            |values: &[Value]| values.iter().map(value_in_words).collect::<Vec<_>>().join(", ");
        let grid = config.grid.0.iter().map(|axis| (axis.key.clone(), values(&axis.values)));
        Ok(Settings { keys, rows, grid: grid.collect(), config: serde_yaml::to_string(config)? })
    }
}

impl Settings {
    /// Whether some condition leaves a key as it is in the rest of the config.
    pub fn has_inherited(&self) -> bool {
        self.rows.iter().flat_map(|(_, values)| values).any(|(_, is_own)| !is_own)
    }
}

/// What stands at a dotted key.
fn at<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, part| value.get(part))
}
