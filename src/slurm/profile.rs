//! What a cluster is asked for: a small YAML file, beside configs.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use crate::config::{did_you_mean, text_of};

/// What each task of an array asks for. Every key may be left out: then the cluster's default holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// `--partition`: one, or several with commas.
    pub partition: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--qos`.
    pub qos: Option<String>,
    /// `--time` of each task in one of Slurm's forms: `90` (minutes), `1:30:00`, `2-12`, `2-12:00:00`, `UNLIMITED`. A task that
    /// is not done by then requeues itself and goes on.
    pub time: Option<String>,
    /// `--cpus-per-task`.
    pub cpus: Option<u32>,
    /// GPUs of each task: 0 or 1, or a kind of GPU as `a100`.
    pub gpus: Option<Gpus>,
    /// `--mem` of each task: `4G`, `500M`; a bare number is MB.
    pub memory: Option<String>,
    /// `--constraint`, as `a100|h100`.
    pub constraint: Option<String>,
    /// Environment modules to load, in their order.
    pub modules: Vec<String>,
    /// Lines of bash before the program starts.
    pub setup: Vec<String>,
    /// Further options of sbatch, verbatim.
    pub sbatch: Vec<String>,
    /// Most tasks that run at the same time.
    pub at_most: Option<u32>,
    /// Most runs that share a task, one after the other or, where they have one shape, in one stack. Default: 1.
    pub cells_per_task: Option<u32>,
}

/// GPUs of a task. A run uses one at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Gpus {
    /// So many, of any kind.
    Count(u32),
    /// One of a kind.
    Kind(String),
}

const KEYS: [&str; 13] = [
    "partition",
    "account",
    "qos",
    "time",
    "cpus",
    "gpus",
    "memory",
    "constraint",
    "modules",
    "setup",
    "sbatch",
    "at_most",
    "cells_per_task",
];

/// Keys as Slurm and other programs call them.
const MEANT: [(&str, &str); 16] = [
    ("mem", "memory"),
    ("mem_per_node", "memory"),
    ("ram", "memory"),
    ("cpus_per_task", "cpus"),
    ("threads", "cpus"),
    ("cores", "cpus"),
    ("ntasks", "cpus"),
    ("gres", "gpus"),
    ("gpu", "gpus"),
    ("time_limit", "time"),
    ("walltime", "time"),
    ("timelimit", "time"),
    ("queue", "partition"),
    ("array", "at_most"),
    ("options", "sbatch"),
    ("extra", "sbatch"),
];

/// Options of sbatch that the script sets itself, and why they are not the profile's.
const OWN: [(&str, &str); 21] = [
    ("array", "tasks are numbered by this program; at_most bounds how many run at once"),
    ("a", "tasks are numbered by this program; at_most bounds how many run at once"),
    ("job-name", "jobs are found again by the names that this program gives them"),
    ("J", "jobs are found again by the names that this program gives them"),
    ("output", "logs lie in the run's folder"),
    ("o", "logs lie in the run's folder"),
    ("error", "logs lie in the run's folder"),
    ("e", "logs lie in the run's folder"),
    ("open-mode", "a requeued task goes on with its log"),
    ("requeue", "tasks are requeued and go on"),
    ("no-requeue", "tasks are requeued and go on"),
    ("signal", "it is how a task hears of its time limit"),
    ("dependency", "the job that collects depends on the others"),
    ("d", "the job that collects depends on the others"),
    ("chdir", "paths in the script are absolute"),
    ("D", "paths in the script are absolute"),
    ("wrap", "the script is this program's"),
    ("wait", "submitting does not wait"),
    ("W", "submitting does not wait"),
    ("parsable", "this program reads sbatch's answer"),
    ("test-only", "--dry-run shows what would be submitted"),
];

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// Names the file, the key and what to write instead.
    pub fn load(path: &Path) -> Result<Self> {
        ensure!(
            path.exists(),
            "there is no profile {}: copy configs/slurm/cpu.yaml or gpu.yaml of the repository (docs/clusters.md), and adapt it",
            path.display()
        );
        let text = text_of(path)?;
        Profile::parse(&text).with_context(|| format!("{} is not a valid profile", path.display()))
    }

    /// Reads a profile from text.
    ///
    /// # Errors
    ///
    /// As for `load`, without the file.
    pub fn parse(text: &str) -> Result<Self> {
        let map = match serde_yaml::from_str::<Value>(text)? {
            Value::Null => Mapping::new(),
            Value::Mapping(map) => map,
            _ => bail!("a profile is a map of keys: {}", KEYS.join(", ")),
        };
        ensure_known(&map)?;
        let profile = Profile {
            partition: word(&map, "partition")?,
            account: word(&map, "account")?,
            qos: word(&map, "qos")?,
            time: checked(
                &map,
                "time",
                is_time,
                "in one of Slurm's forms: 90 (minutes), 1:30:00, 2-12:00:00 (days-hours)",
            )?,
            cpus: count(&map, "cpus")?,
            gpus: gpus(&map)?,
            memory: checked(
                &map,
                "memory",
                is_memory,
                "a number above 0 with K, M, G or T, such as 4G (a bare number is MB)",
            )?,
            constraint: word(&map, "constraint")?,
            modules: lines(&map, "modules")?,
            setup: lines(&map, "setup")?,
            sbatch: lines(&map, "sbatch")?,
            at_most: count(&map, "at_most")?,
            cells_per_task: count(&map, "cells_per_task")?,
        };
        profile.check()?;
        Ok(profile)
    }

    fn check(&self) -> Result<()> {
        for name in &self.modules {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "-_./+:@".contains(c);
            ensure!(
                !name.is_empty() && name.chars().all(is_name) && !name.starts_with('-'),
                "modules holds names of modules, such as cuda/12.4, not '{name}': lines of bash belong into setup"
            );
        }
        for option in &self.sbatch {
            ensure!(
                option.starts_with('-') && option.len() > 1,
                "sbatch holds options such as --exclusive or --mail-type=END, not '{option}'"
            );
            let name = name_of_option(option);
            if let Some((_, why)) = OWN.iter().find(|(own, _)| *own == name) {
                bail!("sbatch cannot hold '{option}': {why}");
            }
        }
        Ok(())
    }

    /// Whether a task has a GPU.
    pub fn has_gpu(&self) -> bool {
        match &self.gpus {
            None | Some(Gpus::Count(0)) => false,
            Some(Gpus::Count(_) | Gpus::Kind(_)) => true,
        }
    }

    /// How long before the time limit a task is told to write its checkpoint, in seconds. Slurm may tell it up to a minute
    /// earlier.
    pub fn seconds_of_warning(&self) -> u64 {
        /// Enough to write checkpoints to a slow disk, and for one requeue to be tried again.
        const MOST: u64 = 120;
        let limit = self.time.as_deref().and_then(minutes);
        limit.map_or(MOST, |minutes| (minutes * 60.0 / 4.0).floor().clamp(5.0, MOST as f64) as u64)
    }
}

fn name_of_option(option: &str) -> &str {
    match option.strip_prefix("--") {
        Some(long) => long.split(['=', ' ']).next().unwrap_or(long),
        None => option.get(1..2).unwrap_or_default(),
    }
}

fn ensure_known(map: &Mapping) -> Result<()> {
    for key in map.keys() {
        let Some(key) = key.as_str() else {
            bail!("keys of a profile are words: {}", KEYS.join(", "))
        };
        if KEYS.contains(&key) {
            continue;
        }
        let plain = key.trim_start_matches('-').replace('-', "_").to_lowercase();
        let meant = match MEANT.iter().find(|(other, _)| *other == plain) {
            Some((_, ours)) => format!("; write {ours}"),
            None => did_you_mean(key, KEYS),
        };
        bail!(
            "a profile has no key '{}' (its keys: {}){meant}",
            key.escape_debug(),
            KEYS.join(", ")
        );
    }
    Ok(())
}

/// Text, or a whole number that stands for itself; `None` where the key is absent or empty.
fn text(map: &Mapping, key: &str) -> Result<Option<String>> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        Some(_) => bail!("{key} must be text (in quotes if it looks like something else)"),
    }
}

/// A value of one option, which can hold nothing that ends it.
fn word(map: &Mapping, key: &str) -> Result<Option<String>> {
    let fits = |c: char| c.is_ascii_graphic() && !"\"'\\`$#;".contains(c);
    checked(
        map,
        key,
        |text| !text.is_empty() && text.chars().all(fits) && !text.starts_with('-'),
        "a name without blanks, quotes and line ends",
    )
}

