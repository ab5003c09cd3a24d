//! A trained network as a folder for PyTorch: its weights, a module that loads them, the samples it was trained and judged on,
//! and a script that holds it to what was recorded.

mod about;
mod arrays;
mod module;
mod network;
mod samples;
mod scripts;

use std::path::Path;

use anyhow::{Context, Result};

pub use network::TorchExport;

/// What a network's folder holds, and what Python leaves there when it is checked.
pub const FILES: [&str; 7] = [
    "weights.safetensors",
    "data.safetensors",
    "about.json",
    "model.py",
    "check.py",
    "README.md",
    "__pycache__",
];

/// Writes a network's files to a folder.
///
/// # Errors
///
/// Names the file.
pub fn write_network(export: &TorchExport, folder: &Path) -> Result<()> {
    for (name, bytes) in [
        ("weights.safetensors", export.weights.to_vec()),
        ("data.safetensors", samples::bytes_of(export)?),
        ("about.json", about::text_of(export)?.into_bytes()),
        ("model.py", module::text_of(export).into_bytes()),
        ("check.py", scripts::check(export).into_bytes()),
        ("README.md", scripts::readme(export).into_bytes()),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
