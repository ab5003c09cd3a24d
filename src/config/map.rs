//! Small YAML files besides configs, read with the same manners: unknown keys are refused with the nearest, and places are told.

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;

use super::{read, text};

/// Reads a map of keys from YAML; `what` it is, such as "a column map", is told where something is wrong with it.
///
/// # Errors
///
/// Names the key, with line and column, and what to write.
pub fn read_map<T: DeserializeOwned>(given: &str, what: &str) -> Result<T> {
    let value = text::value(given)?;
    read::typed(&value).map_err(|fault| {
        let sentence = fault.sentence(&[]);
        let sentence = match sentence.strip_prefix("a config ") {
            Some(rest) => format!("{what} {rest}"),
            None => sentence,
        };
        match text::position(given, &fault.path()) {
            Some((line, column)) => anyhow!("{sentence} (at line {line} column {column})"),
            None => anyhow!(sentence),
        }
    })
}
