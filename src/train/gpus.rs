//! Which GPUs may this process see, what do they say of themselves, and was libtorch built for them?

use std::process::Command;

/// The variable that hides GPUs from a process, set by batch systems too.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// What `CUDA_VISIBLE_DEVICES` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible(Option<String>);

/// One GPU, as that variable names it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// Its place among all of the machine.
    Index(usize),
    /// `GPU-...`.
    Uuid(String),
    /// `MIG-...`, a part of a GPU.
    Mig(String),
    /// -1, `NoDevFiles`, or what CUDA does not know: hides itself and all that come after.
    End(String),
}

impl Name {
    fn of(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(index) if index >= 0 => Name::Index(index as usize),
            Err(_) if text.starts_with("GPU-") => Name::Uuid(text.to_owned()),
            Err(_) if text.starts_with("MIG-") => Name::Mig(text.to_owned()),
            Ok(_) | Err(_) => Name::End(text.to_owned()),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Name::Index(index) => format!("GPU {index} of this machine"),
            Name::Uuid(name) => format!("the GPU of UUID {name}"),
            Name::Mig(name) => format!("a part of a GPU, {name}"),
            Name::End(name) => format!("'{name}', which is no GPU"),
        }
    }
}

impl Visible {
    /// What the environment says.
    pub fn here() -> Self {
        Visible(std::env::var_os(VISIBLE).map(|value| value.to_string_lossy().into_owned()))
    }

    /// What a process would see that is told `value`.
    pub fn of(value: Option<&str>) -> Self {
        Visible(value.map(str::to_owned))
    }

    fn names(&self) -> Vec<Name> {
        let Some(value) = &self.0 else { return Vec::new() };
        if value.trim().is_empty() {
            return Vec::new();
        }
        let names: Vec<Name> = value.split(',').map(|name| Name::of(name.trim())).collect();
        // CUDA reads no further than to what it does not know.
        let end = names.iter().position(|name| matches!(name, Name::End(_)));
        names.into_iter().take(end.map_or(usize::MAX, |end| end + 1)).collect()
    }

    /// How nvidia-smi calls the GPU that CUDA calls by this number; `None` if none is there.
    pub fn name_of(&self, index: usize) -> Option<String> {
        if self.0.is_none() {
            return Some(index.to_string());
        }
        match self.names().into_iter().nth(index)? {
            Name::Index(index) => Some(index.to_string()),
            Name::Uuid(name) | Name::Mig(name) => Some(name),
            Name::End(_) => None,
        }
    }

    /// What the variable does to this process, in a clause.
    pub fn in_words(&self) -> String {
        let Some(value) = &self.0 else {
            return format!("{VISIBLE} is not set: no GPU is hidden");
        };
        let names = self.names();
        let (seen, end): (Vec<&Name>, Vec<&Name>) =
            names.iter().partition(|name| !matches!(name, Name::End(_)));
        let listed: Vec<String> = seen
            .iter()
            .enumerate()
            .map(|(index, name)| format!("cuda:{index} is {}", name.in_words()))
            .collect();
        match (&listed[..], end.first()) {
            ([], None) => format!(
                "{VISIBLE} is empty, which hides every GPU: unset it, or ask the batch system for a GPU (gpus: 1)"
            ),
            ([], Some(Name::End(name))) if name == "-1" || name == "NoDevFiles" => format!(
                "{VISIBLE} is {name}, which hides every GPU: unset it, or ask the batch system for a GPU (gpus: 1)"
            ),
            ([], Some(name)) => format!(
                "{VISIBLE} is {}: CUDA takes an index, a UUID (GPU-...) or a part (MIG-...), as `nvidia-smi -L` lists them",
                name.in_words()
            ),
            (listed, None) => format!("{VISIBLE} is {value}: {}", listed.join(", ")),
            (listed, Some(name)) => format!(
                "{VISIBLE} is {value}: {}; all from {} on is hidden",
                listed.join(", "),
                name.in_words()
            ),
        }
    }
}

/// What a GPU says of itself.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Gpu {
    /// As its maker calls it.
    pub name: String,
    /// `GPU-...`.
    pub uuid: String,
    /// Such as 8.0, for which code has to be compiled.
    pub compute_capability: String,
    /// In 2^20 bytes.
    pub memory_mebibytes: f64,
    /// In 2^20 bytes, not used by anybody.
    pub free_mebibytes: f64,
    /// Version of its driver.
    pub driver: String,
}

impl Gpu {
    /// What nvidia-smi tells of the GPU that CUDA calls by this number.
    ///
    /// # Errors
    ///
    /// Why it does not, in a clause.
    pub fn of(index: usize) -> Result<Self, String> {
        let visible = Visible::here();
        let name = visible.name_of(index).ok_or_else(|| visible.in_words())?;
        if name.starts_with("MIG-") {
            return Err(
                "nvidia-smi tells of whole GPUs alone, and this is a part of one".to_owned()
            );
        }
        const FIELDS: &str = "name,uuid,compute_cap,memory.total,memory.free,driver_version";
        let output = Command::new("nvidia-smi")
            .args([&format!("--query-gpu={FIELDS}"), "--format=csv,noheader,nounits", "-i", &name])
            .output()
            .map_err(|_| "there is no nvidia-smi".to_owned())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Gpu::read(&text).ok_or_else(|| {
            format!("nvidia-smi says '{}'", text.lines().next().unwrap_or_default().trim())
        })
    }

