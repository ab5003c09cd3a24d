//! Without a Slurm: programs of its names answer as a test tells them, or hang. `make test-slurm` asks a real one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use ocs::record::FailureRecord;
use ocs::sweep::{Lock, State, states, states_for};
use serde_json::Value;

use crate::command_line::stop;

/// A folder with a config, a profile, and stand-ins for Slurm's programs in `bin`, which note how they were called.
struct Cluster {
    folder: tempfile::TempDir,
}

const CONFIG: &str = "
training: {steps: 50, learning_rate: 0.02, observations: 10}
conditions: {none: {network.bias: none}, all: {network.bias: all}}
seeds: [0, 1]
";

impl Cluster {
    fn new() -> Self {
        let cluster = Cluster { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(cluster.path("bin")).unwrap();
        cluster.write("mine.yaml", CONFIG);
        cluster.write("profile.yaml", "{time: 30, memory: 1G}");
        cluster.says("scontrol", "echo 'MaxArraySize            = 1001'");
        cluster.says("squeue", "true");
        cluster.says("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1");
        cluster.says("scancel", "true");
        // A number for each call.
        cluster.says(
            "sbatch",
            "n=0; read -r n < count; n=$((n + 1)); echo $n > count; echo $((n + 10))",
        );
        cluster.write("count", "0\n");
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What a program of Slurm's does from now on.
    fn says(&self, program: &str, script: &str) {
        let path = self.path("bin").join(program);
        let text = format!("#!/bin/bash\necho \"{program} $*\" >> called\n{script}\n");
        // A new file: the old one may still be run.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn ocs(&self, words: &[&str]) -> Command {
        let mut command = Command::cargo_bin("ocs").unwrap();
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SLURM_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.folder.path())
            .env("PATH", self.path("bin"))
            .env("OCS_DATA", self.path("data"))
            .env("OCS_SLURM_TIMEOUT", "1")
            .args(words);
        command
    }

    /// Exit status, stdout and stderr.
    fn tells(&self, words: &[&str]) -> (i32, String) {
        let output = self.ocs(words).output().unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!text.contains("panicked"), "{text}");
        (output.status.code().expect("no signal"), text)
    }

    fn submits(&self, more: &[&str]) -> (i32, String) {
        self.tells(&[&["sweep", "mine.yaml", "--slurm", "profile.yaml"], more].concat())
    }

    fn status(&self) -> Value {
        let output = self.ocs(&["slurm", "status", "runs/mine", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn submission(&self, number: u32) -> Value {
        serde_json::from_str(&self.read(&format!("runs/mine/slurm/{number}/submission.json")))
            .unwrap()
    }

    /// A task of so many steps that it is still at them when it hears of its time limit.
    fn submits_long(&self) {
        self.write("mine.yaml", &CONFIG.replace("steps: 50", "steps: 3000000"));
        self.submits(&["--seeds", "0", "--condition", "all"]);
    }

    /// What each task of a submission does.
    fn tasks(&self, number: u32) -> Value {
        serde_json::from_str(&self.read(&format!("runs/mine/slurm/{number}/tasks.json"))).unwrap()
    }

    fn marks_as_failed(&self, condition: &str, seed: u64) {
        let failure = FailureRecord::now("out of memory".to_owned());
        failure.write(&self.path("runs/mine"), condition, seed).unwrap();
    }

    /// Calls of a program.
    fn calls(&self, program: &str) -> Vec<String> {
        let all = self.read("called");
        let of = |line: &&str| line.split(' ').next() == Some(program);
        all.lines().filter(of).map(str::to_owned).collect()
    }

    fn does_all_tasks(&self, n_tasks: usize) {
        for task in 0..n_tasks {
            let task = task.to_string();
            let (status, text) = self.tells(&[
                "slurm",
                "work",
                "runs/mine/slurm/1",
                "--task",
                &task,
                "--device",
                "cpu",
            ]);
            assert_eq!(status, 0, "{text}");
        }
    }
}

/// A run, as tasks.json has it.
fn run(condition: &str, seed: u64) -> Value {
    serde_json::json!({"condition": condition, "seed": seed})
}

#[test]
fn a_config_becomes_an_array_and_a_job_that_collects() {
    let cluster = Cluster::new();
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("submitted 4 runs in 4 tasks: job 11; job 12 collects"), "{text}");
    let calls = cluster.calls("sbatch");
    assert!(calls[0].contains("--parsable --array=0-3 --job-name=mine-"), "{calls:?}");
    assert!(calls[0].ends_with("runs/mine/slurm/1/array.sh 0"), "{calls:?}");
    assert!(calls[1].contains("--dependency=afterany:11"), "{calls:?}");
    assert!(cluster.path("runs/mine/slurm/1/logs").is_dir(), "Slurm fails jobs without it");
    let tasks: Value = serde_json::from_str(&cluster.read("runs/mine/slurm/1/tasks.json")).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 4);
    let script = cluster.read("runs/mine/slurm/1/array.sh");
    assert!(
        script.contains("#SBATCH --time=30\n") && script.contains("#SBATCH --mem=1G\n"),
        "{script}"
    );
}

#[test]
fn tasks_do_their_runs_and_the_last_job_draws_them() {
    let cluster = Cluster::new();
    cluster.submits(&[]);
    let (status, text) = cluster.tells(&["slurm", "collect", "runs/mine"]);
    assert_eq!(status, 1, "{text}");
    assert!(
        text.contains("0 of 4 runs are there") && text.contains("none/0   not begun"),
        "{text}"
    );
    cluster.does_all_tasks(4);
    assert_eq!(cluster.status()["counts"]["complete"], 4);
    let (status, text) = cluster.tells(&["slurm", "collect", "runs/mine"]);
    assert_eq!(status, 0, "{text}");
    assert!(
        cluster.path("plots/mine.svg").exists()
            && cluster.path("runs/mine/all/theory.json").exists()
    );
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("nothing is to be submitted"), "{text}");
}

