//! Tells the linker where libtorch lies, and the binary which revision it is.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "src/train/version_header.rs"]
mod version_header;

/// The version that tch 0.26 is for; set_up/wheels.py brings it.
const TORCH: &str = "2.13.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/train/version_header.rs");
    link_libtorch();
    println!("cargo:rustc-env=OCS_REVISION={}", revision());
    know_libtorch();
    bind_libtorch();
}

/// The headers of the libtorch that torch-sys found.
fn include_folder(libraries: &Path) -> PathBuf {
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    std::env::var("LIBTORCH_INCLUDE")
        .map_or_else(|_| libraries.join(".."), PathBuf::from)
        .join("include")
}

/// Compiles what tch does not bind, as torch-sys compiles what it does.
fn bind_libtorch() {
    const SOURCE: &str = "src/train/determinism.cpp";
    println!("cargo:rerun-if-changed={SOURCE}");
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let Some(folder) = libtorch_folder() else { return };
    let include = include_folder(&folder);
    // Of a Python's torch torch-sys asks that torch, and all that fit here have the new one.
    let new_abi = std::env::var_os("LIBTORCH_USE_PYTORCH").is_some();
    let abi = std::env::var("LIBTORCH_CXX11_ABI").ok().filter(|_| !new_abi);
    // Its symbols of libtorch are found in the libraries that torch-sys names, which come later on the linker's line.
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .flag("-std=c++17")
        .flag(format!("-D_GLIBCXX_USE_CXX11_ABI={}", abi.as_deref().unwrap_or("1")))
        .flag("-DGLOG_USE_GLOG_EXPORT")
        .file(SOURCE)
        .compile("ocs_determinism");
}

/// Tells the program which libtorch it is built for, and refuses one that torch-sys cannot be for. (torch-sys compiles
/// before this runs; `./set-up` looks earlier.)
fn know_libtorch() {
    let Some(folder) = libtorch_folder() else {
        panic!("no libtorch for {}: build on Linux", std::env::consts::OS);
    };
    let include = include_folder(&folder);
    for header in version_header::VERSION_HEADERS {
        println!("cargo:rerun-if-changed={}", include.join(header).display());
    }
    println!("cargo:rerun-if-env-changed=LIBTORCH_BYPASS_VERSION_CHECK");
    let version = version_header::version_of(&include);
    let bypassed = std::env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some();
    if version.as_deref() != Some(TORCH) && !bypassed {
        eprintln!(
            "{} holds libtorch {}, but {TORCH} is needed: unset LIBTORCH and LIBTORCH_USE_PYTORCH and run `make build`, \
             which brings it, or point LIBTORCH at it",
            folder.display(),
            version.as_deref().unwrap_or("of an unknown version"),
        );
        std::process::exit(1);
    }
    println!("cargo:rustc-env=OCS_LIBTORCH={}", version.as_deref().unwrap_or("unknown"));
    println!("cargo:rustc-env=OCS_LIBTORCH_FOLDER={}", folder.display());
    for (name, library) in [("CPU", "libtorch_cpu.so"), ("C10", "libc10.so")] {
        let file = folder.join(library);
        println!("cargo:rerun-if-changed={}", file.display());
        let size = std::fs::metadata(&file).map_or(0, |found| found.len());
        println!("cargo:rustc-env=OCS_LIBTORCH_{name}_SIZE={size}");
    }
}

/// Where torch-sys found the libraries. The link in the checkout may later point elsewhere; the binary keeps what it was
/// built with.
fn libtorch_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("DEP_TCH_LIBTORCH_LIB")?);
    Some(folder.canonicalize().unwrap_or(folder))
}

/// Writes the library folder into the binary, so that no `LD_LIBRARY_PATH` is needed.
fn link_libtorch() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    // RPATH, not RUNPATH: a torch of another version on LD_LIBRARY_PATH must not come before ours.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
    // An installed tree: bin/ocs, lib/torch/lib, lib/nvidia.
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/torch/lib");
    let Some(folder) = libtorch_folder() else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    if folder.join("libtorch_cuda.so").exists() {
        // Nothing refers to a symbol of it, so the linker would drop it and CUDA would seem absent.
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
        println!("cargo:rustc-link-arg=-Wl,--allow-shlib-undefined");
    }
}

/// What the program is made of: a change of it is another program.
const SOURCES: [&str; 5] = ["src", "configs", "build.rs", "Cargo.toml", "Cargo.lock"];

/// The git revision, with `-dirty-` and a digest of the difference if tracked files of the program differ from it, or
/// `unknown` outside a checkout.
fn revision() -> String {
    for path in [".git/HEAD", ".git/index", ".git/logs/HEAD"].iter().chain(&SOURCES) {
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
    let difference = ["--no-optional-locks", "diff", "--no-ext-diff", "--binary", "HEAD", "--"];
    match git(&[&difference[..], &SOURCES].concat()) {
        Some(changes) if changes.is_empty() => commit,
        Some(changes) => format!("{commit}-dirty-{:08x}", digest(&changes)),
        None => format!("{commit}-dirty"),
    }
}

/// Tells apart the trees that one person builds: FNV-1a, 32 bits.
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
