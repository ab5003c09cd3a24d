//! `ocs new`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use super::arguments::path;
use super::outcome::{Success, misuse};
use super::output;
use super::stems::Source;
use crate::config::{self, ensure_name};
use crate::file;
use crate::studies;

/// Writes a config to start from, with comments: NAME.yaml. Alone, a small one that trains in seconds without any data; with
/// --from, a copy of a shipped experiment's config, or of another, under its new name. Nothing is overwritten.
#[derive(Args)]
pub struct New {
    /// Name of the config: of its file and of its folder in RUNS
    name: String,
    /// Copy this one, comments included: an experiment such as ocs_mnist, or a YAML file
    #[arg(long, value_name = "CONFIG", value_parser = path())]
    from: Option<PathBuf>,
    /// The file [default: NAME.yaml in the current folder]
    #[arg(long, value_name = "FILE", value_parser = path())]
    out: Option<PathBuf>,
}

/// What `ocs new NAME` writes.
const TEMPLATE: &str = include_str!("new.yaml");

impl New {
    pub fn run(self) -> Result<Success> {
        let path = self.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.yaml", self.name)));
        let text = self.text(&path).map_err(misuse)?;
        write(&path, &text)?;
        output::line(&path.display().to_string())?;
        tracing::info!("next: ocs train {}", path.display());
        Ok(Success::Full)
    }

    fn text(&self, path: &Path) -> Result<String> {
        ensure_name("NAME", &self.name)?;
        ensure!(
            studies::find(&self.name).is_none(),
            "'{0}' is a shipped experiment, whose runs lie in runs/{0}: give yours another name",
            self.name
        );
        let Some(from) = &self.from else {
            return renamed(TEMPLATE, &self.name, &header(path, &self.name, None));
        };
        let source = Source::of(from).context("--from")?;
        let text = source.text()?;
        renamed(&text, &self.name, &header(path, &self.name, Some(from)))
            .with_context(|| format!("--from {}", from.display()))
    }
}

/// What stands above all: how it was made, and what to type next.
fn header(path: &Path, name: &str, from: Option<&Path>) -> String {
    let from = from.map_or_else(String::new, |from| format!(" --from {}", from.display()));
    let path = path.display();
    format!(
        "# Made by `ocs new {name}{from}`.\n#\n\
         #   ocs train {path}\n\
         #   ocs plot runs/{name}\n\
         #   ocs config {path}    every default of what is on\n#\n"
    )
}

/// A config's text under another name and header, all else as it is. A figure of the experiment that it was copied from needs
/// that one's conditions, and a comment says so.
fn renamed(text: &str, name: &str, header: &str) -> Result<String> {
    let text = text.trim_start_matches('\u{feff}');
    // What is copied must be right before it is.
    let before = config::parse(text, name, &[])?;
    let is_key =
        |line: &str, key: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let mut lines = Vec::new();
    let is_named = text.lines().any(|line| is_key(line, "name"));
    let mut is_open = !is_named;
    for line in text.lines() {
        let is_comment = line.starts_with('#') || line.trim().is_empty() || line.starts_with("---");
        if is_open && !is_comment {
            lines.push(format!("name: {name}"));
            is_open = false;
        }
        if is_key(line, "name") {
            lines.push(format!("name: {name}"));
        } else if is_key(line, "experiment") && before.experiment.is_some() {
            lines.push(
                "# Whose figure is drawn: set it to null once the conditions are others."
                    .to_owned(),
            );
            lines.push(line.to_owned());
        } else {
            lines.push(line.to_owned());
        }
    }
    if is_open {
        lines.push(format!("name: {name}"));
    }
    let renamed = format!("{header}{}\n", lines.join("\n"));
    // Names may be written in ways that lines do not show; then the copy is not what it should be, and is not made.
    let after = config::parse(&renamed, name, &[]).ok();
    let wanted = config::Config { name: name.to_owned(), ..before };
    ensure!(
        after.as_ref() == Some(&wanted),
        "its keys do not stand on lines of their own: print it with `ocs config`, and copy that"
    );
    Ok(renamed)
}

/// Writes a file that must not be there yet, whole or not at all.
fn write(path: &Path, text: &str) -> Result<()> {
    file::create(path, text.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => misuse(anyhow!(
            "{} is there already and stays as it is: choose another NAME or --out",
            path.display()
        )),
        _ => anyhow!(error)
            .context(format!("cannot write {}: choose another folder with --out", path.display())),
    })
}
