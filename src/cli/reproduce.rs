//! `ocs reproduce`: from configs to figures and claims.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::arguments::{ComputeArguments, ExistingArguments, path};
use super::decided::{Decided, DecidedExperiment};
use super::figures::{chosen, ensure_folder};
use super::outcome::{Success, misuse, refused};
use super::report::{ensure_ours, write_all};
use super::stems::Source;
use super::train::{tell_claims, train};
use super::{data, output, signals};
use crate::claim::{self, Claim, Verdict};
use crate::config::{self, Config, Inputs, Scale};
use crate::data as data_sets;
use crate::plot;
use crate::record::{self, Record, RunFolder, unpublished};
use crate::studies::{self, Study};
use crate::sweep::{self, Existing, Interrupted, Options};

/// Trains the shipped experiments, decides their claims and draws their figures: PLOTS/STEM.png and .svg, and
/// PLOTS/CLAIMS.md, and PLOTS/index.html, one page of all. Image data sets that are missing are fetched. Runs that are there already are never replaced unasked:
/// --resume keeps those of the same config, --overwrite makes them anew. Exit status 1 if a claim fails or a figure could
/// not be made.
#[derive(Args)]
pub struct Reproduce {
    #[arg(help = format!("Experiments [default: all]: {}", studies::all_stems()), long_help = questions())]
    stems: Vec<String>,
    /// Fewer seeds and steps, for a look: ocs_mnist takes half a minute on two cores, ocs_cifar10 two minutes; figures and
    /// claims are marked, and go to RUNS/quick and PLOTS/quick
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// What is heavier: more seeds, whole training sets, wider networks, smaller steps, as the section `full` of each
    /// config says, with the time that it takes; a config without one runs as by default. Figures and claims are marked,
    /// and go to RUNS/full and PLOTS/full
    #[arg(long)]
    full: bool,
    /// Take configs from this folder; one that it lacks is the one built into this program
    #[arg(long, default_value = "configs", value_name = "FOLDER", value_parser = path())]
    configs: PathBuf,
    /// Folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Folder of figures and claims
    #[arg(long, default_value = "plots", value_name = "FOLDER", value_parser = path())]
    plots: PathBuf,
    #[command(flatten)]
    existing: ExistingArguments,
    /// Take image data sets also if their bytes are not the published ones; records, figures and claims then name them
    /// "mnist (unknown bytes)"
    #[arg(long)]
    any_data: bool,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// The page of all experiments, in PLOTS.
const REPORT: &str = "index.html";

/// What each experiment asks, and where the question comes from.
fn questions() -> String {
    let of = |study: &&Study| format!("\n- {}: {} [{}]", study.stem, study.question, study.source);
    format!("Experiments [default: all]:\n{}", studies::ALL.iter().map(of).collect::<String>())
}

impl Reproduce {
    pub fn run(self) -> Result<Success> {
        let studies = chosen(&self.stems)?;
        ensure_folder("--plots", &self.plots).map_err(misuse)?;
        let (out, plots) = (self.scale().below(&self.out), self.scale().below(&self.plots));
        ensure_ours(&plots.join(REPORT)).map_err(misuse)?;
        let options = self.existing.apply(self.compute.options(&out, Existing::Refuse)?);
        self.ensure_nothing_is_lost(&studies, &options)?;
        let mut success = Success::Full;
        let mut missing = Vec::new();
        for (index, &study) in studies.iter().enumerate() {
            let place = format!("experiment {} of {}", index + 1, studies.len());
            match self.reproduce(study, &place, &options, &plots) {
                Ok(Success::Full) => {}
                Ok(Success::Partial) => success = Success::Partial,
                Err(error) if error.is::<Interrupted>() || signals::is_interrupted() => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!("{}: {error:#}", study.stem);
                    missing.push(study.stem);
                }
            }
        }
        if !missing.is_empty() {
            anyhow::bail!(
                "no figure and no claims were made of {}: the reasons stand above",
                missing.join(", ")
            );
        }
        Ok(success)
    }