#[test]
fn only_what_is_missing_is_submitted_again() {
    let cluster = Cluster::new();
    cluster.submits(&[]);
    cluster.does_all_tasks(3);
    let (status, text) = cluster.tells(&["slurm", "resubmit", "runs/mine"]);
    assert_eq!(status, 0, "{text}");
    let tasks: Value = serde_json::from_str(&cluster.read("runs/mine/slurm/2/tasks.json")).unwrap();
    assert_eq!(tasks, serde_json::json!([[{"condition": "all", "seed": 1}]]));
}

#[test]
fn a_second_submission_is_refused_while_jobs_of_the_first_are_there() {
    let cluster = Cluster::new();
    cluster.submits(&[]);
    let name = cluster.submission(1)["jobs"][0]["name"].as_str().unwrap().to_owned();
    cluster.says("squeue", &format!("echo '11|2|RUNNING|{name}|n1|None'"));
    for again in [cluster.submits(&[]), cluster.tells(&["slurm", "resubmit", "runs/mine"])] {
        assert_eq!(again.0, 2, "{}", again.1);
        assert!(
            again.1.contains("queued or running (11)") && again.1.contains("ocs slurm cancel"),
            "{}",
            again.1
        );
    }
    let (status, text) = cluster.tells(&["slurm", "cancel", "runs/mine"]);
    assert_eq!((status, text.trim()), (0, "cancelled 11"));
    assert_eq!(cluster.calls("scancel"), ["scancel 11"]);
    cluster.says("squeue", &format!("echo '11|2|CANCELLED|{name}|n1|None'"));
    assert_eq!(cluster.tells(&["slurm", "resubmit", "runs/mine"]).0, 0);
}

#[test]
fn the_id_of_a_federation_is_read_and_its_cluster_asked() {
    let cluster = Cluster::new();
    cluster.says("sbatch", "echo '17;east'");
    cluster.submits(&[]);
    let job = &cluster.submission(1)["jobs"][0];
    assert_eq!((job["id"].as_str(), job["cluster"].as_str()), (Some("17"), Some("east")));
    cluster.status();
    assert!(cluster.calls("squeue").last().unwrap().ends_with("--clusters=east"));
}

#[test]
fn more_tasks_than_an_array_holds_become_several_which_wait_for_each_other_where_few_may_run() {
    let cluster = Cluster::new();
    cluster.says("scontrol", "echo 'MaxArraySize = 3'");
    cluster.write("profile.yaml", "at_most: 2");
    cluster.submits(&[]);
    let calls = cluster.calls("sbatch");
    assert!(calls[0].contains("--array=0-2%2") && calls[0].ends_with("array.sh 0"), "{calls:?}");
    assert!(calls[1].contains("--array=0%2") && calls[1].ends_with("array.sh 3"), "{calls:?}");
    assert!(calls[1].contains("--dependency=afterany:11"), "{calls:?}");
    assert!(calls[2].contains("--dependency=afterany:11:12"), "{calls:?}");
}

