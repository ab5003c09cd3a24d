//! `ocs config`.

use anyhow::Result;
use clap::Args;

use super::arguments::ConfigArguments;
use super::outcome::Success;
use super::output;

/// Prints a config with every default written out, after checking it. Every key is described in
/// `src/config/mod.rs`; `ocs new` writes a config with comments.
#[derive(Args)]
pub struct Print {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON instead of YAML
    #[arg(long)]
    json: bool,
}

impl Print {
    pub fn run(self) -> Result<Success> {
        let config = self.config.load()?;
        if self.json {
            output::json(&config)?;
        } else {
            output::bytes(serde_yaml::to_string(&config)?.as_bytes())?;
        }
        Ok(Success::Full)
    }
}