    fn read(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.lines().next()?.split(',').map(str::trim).collect();
        let [name, uuid, capability, memory, free, driver] = fields[..] else { return None };
        Some(Gpu {
            name: name.to_owned(),
            uuid: uuid.to_owned(),
            compute_capability: capability.to_owned(),
            memory_mebibytes: memory.parse().ok()?,
            free_mebibytes: free.parse().ok()?,
            driver: driver.to_owned(),
        })
    }
}

/// Whether code for a GPU of this compute capability, such as 8.6, is in a libtorch that was built so; `None` if it does not say.
pub fn is_built_for(capability: &str, build_settings: &str) -> Option<bool> {
    let (major, minor) = capability.split_once('.')?;
    let wanted = (major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?);
    let flags = build_settings.lines().find(|line| line.contains("architecture flags"))?;
    let targets: Vec<bool> = flags
        .split("code=")
        .skip(1)
        .filter_map(|target| {
            let target = target.split([';', ',', ' ', ']']).next()?;
            let (kind, number) = target.split_once('_')?;
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            // The last digit is the minor number: 86 is 8.6, 120 is 12.0.
            let (major, minor) = digits.split_at(digits.len().checked_sub(1)?);
            let target = (major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?);
            let is_exact = digits.len() < number.len();
            Some(match kind {
                // Machine code runs on its own generation, from its own minor number on; `90a` on 9.0 alone.
                "sm" if is_exact => target == wanted,
                "sm" => target.0 == wanted.0 && target.1 <= wanted.1,
                // What the driver compiles runs on all later ones.
                "compute" if !is_exact => target <= wanted,
                _ => false,
            })
        })
        .collect();
    (!targets.is_empty()).then(|| targets.contains(&true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_gpus_is_told_in_words() {
        for (value, parts) in [
            (None, &["not set"][..]),
            (Some(""), &["empty", "hides every GPU", "gpus: 1"]),
            (Some("-1"), &["is -1", "hides every GPU"]),
            (Some("NoDevFiles"), &["NoDevFiles", "ask the batch system"]),
            (Some("2"), &["cuda:0 is GPU 2 of this machine"]),
            (Some("3,1"), &["cuda:0 is GPU 3", "cuda:1 is GPU 1"]),
            (Some("GPU-8932f937"), &["cuda:0 is the GPU of UUID GPU-8932f937"]),
            (Some("MIG-GPU-89/1/0"), &["cuda:0 is a part of a GPU, MIG-GPU-89/1/0"]),
            (Some("0,-1,1"), &["cuda:0 is GPU 0", "all from '-1'", "hidden"]),
            (Some("gpu0"), &["'gpu0', which is no GPU", "nvidia-smi -L"]),
        ] {
            let words = Visible::of(value).in_words();
            assert!(parts.iter().all(|part| words.contains(part)), "{value:?}: {words}");
        }
    }

    #[test]
    fn a_device_of_cuda_has_another_name_for_nvidia_smi() {
        let name = |value, index| Visible::of(value).name_of(index);
        assert_eq!(name(None, 1).as_deref(), Some("1"));
        assert_eq!(name(Some("3, 1"), 1).as_deref(), Some("1"));
        assert_eq!(name(Some("3,GPU-ab"), 1).as_deref(), Some("GPU-ab"));
        assert_eq!(
            (name(Some("3"), 1), name(Some(""), 0), name(Some("-1,0"), 1)),
            (None, None, None)
        );
    }

    #[test]
    fn nvidia_smi_is_read() {
        let gpu =
            Gpu::read("NVIDIA A100-SXM4-80GB, GPU-12ab, 8.0, 81920, 81038, 550.54.15\n").unwrap();
        assert_eq!((gpu.compute_capability.as_str(), gpu.free_mebibytes), ("8.0", 81_038.0));
        assert_eq!(gpu.driver, "550.54.15");
        assert_eq!(Gpu::read("No devices were found\n"), None);
    }

    #[test]
    fn libtorch_is_built_for_its_own_generations_and_by_the_driver_for_later_ones() {
        let flags = |targets: &str| {
            format!("  - CUDA Runtime 12.8\n  - NVCC architecture flags: {targets}\n")
        };
        let machine = flags(
            "-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_80,code=sm_80;-gencode;arch=compute_90a,code=sm_90a",
        );
        for (capability, is_built) in [
            ("7.0", false),
            ("7.5", true),
            ("8.0", true),
            ("8.9", true),
            ("9.0", true),
            ("9.1", false),
            ("12.0", false),
        ] {
            assert_eq!(is_built_for(capability, &machine), Some(is_built), "{capability}");
        }
        let compiled = flags("-gencode;arch=compute_120,code=compute_120");
        assert_eq!(is_built_for("12.1", &compiled), Some(true));
        assert_eq!(is_built_for("10.0", &compiled), Some(false));
        assert_eq!(is_built_for("8.0", "PyTorch built with: GCC"), None);
    }
}
