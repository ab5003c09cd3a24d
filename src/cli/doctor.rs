//! `ocs doctor`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{DataFolder, Success, output};
use crate::config::Inputs;
use crate::data;
use crate::train::device::why_no_cuda;

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
    libtorch: &'static str,
    libtorch_file: Option<PathBuf>,
    cuda_available: bool,
    cuda_devices: i64,
    cuda_reason: Option<&'static str>,
    cores: usize,
    libtorch_threads: i32,
    data_folder: PathBuf,
    data_sets: Vec<DataSet>,
    sbatch: Option<PathBuf>,
}

#[derive(Serialize)]
struct DataSet {
    name: &'static str,
    present: bool,
}

/// The libtorch that this process has loaded; known on Linux.
fn loaded_libtorch() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("libtorch_cpu.so"))?;
    line.find('/').map(|start| PathBuf::from(&line[start..]))
}

/// A program on PATH.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

impl Doctor {
    pub fn run(self) -> Result<Success> {
        let folder = self.folder.folder();
        let cuda_available = tch::Cuda::is_available();
        let names = [Inputs::Mnist, Inputs::FashionMnist, Inputs::Cifar10, Inputs::Glyphs];
        let diagnosis = Diagnosis {
            version: env!("CARGO_PKG_VERSION"),
            revision: env!("OCS_REVISION"),
            libtorch: env!("OCS_LIBTORCH"),
            libtorch_file: loaded_libtorch(),
            cuda_available,
            cuda_devices: tch::Cuda::device_count(),
            cuda_reason: (!cuda_available).then(why_no_cuda),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            libtorch_threads: tch::get_num_threads(),
            data_sets: names
                .map(|inputs| DataSet {
                    name: inputs.name(),
                    present: data::is_present(inputs, &folder),
                })
                .into(),
            data_folder: folder,
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
    fn table(&self) -> String {
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map_or("not found".to_owned(), |path| path.display().to_string())
        };
        let cuda = match self.cuda_reason {
            None => format!("{} device(s)", self.cuda_devices),
            Some(reason) => format!("no: {reason}"),
        };
        let mut rows = vec![
            vec!["ocs".to_owned(), format!("{} ({})", self.version, self.revision)],
            vec![
                "libtorch".to_owned(),
                format!("{} in {}", self.libtorch, path(&self.libtorch_file)),
            ],
            vec!["CUDA".to_owned(), cuda],
            vec!["cores".to_owned(), self.cores.to_string()],
            vec!["data folder".to_owned(), self.data_folder.display().to_string()],
        ];
        for set in &self.data_sets {
            let state = match (set.present, set.name) {
                (true, "glyphs") => "drawn by the program".to_owned(),
                (true, _) => "present".to_owned(),
                (false, name) => format!("missing: `ocs data fetch {name}`"),
            };
            rows.push(vec![format!("  {}", set.name), state]);
        }
        rows.push(vec!["Slurm (sbatch)".to_owned(), path(&self.sbatch)]);
        output::table(&rows)
    }
}