#[test]
fn what_slurm_refuses_leaves_nothing_and_is_told_in_its_words() {
    let cluster = Cluster::new();
    cluster.says("sbatch", "echo 'sbatch: error: invalid partition specified: x' >&2; exit 1");
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 2, "{text}");
    assert!(
        text.contains("nothing was submitted: sbatch: invalid partition specified: x"),
        "{text}"
    );
    assert!(!cluster.path("runs/mine/slurm/1").exists());
}

#[test]
fn a_second_array_that_is_refused_leaves_the_first_known() {
    let cluster = Cluster::new();
    cluster.says("scontrol", "echo 'MaxArraySize = 3'");
    cluster.says("sbatch", "case $* in *' 0') echo 11 ;; *) echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1 ;; esac");
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("only the first 3 tasks were submitted (11)"), "{text}");
    assert_eq!(cluster.submission(1)["jobs"][0]["id"], "11");
}

#[test]
fn a_controller_that_hangs_is_not_waited_for_and_loses_no_job() {
    let cluster = Cluster::new();
    // It takes the job, and its answer is lost.
    cluster.says("sbatch", "exec /bin/sleep 60");
    let start = Instant::now();
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 1, "{text}");
    assert!(
        text.contains("whether the job mine-") && text.contains("Slurm does not answer"),
        "{text}"
    );
    assert!(start.elapsed() < Duration::from_secs(20));
    let name = cluster.submission(1)["jobs"][0]["name"].as_str().unwrap().to_owned();
    cluster.says(
        "squeue",
        &format!("echo '11|0|RUNNING|{name}|n1|None'; echo '11|1|PENDING|{name}||Priority'"),
    );
    let status = cluster.status();
    assert_eq!(
        (&status["counts"]["running"], &status["counts"]["waiting"]),
        (&1.into(), &1.into())
    );
    assert_eq!(status["runs"][0]["job"], "11_0");
}

#[test]
fn a_job_whose_id_cannot_be_read_is_not_forgotten() {
    let cluster = Cluster::new();
    // It takes the job and says something else.
    cluster.says("sbatch", "echo 'Welcome to the cluster'");
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("whether the job mine-") && text.contains("gave no id"), "{text}");
    let name = cluster.submission(1)["jobs"][0]["name"].as_str().unwrap().to_owned();
    cluster.says("squeue", &format!("echo '11|0|PENDING|{name}||Priority'"));
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("queued or running (11)"), "{text}");
}

#[test]
fn variables_that_would_overrule_a_script_do_not_reach_slurm() {
    let cluster = Cluster::new();
    cluster.says("sbatch", "set > variables; echo 11");
    let mut command = cluster.ocs(&["sweep", "mine.yaml", "--slurm", "profile.yaml"]);
    let overruling =
        ["SBATCH_NO_REQUEUE", "SBATCH_SIGNAL", "SBATCH_OPEN_MODE", "SLURM_RESTART_COUNT"];
    for name in overruling {
        command.env(name, "3");
    }
    command.env("SBATCH_ACCOUNT", "ada").assert().success();
    let variables = cluster.read("variables");
    for name in overruling {
        assert!(!variables.contains(&format!("{name}=")), "{name}");
    }
    assert!(
        variables.contains("SBATCH_ACCOUNT=ada"),
        "what the profile does not say is the user's"
    );
}

#[test]
fn runs_of_another_program_go_on_in_tasks_where_that_is_asked_for() {
    let cluster = Cluster::new();
    cluster.submits(&["--resume=any"]);
    assert!(cluster.read("runs/mine/slurm/1/array.sh").contains(" --resume=any "));
    for (more, is_any) in [(&[][..], false), (&["--resume=any"], true)] {
        let words = [&["slurm", "resubmit", "runs/mine", "--dry-run"], more].concat();
        let (status, text) = cluster.tells(&words);
        assert_eq!((status, text.contains(" --resume=any ")), (0, is_any), "{text}");
    }
    let task = ["slurm", "work", "runs/mine/slurm/1", "--task", "0", "--device", "cpu"];
    assert_eq!(cluster.tells(&[&task[..], &["--resume=any"]].concat()).0, 0);
}

#[test]
fn no_run_is_in_two_tasks_however_it_was_shared_out_before() {
    let cluster = Cluster::new();
    let only = ["--condition", "all"];
    cluster.write("profile.yaml", "cells_per_task: 2");
    cluster.submits(&only);
    assert_eq!(cluster.tasks(1), serde_json::json!([[run("all", 0), run("all", 1)]]));
    cluster.write("profile.yaml", "cells_per_task: 1");
    cluster.submits(&only);
    let alone = serde_json::json!([[run("all", 0)], [run("all", 1)]]);
    assert_eq!(cluster.tasks(2), alone);
    // The first one was begun.
    cluster.marks_as_failed("all", 0);
    let (status, text) = cluster.submits(&[&only[..], &["--retry"]].concat());
    assert_eq!(status, 0, "{text}");
    assert_eq!(cluster.tasks(3), alone);
}

