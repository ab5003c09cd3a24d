//! `ocs man`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command};

use super::arguments::path;
use super::figures::ensure_folder;
use super::outcome::{Success, misuse};
use super::output;
use crate::record::write_atomically;

/// Writes a manual page for each command: ocs.1, ocs-train.1, ocs-data-fetch.1 ... They say what --help says. `make install`
/// puts them into PREFIX/share/man/man1; `man -M DIR` or MANPATH reads others (from a folder man1 in DIR).
#[derive(Args)]
pub struct Man {
    /// Folder for the pages; older ones of their names are replaced
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
}

impl Man {
    pub fn run(self, program: &Command) -> Result<Success> {
        ensure_folder("--out", &self.out).map_err(misuse)?;
        // Made elsewhere, so that no page is there by half.
        let made = tempfile::tempdir()?;
        clap_mangen::generate_to(program.clone().disable_help_subcommand(true), made.path())?;
        let mut pages: Vec<PathBuf> =
            std::fs::read_dir(made.path())?.map(|page| Ok(page?.path())).collect::<Result<_>>()?;
        pages.sort();
        for page in pages {
            let path = self.out.join(page.file_name().unwrap_or_default());
            write_atomically(&path, &std::fs::read(&page)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
            output::line(&path.display().to_string())?;
        }
        Ok(Success::Full)
    }
}