    /// Of all experiments before the first is made; what would be slow is told then, too.
    fn ensure_nothing_is_lost(&self, studies: &[&'static Study], options: &Options) -> Result<()> {
        for &study in studies {
            let config = self.config(study).map_err(misuse)?;
            let config = config.at(self.scale()).map_err(misuse)?;
            let options = Options { folder: options.folder.join(study.stem), ..options.clone() };
            sweep::ensure_nothing_is_lost(&config, &options).map_err(refused)?;
            super::arguments::warn_of_slow_precision(&config, options.device)?;
        }
        Ok(())
    }

    /// What was asked for.
    fn scale(&self) -> Scale {
        match (self.quick, self.full) {
            (true, _) => Scale::Quick,
            (false, true) => Scale::Full,
            (false, false) => Scale::Default,
        }
    }

    fn reproduce(
        &self,
        study: &'static Study,
        place: &str,
        options: &Options,
        plots: &Path,
    ) -> Result<Success> {
        let stem = study.stem;
        let config = self.config(study).map_err(misuse)?;
        let scale = config.scale(self.scale());
        let mut config = config.at(scale).map_err(misuse)?;
        tracing::info!(?scale, "{place}: {stem}");
        if scale != self.scale() {
            tracing::warn!("{stem} {AS_BY_DEFAULT}");
        }
        self.bring_data(study, &mut config)?;
        let options = Options { folder: options.folder.join(stem), scale, ..options.clone() };
        let (records, summary) = train(&config, &options, place)?;
        let origin = origin(&records, self.scale());
        let runs = RunFolder::of_records(&options.folder, records)?.distinct();
        let claims = study.decide(&runs)?;
        for path in plot::draw(&(study.page)(&runs), &runs.records, plots, stem)? {
            output::line(&path.display().to_string())?;
        }
        tell_claims(&claims);
        let path = write_claims(plots, stem, origin, &claims)?;
        output::line(&path.display().to_string())?;
        let (report, runs) = (plots.join(REPORT), options.folder.with_file_name(""));
        write_all(&report, plots, &runs, self.scale())?;
        let failed = claims.iter().any(|claim| claim.verdict == Verdict::Fails);
        Ok(if failed || !summary.diverged.is_empty() { Success::Partial } else { Success::Full })
    }

    fn config(&self, study: &'static Study) -> Result<Config> {
        let path = self.configs.join(study.stem).with_extension("yaml");
        if path.exists() {
            return Source::File(path).load(&[]);
        }
        tracing::info!("there is no {}: taking the built-in config", path.display());
        study.built_in()
    }

    /// Fetches data sets that a config needs and that are not there, and refuses those that are there but are not the
    /// published ones. Conditions with one that the experiment can do without, and that no source has, are left out of
    /// the config.
    fn bring_data(&self, study: &'static Study, config: &mut Config) -> Result<()> {
        let mut sets: Vec<(Inputs, bool)> = Vec::new();
        let mut missing = Vec::new();
        for (condition, resolved) in config::resolve_conditions(config)? {
            let inputs = resolved.task.inputs;
            if !inputs.are_images() {
                continue;
            }
            let known =
                sets.iter().find(|(known, _)| *known == inputs).map(|(_, is_there)| *is_there);
            let is_there = match known {
                Some(is_there) => is_there,
                None => {
                    let is_there = self.bring(study, inputs)?;
                    sets.push((inputs, is_there));
                    is_there
                }
            };
            if !is_there {
                missing.push(condition);
            }
        }
        config.conditions.0.retain(|(name, _)| !missing.contains(name));
        Ok(())
    }

    /// Whether a data set is there now; not being there is an error unless the experiment can do without.
    fn bring(&self, study: &'static Study, inputs: Inputs) -> Result<bool> {
        let folder = self.compute.data.folder();
        if data_sets::is_present(inputs, &folder) {
            self.ensure_published(inputs, &folder)?;
            return Ok(true);
        }
        let interrupted = signals::interrupted_flag()?;
        match data::fetch(inputs, &folder, &data_sets::FetchOptions::default(), &interrupted) {
            Ok(()) => Ok(true),
            Err(reason) if signals::is_interrupted() => Err(reason),
            Err(reason) if study.optional_inputs.contains(&inputs) => {
                tracing::warn!("{} goes without {}: {reason:#}", study.stem, inputs.name());
                Ok(false)
            }
            Err(reason) => {
                Err(reason.context(format!("this figure needs real images of {}", inputs.name())))
            }
        }
    }

    /// Figures and claims speak of the published images: others would be shown under their name.
    fn ensure_published(&self, inputs: Inputs, folder: &Path) -> Result<()> {
        if self.any_data {
            return Ok(());
        }
        let identity = data_sets::load(inputs, folder)?.identity()?;
        match identity.warning(inputs, folder) {
            None => Ok(()),
            Some(warning) => anyhow::bail!(
                "{warning}; `ocs data fetch {}` brings the published ones, --any-data takes these",
                inputs.name()
            ),
        }
    }
}

/// Puts an experiment's claims into `claims.json`, keeps those of the others, and writes CLAIMS.md of all.
fn write_claims(plots: &Path, stem: &str, origin: String, claims: &[Claim]) -> Result<PathBuf> {
    let path = plots.join("claims.json");
    let mut decided = Decided::read(plots)?;
    decided.experiments.retain(|experiment| experiment.stem != stem);
    decided.experiments.push(DecidedExperiment {
        stem: stem.to_owned(),
        origin,
        claims: claims.to_vec(),
    });
    let place = |stem: &str| studies::stems().position(|known| known == stem);
    decided.experiments.sort_by_key(|experiment| place(&experiment.stem));
    record::write_json(&path, &decided)?;
    let all: Vec<Claim> =
        decided.experiments.iter().flat_map(|experiment| experiment.claims.clone()).collect();
    let origins: Vec<(String, String)> = decided
        .experiments
        .iter()
        .map(|experiment| (experiment.stem.clone(), experiment.origin.clone()))
        .collect();
    let markdown = plots.join("CLAIMS.md");
    record::write_atomically(&markdown, claim::to_markdown(&all, &origins).as_bytes())?;
    Ok(markdown)
}

/// What is said of an experiment under `--full` whose config has no section `full`.
const AS_BY_DEFAULT: &str = "runs as by default: its config has no section 'full'";

/// Where an experiment's numbers come from, in a sentence; `asked` is the scale that was asked for.
fn origin(records: &[Record], asked: Scale) -> String {
    let Some(first) = records.first() else { return String::new() };
    let mut seeds: Vec<u64> = records.iter().map(|record| record.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut conditions: Vec<&str> =
        records.iter().map(|record| record.condition.as_str()).collect();
    conditions.dedup();
    let hours: f64 = records.iter().map(|record| record.wall_time).sum();
    let mut sets: Vec<String> = records
        .iter()
        .filter_map(|record| record.dataset.as_ref())
        .map(|data| {
            format!(
                ", {} with {} training and {} evaluation samples",
                data.name, data.train_samples, data.test_samples
            )
        })
        .collect();
    sets.sort();
    sets.dedup();
    let data = sets.concat();
    let distinct = match record::distinct_runs(records.to_vec()).len() {
        count if count == records.len() => String::new(),
        count => format!(", of which {count} differ by more than rounding"),
    };
    let unknown = match unpublished(records).as_slice() {
        [] => String::new(),
        names => format!("**Not the published images: {}.** ", names.join(", ")),
    };
    let mark = match (first.scale, asked) {
        (Scale::Quick, _) => {
            "**Quick run: fewer seeds and steps than the config asks for.** ".to_owned()
        }
        (Scale::Full, _) => "**Full run: as the config's section `full` says.** ".to_owned(),
        (Scale::Default, Scale::Full) => format!("It {AS_BY_DEFAULT}. "),
        (Scale::Default, Scale::Quick | Scale::Default) => String::new(),
    };
    format!(
        "{mark}{unknown}{} runs{distinct}: {} conditions, seeds {seeds:?}{data}; device {}, {} thread(s) a run, libtorch {}, revision {}; \
         {hours:.0} s of training in all.",
        records.len(),
        conditions.len(),
        first.device,
        first.threads,
        first.libtorch,
        first.revision
    )
}
