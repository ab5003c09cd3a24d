//! Batch scripts: text that a person can read, edit and submit.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::plan::Chunk;
use super::profile::{Gpus, Profile};
use super::quote::{quoted, sbatch_path, shell_word};

/// How the program computes in each task; written out, so that a requeued task does not choose otherwise on another node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compute {
    /// `--device`.
    pub device: String,
    /// `--threads`.
    pub threads: usize,
    /// `--jobs`; `None` where the program shall choose.
    pub jobs: Option<usize>,
    /// `--stack`.
    pub stack: Option<usize>,
    /// `--fast`.
    #[serde(default)]
    pub fast: bool,
    /// `--resume=any`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_program: bool,
    /// `--checkpoint-every`, in seconds.
    pub checkpoint_every: f64,
    /// `--data-dir`, absolute.
    pub data: String,
}

/// Where things lie, absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// This program.
    pub program: String,
    /// The submission's folder.
    pub submission: String,
    /// The run's folder.
    pub run: String,
}

/// What a script is about.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// What the cluster is asked for.
    pub profile: &'a Profile,
    /// Where things lie.
    pub place: &'a Place,
    /// Name of its job.
    pub job_name: &'a str,
}

/// The script of an array; `first` is its first chunk, which the script submits where no other is asked for.
///
/// # Errors
///
/// If a path cannot stand in a script.
pub fn array_script(
    script: &Script,
    first: Chunk,
    n_tasks: usize,
    n_runs: usize,
    compute: &Compute,
    is_retry: bool,
) -> Result<String> {
    let Script { profile, place, job_name } = *script;
    let mut lines = vec![
        shebang(profile),
        format!(
            "# {n_runs} runs in {n_tasks} tasks; tasks.json beside this file says which run is in which."
        ),
        "# Written by `ocs sweep --slurm`. Edit it if need be, then: sbatch array.sh".to_owned(),
        format!("#SBATCH --job-name={job_name}"),
        format!("#SBATCH --array={}", first.array(profile.at_most)),
    ];
    lines.extend(common(script, "/logs/task-%A_%a.log")?);
    lines.extend(resources(profile, true));
    lines.push("# So long before the time limit (Slurm may be a minute early) a task writes its checkpoint and requeues itself.".to_owned());
    lines.push(format!("#SBATCH --signal=B:USR1@{}", profile.seconds_of_warning()));
    lines.extend(verbatim(profile));
    lines.extend(preparation(profile));
    lines.push(String::new());
    lines.push("# Threads of each run, whatever the node has.".to_owned());
    lines.push(format!("export OMP_NUM_THREADS={}", compute.threads));
    lines.push(String::new());
    lines.push("# Arrays beyond the cluster's MaxArraySize go on counting from $1.".to_owned());
    lines.push("task=$(( ${1:-0} + SLURM_ARRAY_TASK_ID ))".to_owned());
    lines.push(String::new());
    lines
        .push("# The last command, and by exec: signals then reach the program itself.".to_owned());
    lines.push(format!("exec {} slurm work \\", shell_word(&place.program)));
    lines.push(format!(
        "  {} --task \"$task\"{} \\",
        shell_word(&place.submission),
        if is_retry { " --retry" } else { "" }
    ));
    lines.push(format!("  {}", arguments(compute)));
    Ok(lines.join("\n") + "\n")
}

/// The script of the job that collects, after all others; `data` and `plots` are absolute folders.
///
/// # Errors
///
/// If a path cannot stand in a script.
pub fn collect_script(script: &Script, data: &str, plots: &str) -> Result<String> {
    let Script { profile, place, .. } = *script;
    let mut lines = vec![
        shebang(profile),
        "# Looks what is missing; if nothing is, draws and decides claims. Submitted with"
            .to_owned(),
        "# --dependency=afterany:IDS of the arrays.".to_owned(),
        format!("#SBATCH --job-name={}", script.job_name),
    ];
    lines.extend(common(script, "/logs/collect-%j.log")?);
    lines.extend(resources(profile, false));
    lines.extend(verbatim(profile));
    lines.extend(preparation(profile));
    lines.push(String::new());
    lines.push(format!("exec {} slurm collect \\", shell_word(&place.program)));
    lines.push(format!(
        "  {} --plots {} --data-dir {}",
        shell_word(&place.run),
        shell_word(plots),
        shell_word(data)
    ));
    Ok(lines.join("\n") + "\n")
}

