//! Tells the linker where libtorch lies, and the binary which revision it is.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    link_libtorch();
    println!("cargo:rustc-env=OCS_REVISION={}", revision());
    println!("cargo:rustc-env=OCS_LIBTORCH={}", libtorch_version());
}

/// Version of libtorch as its headers tell; the library itself does not say.
fn libtorch_version() -> String {
    let read = || {
        let library = std::env::var("DEP_TCH_LIBTORCH_LIB").ok()?;
        let include = Path::new(&library).parent()?.join("include");
        let headers = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"];
        let text =
            headers.iter().find_map(|header| std::fs::read_to_string(include.join(header)).ok())?;
        let part = |name: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("#define TORCH_VERSION_{name} ")))?;
            line.split_whitespace().nth(2).map(str::to_owned)
        };
        Some(format!("{}.{}.{}", part("MAJOR")?, part("MINOR")?, part("PATCH")?))
    };
    read().unwrap_or_else(|| "unknown".to_owned())
}

/// Writes the library folder into the binary, so that no `LD_LIBRARY_PATH` is needed.
fn link_libtorch() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    // An installed tree: bin/ocs, lib/torch/lib, lib/nvidia.
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/torch/lib");
    let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    // The link in the checkout may later point elsewhere; the binary keeps what it was built with.
    let folder = Path::new(&folder).canonicalize().unwrap_or_else(|_| folder.clone().into());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    if folder.join("libtorch_cuda.so").exists() {
        // Nothing refers to a symbol of it, so the linker would drop it and CUDA would seem absent.
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
        println!("cargo:rustc-link-arg=-Wl,--allow-shlib-undefined");
    }
}

/// The git revision, `-dirty` if tracked files differ from it, or `unknown` outside a checkout.
fn revision() -> String {
    for path in [".git/HEAD", ".git/index", ".git/logs/HEAD"] {
        if Path::new(path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    // Without the lock git leaves its index alone, a change of which would build everything anew each time.
    match git(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit}-dirty"),
    }
}
