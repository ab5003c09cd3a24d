//! What differs between two configs, or two texts that should be one.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::config::Config;

/// Keys that differ, with both values: `training.steps was 300, is 400`.
pub fn differences(before: &Config, now: &Config) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let value = |config: &Config| serde_json::to_value(config).context("a config is a map");
    compare("", &value(&before.with_pages_of(now))?, &value(now)?, &mut found);
    Ok(found)
}

/// The first field in which a JSON text is not as it was written.
pub fn first_difference(written: &[u8], found: &[u8]) -> String {
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text);
    let (Ok(written), Ok(found)) = (read(written), read(found)) else {
        return "it is cut short or no JSON".to_owned();
    };
    let mut differences = Vec::new();
    compare("", &written, &found, &mut differences);
    differences.into_iter().next().unwrap_or_else(|| "its spaces are others".to_owned())
}

fn compare(key: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
            keys.sort();
            keys.dedup();
            for name in keys {
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(name).cloned().unwrap_or(Value::Null)
                };
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                compare(&key, &of(before), &of(now), found);
            }
        }
        (Value::Array(before), Value::Array(now))
            if before.len() == now.len() && before.len() > 8 =>
        {
            for (index, (before, now)) in before.iter().zip(now).enumerate() {
                compare(&format!("{key}[{index}]"), before, now, found);
            }
        }
        _ if before != now => found.push(format!("{key} was {}, is {}", short(before), short(now))),
        _ => {}
    }
}

/// A value in at most a line.
fn short(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