#[test]
fn a_submission_whose_answer_was_lost_is_found_by_its_name_at_once() {
    let cluster = Cluster::new();
    cluster.says("sbatch", "for word; do case $word in --job-name=*) echo \"${word#*=}\" > name ;; esac; done; exec /bin/sleep 60");
    cluster.says("squeue", "read -r name < name; echo \"21|0|PENDING|$name||Priority\"");
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 0, "{text}");
    assert_eq!(cluster.submission(1)["jobs"][0]["id"], "21");
}

#[test]
fn status_without_slurm_tells_what_the_files_say() {
    let cluster = Cluster::new();
    cluster.submits(&[]);
    cluster.does_all_tasks(1);
    for broken in [
        Some("exec /bin/sleep 60"),
        Some("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"),
        None,
    ] {
        match broken {
            Some(script) => cluster.says("squeue", script),
            None => std::fs::remove_file(cluster.path("bin/squeue")).unwrap(),
        }
        let start = Instant::now();
        let status = cluster.status();
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(status["counts"]["complete"], 1);
        assert_eq!(status["counts"]["unknown"], 3);
        assert!(status["slurm"].is_string());
    }
}

#[test]
fn accounting_tells_what_the_queue_has_forgotten() {
    let cluster = Cluster::new();
    cluster.submits(&[]);
    assert_eq!(cluster.status()["counts"]["lost"], 4);
    cluster.says("sacct", "echo '11_0|OUT_OF_MEMORY|0:125'; echo '11_[1-3]|CANCELLED by 7|0:0'");
    let status = cluster.status();
    assert!(status["runs"][0]["reason"].as_str().unwrap().contains("ran out of memory"));
    assert!(status["runs"][3]["reason"].as_str().unwrap().contains("was cancelled"));
}

#[test]
fn a_dry_run_shows_the_script_and_writes_nothing() {
    let cluster = Cluster::new();
    for program in ["sbatch", "squeue", "scontrol"] {
        std::fs::remove_file(cluster.path("bin").join(program)).unwrap();
    }
    let (status, text) = cluster.submits(&["--dry-run"]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("#SBATCH --array=0-3") && text.contains("3     all/1"), "{text}");
    assert!(!cluster.path("runs").exists());
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("is not on PATH"), "{text}");
}

#[test]
fn data_that_are_missing_are_told_before_anything_is_submitted() {
    let cluster = Cluster::new();
    cluster.write(
        "mine.yaml",
        "{task: {inputs: mnist, branching: [2, 5]}, network: {kind: mlp, hidden: [4]}, seeds: [0]}",
    );
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("ocs data fetch mnist --data-dir"), "{text}");
    assert!(cluster.calls("sbatch").is_empty());
}

#[test]
fn a_wrong_profile_names_its_file_and_key() {
    let cluster = Cluster::new();
    cluster.write("profile.yaml", "partitoin: x");
    let (status, text) = cluster.submits(&[]);
    assert_eq!(status, 2, "{text}");
    assert!(
        text.contains("profile.yaml is not a valid profile")
            && text.contains("did you mean 'partition'?"),
        "{text}"
    );
}

#[test]
fn a_folder_without_submissions_says_how_to_make_one() {
    let cluster = Cluster::new();
    for command in ["status", "collect", "cancel", "resubmit"] {
        let (status, text) = cluster.tells(&["slurm", command, "runs/nothing"]);
        assert_eq!(status, 2, "{text}");
        assert!(text.contains("ocs sweep CONFIG --slurm PROFILE"), "{text}");
    }
}

fn starts_task(cluster: &Cluster, more: &[&str]) -> std::process::Child {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("ocs"));
    let log = std::fs::File::create(cluster.path("log")).unwrap();
    command
        .current_dir(cluster.folder.path())
        .env("PATH", cluster.path("bin"))
        .env("SLURM_ARRAY_JOB_ID", "11")
        .env("SLURM_ARRAY_TASK_ID", "0")
        .env("SLURM_JOB_ID", "11")
        .args(["slurm", "work", "runs/mine/slurm/1", "--task", "0", "--device", "cpu"])
        .args(more)
        .stderr(log);
    command.spawn().unwrap()
}