fn checked(
    map: &Mapping,
    key: &str,
    is_fit: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<Option<String>> {
    let text = text(map, key)?;
    if let Some(text) = &text {
        ensure!(is_fit(text), "{key} must be {expected}, not '{}'", text.escape_debug());
    }
    Ok(text)
}

fn count(map: &Mapping, key: &str) -> Result<Option<u32>> {
    let wrong = || anyhow!("{key} must be a whole number above 0");
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().filter(|&number| number > 0).ok_or_else(wrong)?;
            Ok(Some(u32::try_from(number).map_err(|_| wrong())?))
        }
    }
}

fn gpus(map: &Mapping) -> Result<Option<Gpus>> {
    const EXPECTED: &str = "gpus must be 0 or 1, or a kind of GPU such as a100: a run uses one at most, and more tasks \
                            at once use more of them (at_most)";
    match map.get("gpus") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let count = number.as_u64().filter(|&count| count <= 1).context(EXPECTED)?;
            Ok(Some(Gpus::Count(count as u32)))
        }
        Some(Value::String(kind)) => {
            let kind = kind.trim().trim_end_matches(":1").trim_start_matches("gpu:");
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let is_kind = kind.starts_with(|c: char| c.is_ascii_alphabetic());
            ensure!(is_kind && kind.chars().all(fits), EXPECTED);
            Ok(Some(Gpus::Kind(kind.to_owned())))
        }
        Some(_) => bail!(EXPECTED),
    }
}

