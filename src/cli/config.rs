//! `ocs config`.

use anyhow::Result;
use clap::Args;

use super::arguments::ConfigArguments;
use super::outcome::{Success, misuse};
use super::output;
use crate::config::{Key, did_you_mean, keys, schema};

/// Prints a config with every default written out, after checking it; or, without a config, what keys there are. `ocs new` writes a
/// config with comments, `ocs explain training.learning_rate` tells of one key.
///
/// Examples:
///
///   ocs config ocs_linear
///   ocs config --keys optimiser
///   ocs config --schema > ocs.schema.json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Print {
    #[command(flatten)]
    config: Option<ConfigArguments>,
    /// Print JSON instead of YAML
    #[arg(long)]
    json: bool,
    /// Print, in Markdown, what each key of a config means, what may stand there, and its default; with TEXT those with it in their
    /// names
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "", exclusive = true)]
    keys: Option<String>,
    /// Print the JSON schema of configs, by which editors complete and check them
    #[arg(long, exclusive = true)]
    schema: bool,
}

impl Print {
    pub fn run(self) -> Result<Success> {
        if let Some(text) = &self.keys {
            output::line(&list(text)?)?;
        } else if self.schema {
            output::json(&schema())?;
        } else if let Some(config) = &self.config {
            let config = config.load()?;
            if self.json {
                output::json(&config)?;
            } else {
                output::bytes(serde_yaml::to_string(&config)?.as_bytes())?;
            }
        }
        Ok(Success::Full)
    }
}

/// Keys that have a text in their names, below their sections.
fn list(text: &str) -> Result<String> {
    let all = keys();
    let wanted: Vec<&Key> = all.iter().filter(|key| key.key.contains(text)).collect();
    if wanted.is_empty() {
        let near = did_you_mean(text, all.iter().flat_map(|key| [&*key.key, key.last()]));
        return Err(misuse(anyhow::anyhow!(
            "--keys {text}: no key of a config has it in its name{near}"
        )));
    }
    let mut lines = vec!["# Keys of configs".to_owned()];
    let mut section = "";
    for key in wanted {
        if key.section() != section {
            section = key.section();
            lines.push(format!("\n## {section}\n"));
        }
        lines.push(key.in_markdown());
    }
    Ok(lines.join("\n"))
}