/// A task that has been training for half a second.
fn task_in_mid_run(cluster: &Cluster, more: &[&str]) -> std::process::Child {
    let task = starts_task(cluster, more);
    wait_for(&cluster.path("log"), "training");
    std::thread::sleep(Duration::from_millis(500));
    task
}

fn wait_for(path: &Path, words: &str) {
    let start = Instant::now();
    while !std::fs::read_to_string(path).unwrap_or_default().contains(words) {
        assert!(start.elapsed() < Duration::from_secs(60), "no '{words}' in {}", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_task_that_hears_of_its_time_limit_requeues_itself_and_never_its_array() {
    let cluster = Cluster::new();
    cluster.submits_long();
    let mut task = task_in_mid_run(&cluster, &[]);
    stop(&task, "USR1");
    assert!(!task.wait().unwrap().success());
    let requeued = cluster.calls("scontrol");
    assert_eq!(requeued.last().unwrap(), "scontrol requeue 11_0", "{}", cluster.read("log"));
}

#[test]
fn a_task_that_does_a_failed_run_again_requeues_itself_as_well() {
    let cluster = Cluster::new();
    cluster.submits_long();
    cluster.marks_as_failed("all", 0);
    let mut task = task_in_mid_run(&cluster, &["--retry"]);
    stop(&task, "USR1");
    assert!(!task.wait().unwrap().success());
    let requeued = cluster.calls("scontrol");
    assert_eq!(requeued.last().unwrap(), "scontrol requeue 11_0", "{}", cluster.read("log"));
    assert_eq!(cluster.status()["counts"]["failed"], 0);
}

#[test]
fn what_a_task_claims_itself_does_not_hide_how_far_its_runs_are() {
    let cluster = Cluster::new();
    let config = ocs::config::load(&cluster.path("mine.yaml"), &[]).unwrap();
    let folder = cluster.path("runs/mine");
    let runs = std::collections::BTreeSet::from([("all".to_owned(), 1)]);
    let held = Lock::take(&folder, runs.clone()).unwrap();
    let all = states(&config, &folder).unwrap();
    assert_eq!(all.iter().filter(|run| matches!(run.state, State::Running(_))).count(), 1);
    let own = states_for(&config, &folder, &runs).unwrap();
    drop(held);
    let [own] = &own[..] else { panic!("{own:?}") };
    assert_eq!((&*own.condition, own.seed, &own.state), ("all", 1, &State::Waiting));
}

#[test]
fn a_task_that_waits_for_another_process_hears_signals() {
    let cluster = Cluster::new();
    cluster.submits_long();
    let runs = std::collections::BTreeSet::from([("all".to_owned(), 0)]);
    let held = Lock::take(&cluster.path("runs/mine"), runs).unwrap();
    let mut task = starts_task(&cluster, &[]);
    wait_for(&cluster.path("log"), "waiting for process");
    let start = Instant::now();
    stop(&task, "USR1");
    assert_eq!(task.wait().unwrap().code(), Some(128 + libc::SIGUSR1));
    drop(held);
    assert!(start.elapsed() < Duration::from_secs(30), "{}", cluster.read("log"));
    assert_eq!(cluster.status()["counts"]["failed"], 0);
    // It did no step, and had no chance to: it comes again.
    let requeued = cluster.calls("scontrol");
    assert_eq!(requeued.last().unwrap(), "scontrol requeue 11_0", "{}", cluster.read("log"));
}

#[test]
fn a_task_that_is_cancelled_ends_without_requeueing_itself() {
    let cluster = Cluster::new();
    cluster.submits_long();
    let mut task = task_in_mid_run(&cluster, &[]);
    stop(&task, "TERM");
    assert!(!task.wait().unwrap().success());
    assert!(cluster.calls("scontrol").iter().all(|call| !call.contains("requeue")));
    assert_eq!(cluster.status()["counts"]["failed"], 0);
}

#[test]
fn shipped_profiles_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/slurm");
    let cpu = ocs::slurm::Profile::load(&folder.join("cpu.yaml")).unwrap();
    let gpu = ocs::slurm::Profile::load(&folder.join("gpu.yaml")).unwrap();
    assert!(!cpu.has_gpu() && gpu.has_gpu());
    // Lines that are commented out hold examples of keys, which are to be keys.
    for name in ["cpu.yaml", "gpu.yaml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
            let is_key = line
                .split(':')
                .next()
                .is_some_and(|key| key.chars().all(|c| c.is_lowercase() || c == '_'));
            if is_key && line.contains(": ") {
                ocs::slurm::Profile::parse(line)
                    .unwrap_or_else(|error| panic!("{line}: {error:#}"));
            }
        }
    }
}