/// Modules are a function of login shells on most clusters.
fn shebang(profile: &Profile) -> String {
    if profile.modules.is_empty() { "#!/bin/bash" } else { "#!/bin/bash -l" }.to_owned()
}

/// `log` is a pattern below the submission's folder.
fn common(script: &Script, log: &str) -> Result<Vec<String>> {
    Ok(vec![
        format!("#SBATCH --output={}", sbatch_path(&script.place.submission, log)?),
        "#SBATCH --open-mode=append".to_owned(),
        "#SBATCH --requeue".to_owned(),
    ])
}

fn resources(profile: &Profile, is_array: bool) -> Vec<String> {
    let mut options: Vec<(&str, Option<String>)> = vec![
        ("partition", profile.partition.clone()),
        ("account", profile.account.clone()),
        ("qos", profile.qos.clone()),
        ("constraint", profile.constraint.clone()),
        ("time", profile.time.clone()),
        ("mem", profile.memory.clone()),
    ];
    if is_array {
        options.push(("cpus-per-task", profile.cpus.map(|cpus| cpus.to_string())));
        let gpus = profile.gpus.as_ref().and_then(|gpus| match gpus {
            Gpus::Count(0) => None,
            Gpus::Count(count) => Some(format!("gpu:{count}")),
            Gpus::Kind(kind) => Some(format!("gpu:{kind}:1")),
        });
        options.push(("gres", gpus));
    }
    let line = |(name, value): (&str, Option<String>)| {
        value.map(|value| format!("#SBATCH --{name}={}", quoted(&value)))
    };
    options.into_iter().filter_map(line).collect()
}

fn verbatim(profile: &Profile) -> Vec<String> {
    profile.sbatch.iter().map(|option| format!("#SBATCH {option}")).collect()
}

fn preparation(profile: &Profile) -> Vec<String> {
    let mut lines = vec![String::new(), "set -e".to_owned()];
    lines.extend(profile.modules.iter().map(|name| format!("module load {}", shell_word(name))));
    lines.extend(profile.setup.iter().cloned());
    lines
}

