//! The figure that `ocs human analyse` draws.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::human::{Analysis, Clock, Networks, Subject, Taught, page};
use crate::plot::{self, Format};
use crate::record::{Record, RunFolder};

/// A figure to draw.
pub struct Figure {
    folder: PathBuf,
    name: String,
    format: Format,
    /// What each condition is called, and its runs.
    networks: Vec<(String, Vec<Record>)>,
}

impl Figure {
    /// Of a file's name, beside which networks of folders are drawn.
    ///
    /// # Errors
    ///
    /// If the file is there and is to stay, has no known end, or a folder holds no runs.
    pub fn of(
        file: &Path,
        networks: &[PathBuf],
        taught: &Taught,
        overwrite: bool,
    ) -> Result<Figure> {
        let shown = file.display();
        let end = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let known = [Format::Png, Format::Svg, Format::Pdf];
        let Some(format) = known.into_iter().find(|format| format.extension() == end) else {
            bail!("--figure {shown}: name a file that ends with .png, .svg or .pdf");
        };
        ensure!(
            overwrite || file.symlink_metadata().is_err(),
            "--figure {shown} is there already: give --overwrite, or another name"
        );
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let networks = networks.iter().map(|path| runs_of(path, taught));
        let networks = networks.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        Ok(Figure { folder, name, format, networks })
    }

    /// Draws it.
    pub fn draw(&self, analysis: &Analysis, taught: &Taught, clock: Clock) -> Result<()> {
        let networks: Vec<Networks> = self
            .networks
            .iter()
            .map(|(caption, records)| Networks {
                caption: caption.clone(),
                records: records.iter().collect(),
            })
            .collect();
        let page = page(&Subject { analysis, taught, networks: &networks, clock });
        let records: Vec<Record> =
            self.networks.iter().flat_map(|(_, records)| records).cloned().collect();
        let paths = plot::draw_as(&[self.format], &page, &records, &self.folder, &self.name)?;
        for path in paths {
            tracing::info!(file = %path.display(), "drawn");
        }
        Ok(())
    }
}

/// Conditions of a folder of runs, or the one that is named behind it.
fn runs_of(path: &Path, taught: &Taught) -> Result<Vec<(String, Vec<Record>)>> {
    let is_run = path.join("config.yaml").is_file();
    let (run, condition) = match (is_run, path.parent(), path.file_name()) {
        (false, Some(run), Some(name)) if run.join("config.yaml").is_file() => {
            (run, Some(name.to_string_lossy().into_owned()))
        }
        _ => (path, None),
    };
    let runs = RunFolder::read(run).with_context(|| format!("--networks {}", path.display()))?;
    let mut conditions: Vec<(String, Vec<Record>)> = Vec::new();
    for record in runs.records {
        if condition.as_ref().is_some_and(|wanted| *wanted != record.condition) {
            continue;
        }
        let what = format!("--networks {}: condition '{}'", path.display(), record.condition);
        taught.ensure_learned_by(&record.config, &what)?;
        let caption = record.config.display_name(&record.condition).to_owned();
        match conditions.iter_mut().find(|(known, _)| *known == caption) {
            Some((_, records)) => records.push(record),
            None => conditions.push((caption, vec![record])),
        }
    }
    ensure!(!conditions.is_empty(), "--networks {}: there are no records", path.display());
    Ok(conditions)
}