/// A list of single lines; one line alone is a list of one.
fn lines(map: &Mapping, key: &str) -> Result<Vec<String>> {
    let entries = match map.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Sequence(entries)) => entries.clone(),
        Some(one) => vec![one.clone()],
    };
    let line = |value: &Value| {
        let line = value.as_str().with_context(|| format!("{key} is a list of lines of text"))?;
        let line = line.trim();
        ensure!(
            !line.is_empty() && !line.chars().any(|c| c.is_control() && c != '\t'),
            "{key}: each entry is one line, not '{}': write several entries",
            line.escape_debug()
        );
        Ok(line.to_owned())
    };
    entries.iter().map(line).collect()
}

fn is_time(text: &str) -> bool {
    ["unlimited", "infinite"].contains(&text.to_lowercase().as_str())
        || minutes(text).is_some_and(|minutes| minutes > 0.0)
}

/// Minutes of a time in one of Slurm's forms: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`.
fn minutes(text: &str) -> Option<f64> {
    let number = |text: &str| -> Option<f64> {
        let is_number =
            !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts: Vec<f64> = rest.split(':').map(number).collect::<Option<_>>()?;
    match (days, parts.as_slice()) {
        (None, [minutes]) => Some(*minutes),
        (None, [minutes, seconds]) => Some(minutes + seconds / 60.0),
        (None, [hours, minutes, seconds]) => Some(hours * 60.0 + minutes + seconds / 60.0),
        (Some(days), [hours]) => Some((days * 24.0 + hours) * 60.0),
        (Some(days), [hours, minutes]) => Some((days * 24.0 + hours) * 60.0 + minutes),
        (Some(days), [hours, minutes, seconds]) => {
            Some((days * 24.0 + hours) * 60.0 + minutes + seconds / 60.0)
        }
        _ => None,
    }
}

fn is_memory(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| "KMGTkmgt".contains(c));
    let unit = text.len() - digits.len();
    unit <= 1
        && digits.len() <= 12
        && digits.parse::<u64>().is_ok_and(|number| number > 0)
        && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", Profile::parse(text).expect_err(text))
    }

    #[test]
    fn every_key_may_be_left_out() {
        assert_eq!(Profile::parse("").unwrap(), Profile::default());
        assert_eq!(Profile::parse("# nothing\npartition:\n").unwrap(), Profile::default());
    }

    #[test]
    fn a_whole_profile_is_read() {
        let profile = Profile::parse(
            "partition: gpu,long\ntime: 1-12:00:00\ncpus: 4\ngpus: a100:1\nmemory: 16G\nmodules: [gcc/13, cuda/12.4]\n\
             setup: export A=1\nsbatch: [--exclusive, '--mail-type=END']\nat_most: 10\ncells_per_task: 8\n",
        )
        .unwrap();
        assert_eq!(profile.gpus, Some(Gpus::Kind("a100".to_owned())));
        assert_eq!(profile.setup, ["export A=1"]);
        assert_eq!(profile.time.as_deref(), Some("1-12:00:00"));
        assert_eq!(profile.seconds_of_warning(), 120);
        assert_eq!(Profile::parse("time: 1").unwrap().seconds_of_warning(), 15);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_what_was_meant() {
        assert!(refusal("partion: x").contains("did you mean 'partition'?"));
        assert!(refusal("--mem: 4G").contains("write memory"));
        assert!(refusal("cpus-per-task: 4").contains("write cpus"));
        assert!(refusal("[a]").contains("a map of keys"));
    }

    #[test]
    fn no_value_carries_a_line_into_the_script() {
        for text in [
            "partition: \"a\\n#SBATCH --x\"",
            "account: a b",
            "qos: $(id)",
            "constraint: 'a\"b'",
            "setup: [\"a\\nb\"]",
            "sbatch: [\"--x\\n--y\"]",
            "modules: ['cuda; rm -r x']",
            "partition: --wrap=x",
        ] {
            refusal(text);
        }
        // What constraints are made of.
        let constraint = "[rack1*2&rack2*4]|(a&b)";
        let profile = Profile::parse(&format!("constraint: '{constraint}'")).unwrap();
        assert_eq!(profile.constraint.as_deref(), Some(constraint));
    }

    #[test]
    fn times_and_memory_are_those_that_slurm_reads() {
        for time in ["1", "90", "90:30", "1:30:00", "2-12", "2-12:30", "2-12:30:15", "UNLIMITED"] {
            Profile::parse(&format!("time: {time}")).unwrap();
        }
        for time in ["0", "1h", "-5", "1:2:3:4", "1-", "''", "1.5", "0:00", "12-1:2:3:4"] {
            assert!(refusal(&format!("time: {time}")).contains("time must be"), "{time}");
        }
        for memory in ["4G", "500", "200M", "1T", "64k"] {
            Profile::parse(&format!("memory: {memory}")).unwrap();
        }
        for memory in ["0", "4GB", "4 G", "-1", "lots", "G"] {
            assert!(refusal(&format!("memory: {memory}")).contains("memory must be"), "{memory}");
        }
    }

    #[test]
    fn counts_are_above_zero_and_a_task_has_one_gpu() {
        for text in ["cpus: 0", "at_most: -1", "cells_per_task: 1.5", "cpus: many"] {
            assert!(refusal(text).contains("must be a whole number above 0"), "{text}");
        }
        assert!(!Profile::parse("gpus: 0").unwrap().has_gpu());
        assert!(Profile::parse("gpus: 1").unwrap().has_gpu());
        assert!(refusal("gpus: 2").contains("a run uses one at most"));
        assert!(refusal("gpus: a100:4").contains("a run uses one at most"));
    }

    #[test]
    fn options_that_the_script_sets_itself_are_refused_with_the_reason() {
        for option in ["--array=0-3", "-a", "--output=x", "-o x", "--signal=USR1@3", "--no-requeue"]
        {
            assert!(refusal(&format!("sbatch: ['{option}']")).contains("cannot hold"), "{option}");
        }
        assert!(refusal("sbatch: [exclusive]").contains("holds options"));
        Profile::parse("sbatch: ['--exclude=n[1-3]', '-x n4']").unwrap();
    }
}