fn arguments(compute: &Compute) -> String {
    let Compute { device, threads, jobs, stack, fast, any_program, checkpoint_every, data } =
        compute;
    let number = |name: &str, value: &Option<usize>| {
        value.map_or(String::new(), |value| format!(" --{name} {value}"))
    };
    format!(
        "--device {} --threads {threads}{}{}{}{} --checkpoint-every {checkpoint_every} --data-dir {}",
        shell_word(device),
        number("jobs", jobs),
        number("stack", stack),
        if *fast { " --fast" } else { "" },
        if *any_program { " --resume=any" } else { "" },
        shell_word(data)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &str) -> Place {
        Place {
            program: format!("{folder}/bin/ocs"),
            submission: format!("{folder}/runs/x/slurm/1"),
            run: format!("{folder}/runs/x"),
        }
    }

    fn compute() -> Compute {
        Compute {
            device: "cpu".to_owned(),
            threads: 2,
            jobs: Some(1),
            stack: None,
            fast: false,
            any_program: false,
            checkpoint_every: 30.0,
            data: "/data/it's here".to_owned(),
        }
    }

    #[test]
    fn tasks_are_as_fast_as_the_command_line_asks() {
        assert!(!arguments(&compute()).contains("--fast"));
        let fast = Compute { fast: true, ..compute() };
        assert!(arguments(&fast).contains(" --fast "), "{}", arguments(&fast));
    }

    fn array(profile: &Profile, folder: &str) -> Result<String> {
        let place = place(folder);
        let script = Script { profile, place: &place, job_name: "x-1a2b" };
        array_script(&script, Chunk { offset: 0, length: 7 }, 7, 20, &compute(), false)
    }

    fn passes_bash(script: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), script).unwrap();
        let output =
            std::process::Command::new("bash").arg("-n").arg(file.path()).output().unwrap();
        assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn a_script_holds_what_the_profile_says_and_ends_with_the_program() {
        let profile = Profile::parse(
            "{partition: gpu, time: 60, cpus: 2, gpus: 1, memory: 4G, modules: [cuda/12], setup: ['export A=1'], \
             sbatch: [--exclusive], at_most: 3}",
        )
        .unwrap();
        let script = array(&profile, "/scratch/ada").unwrap();
        for line in [
            "#!/bin/bash -l",
            "#SBATCH --job-name=x-1a2b",
            "#SBATCH --array=0-6%3",
            "#SBATCH --output=/scratch/ada/runs/x/slurm/1/logs/task-%A_%a.log",
            "#SBATCH --open-mode=append",
            "#SBATCH --requeue",
            "#SBATCH --signal=B:USR1@120",
            "#SBATCH --partition=gpu",
            "#SBATCH --time=60",
            "#SBATCH --mem=4G",
            "#SBATCH --cpus-per-task=2",
            "#SBATCH --gres=gpu:1",
            "#SBATCH --exclusive",
            "module load cuda/12",
            "export A=1",
            "export OMP_NUM_THREADS=2",
        ] {
            assert!(script.lines().any(|other| other == line), "{line}\n{script}");
        }
        let last_command = script.split("\nexec ").nth(1).unwrap();
        assert!(last_command.starts_with("/scratch/ada/bin/ocs slurm work"));
        assert!(last_command.lines().rev().skip(1).all(|line| line.ends_with('\\')));
        passes_bash(&script);
    }

    #[test]
    fn options_stand_before_the_first_command() {
        let profile = Profile::parse("{modules: [a], setup: [b], sbatch: [--exclusive]}").unwrap();
        let script = array(&profile, "/x").unwrap();
        let first = script.lines().position(|line| !line.starts_with('#')).unwrap();
        let lines: Vec<&str> = script.lines().collect();
        let last_option = lines.iter().rposition(|line| line.starts_with("#SBATCH")).unwrap();
        assert!(last_option < first, "{script}");
    }

    #[test]
    fn paths_with_blanks_and_percent_signs_are_quoted_and_others_refused() {
        let script = array(&Profile::default(), "/scratch/my runs/100%").unwrap();
        assert!(
            script.contains(
                "#SBATCH --output=\"/scratch/my runs/100%%/runs/x/slurm/1/logs/task-%A_%a.log\"\n"
            ),
            "{script}"
        );
        assert!(script.contains("exec '/scratch/my runs/100%/bin/ocs' slurm work"), "{script}");
        assert!(script.contains(r"--data-dir '/data/it'\''s here'"), "{script}");
        passes_bash(&script);
        for folder in ["/a\"b", "/a\nb", "/a$b", "/a`b"] {
            assert!(array(&Profile::default(), folder).is_err(), "{folder}");
        }
    }

    #[test]
    fn the_job_that_collects_asks_for_no_gpu() {
        let profile = Profile::parse("{gpus: 1, partition: gpu, account: a}").unwrap();
        let place = place("/x");
        let script = Script { profile: &profile, place: &place, job_name: "x-1a2b-collect" };
        let script = collect_script(&script, "/data", "/plots").unwrap();
        assert!(!script.contains("gres") && !script.contains("--array"), "{script}");
        assert!(script.contains("#SBATCH --partition=gpu\n#SBATCH --account=a\n"));
        assert!(script.contains("exec /x/bin/ocs slurm collect"));
        passes_bash(&script);
    }
}
