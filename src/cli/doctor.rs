//! `ocs doctor`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::arguments::DataFolder;
use super::devices::{DeviceDiagnosis, diagnose};
use super::outcome::Success;
use super::output;
use crate::data;
use crate::derived;
use crate::sweep::{Cores, Origin};
use crate::train::device::{has_bfloat16, why_no_cuda};
use crate::train::gpus::Visible;
use crate::train::{determinism, libtorch};

/// Tells what this installation has, and why it has no more.
#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    folder: DataFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Diagnosis {
    version: &'static str,
    revision: &'static str,
    /// Of the library that is loaded, whatever this program was built for.
    libtorch: Option<String>,
    libtorch_file: Option<PathBuf>,
    built_for_libtorch: &'static str,
    built_with: &'static str,
    libtorch_problem: Option<String>,
    cuda_available: bool,
    cuda_devices: i64,
    cuda_reason: Option<String>,
    /// What `CUDA_VISIBLE_DEVICES` does.
    cuda_visible: String,
    /// What cuBLAS is asked for; the program asks for one that is deterministic.
    cublas_workspace: Option<String>,
    /// Each with a small product to do; none where another libtorch is loaded.
    devices: Vec<DeviceDiagnosis>,
    /// Whether the processor has instructions for bfloat16; without, it is emulated.
    bfloat16: Option<bool>,
    cores: usize,
    /// Who allows no more.
    cores_origin: Origin,
    libtorch_threads: Option<i32>,
    data_folder: PathBuf,
    data_sets: Vec<DataSet>,
    /// Where decompositions of data are kept, with their number and bytes; it may be deleted at any time.
    derived_folder: Option<PathBuf>,
    derived_entries: usize,
    derived_bytes: u64,
    sbatch: Option<PathBuf>,
}

#[derive(Serialize)]
struct DataSet {
    name: &'static str,
    present: bool,
}

/// A program on PATH.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

impl Doctor {
    pub fn run(self) -> Result<Success> {
        let folder = self.folder.folder();
        let libtorch_problem = libtorch::ensure_built_for().err().map(|error| error.to_string());
        // Not a function of another version is called.
        let usable = libtorch_problem.is_none();
        let loaded = libtorch::other_or_first();
        let cores = Cores::of_this_process();
        let cuda_available = usable && tch::Cuda::is_available();
        let gpus = if usable { tch::Cuda::device_count() } else { 0 };
        let derived_folder = derived::default_folder();
        let (derived_entries, derived_bytes) =
            derived_folder.as_deref().map_or((0, 0), derived::kept_in);
        let diagnosis = Diagnosis {
            version: env!("CARGO_PKG_VERSION"),
            revision: env!("OCS_REVISION"),
            libtorch: loaded.as_ref().and_then(|library| library.version.clone()),
            libtorch_file: loaded.map(|library| library.file),
            built_for_libtorch: libtorch::BUILT_FOR,
            built_with: libtorch::BUILT_WITH,
            libtorch_problem,
            cuda_available,
            cuda_devices: gpus,
            cuda_visible: Visible::here().in_words(),
            cublas_workspace: std::env::var(determinism::WORKSPACE).ok(),
            devices: if usable { diagnose(usize::try_from(gpus)?) } else { Vec::new() },
            cuda_reason: match (usable, cuda_available) {
                (false, _) => Some(
                    "another libtorch than this program was built for was not asked".to_owned(),
                ),
                (true, false) => Some(why_no_cuda()),
                (true, true) => None,
            },
            bfloat16: has_bfloat16(),
            cores: cores.count,
            cores_origin: cores.origin,
            libtorch_threads: usable.then(tch::get_num_threads),
            data_sets: data::all()
                .map(|inputs| DataSet {
                    name: inputs.name(),
                    present: data::is_present(inputs, &folder),
                })
                .collect(),
            data_folder: folder,
            derived_entries,
            derived_bytes,
            derived_folder,
            sbatch: on_path("sbatch"),
        };
        if self.json {
            output::json(&diagnosis)?;
        } else {
            output::line(&diagnosis.table())?;
        }
        Ok(Success::Full)
    }
}

impl Diagnosis {
    fn determinism(&self) -> String {
        let workspace = self.cublas_workspace.as_deref().unwrap_or("not set");
        match determinism::ensure_workspace() {
            Ok(()) => {
                format!("yes, unless --fast is given ({}={workspace})", determinism::WORKSPACE)
            }
            Err(reason) => format!("no: {reason}"),
        }
    }

    fn table(&self) -> String {
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map_or("not found".to_owned(), |path| path.display().to_string())
        };
        let cuda = match &self.cuda_reason {
            None => format!("{} device(s)", self.cuda_devices),
            Some(reason) => format!("no: {reason}"),
        };
        let bfloat16 = match self.bfloat16 {
            Some(true) => "this processor has instructions for it",
            Some(false) => {
                "emulated by this processor, some fifteen times slower than float32: take float32"
            }
            None => "unknown",
        };
        let mut rows = vec![
            vec!["ocs".to_owned(), format!("{} ({})", self.version, self.revision)],
            vec![
                "libtorch".to_owned(),
                format!(
                    "{} in {}",
                    self.libtorch.as_deref().unwrap_or("an unknown version"),
                    path(&self.libtorch_file)
                ),
            ],
            vec!["CUDA".to_owned(), cuda],
            vec!["  seen".to_owned(), self.cuda_visible.clone()],
            vec!["  deterministic".to_owned(), self.determinism()],
            vec!["bfloat16".to_owned(), bfloat16.to_owned()],
            vec!["cores".to_owned(), format!("{} ({})", self.cores, self.cores_origin)],
        ];
        rows.extend(
            self.devices.iter().map(|device| vec![device.device.clone(), device.in_words()]),
        );
        rows.push(vec!["data folder".to_owned(), self.data_folder.display().to_string()]);
        if let Some(problem) = &self.libtorch_problem {
            rows.insert(2, vec!["  PROBLEM".to_owned(), problem.clone()]);
            rows.insert(3, vec!["  built with".to_owned(), self.built_with.to_owned()]);
        }
        for set in &self.data_sets {
            let state = match (set.present, set.name) {
                (true, "glyphs") => "drawn by the program".to_owned(),
                (true, _) => "present".to_owned(),
                (false, name) => format!("missing: `ocs data fetch {name}`"),
            };
            rows.push(vec![format!("  {}", set.name), state]);
        }
        let kept = format!(
            "{} decompositions, {:.0} MB, in {} (delete it at will)",
            self.derived_entries,
            self.derived_bytes as f64 / 1e6,
            path(&self.derived_folder)
        );
        rows.push(vec!["kept".to_owned(), kept]);
        rows.push(vec!["Slurm (sbatch)".to_owned(), path(&self.sbatch)]);
        output::table(&rows)
    }
}
