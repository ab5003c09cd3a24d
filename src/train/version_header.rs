//! Which version are these headers of libtorch? build.rs asks it of what is linked, `libtorch` of what is loaded.

use std::path::Path;

/// Where `version.h` lies below `include`, in newer and in older releases.
pub const VERSION_HEADERS: [&str; 2] =
    ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"];

/// The version that the headers in the folder `include` are of, such as `2.13.0`.
pub fn version_of(include: &Path) -> Option<String> {
    let read = |header: &&str| std::fs::read_to_string(include.join(header)).ok();
    let text = VERSION_HEADERS.iter().find_map(read)?;
    let part = |name: &str| {
        let start = format!("#define TORCH_VERSION_{name} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&start))
            .map(|number| number.trim().to_owned())
    };
    Some(format!("{}.{}.{}", part("MAJOR")?, part("MINOR")?, part("PATCH")?))
}
