//! Slurm's own commands, each within a time: a controller that is down makes them hang.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Asks Slurm.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// How long a command may take.
    pub limit: Duration,
}

/// A command of Slurm's that gave no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// It is not installed here.
    Missing(&'static str),
    /// It took too long, or its controller cannot be reached.
    Down(String),
    /// It refused.
    Refused(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Unanswered::Missing(program) => write!(
                formatter,
                "`{program}` is not on PATH: run this on a login node of a cluster with Slurm (some need `module load slurm`)"
            ),
            Unanswered::Down(words) => write!(
                formatter,
                "Slurm does not answer ({words}): nothing of the runs is lost, try again later (OCS_SLURM_TIMEOUT sets the \
                 seconds that a command may take)"
            ),
            Unanswered::Refused(words) => formatter.write_str(words),
        }
    }
}

impl std::error::Error for Unanswered {}

/// A task, or a job that is no array, as the queue shows it; ended ones stay there for some minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name of its job.
    pub name: String,
    /// Id of its job; of an array, the array's.
    pub job: String,
    /// Index in its array.
    pub index: Option<usize>,
    /// Slurm's word, such as RUNNING.
    pub state: String,
    /// Where it runs or ran.
    pub node: String,
    /// Why it waits or ended, in Slurm's words.
    pub reason: String,
}

/// What became of a task, as accounting remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Id of its job; of an array, the array's.
    pub job: String,
    /// Index in its array.
    pub index: Option<usize>,
    /// Slurm's word, such as TIMEOUT.
    pub state: String,
    /// Exit status and signal, as `0:15`.
    pub exit: String,
}

/// What a state of Slurm's means for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Waits, or is being requeued.
    Waits,
    /// Runs, or is about to end.
    Runs,
    /// Will do no more by itself.
    Ended,
}

impl Queue {
    /// Of Slurm's word; words that a later Slurm may have are taken for an end.
    pub fn of(state: &str) -> Self {
        match state.split_whitespace().next().unwrap_or_default().trim_end_matches('+') {
            "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD"
            | "RESV_DEL_HOLD" | "SPECIAL_EXIT" => Queue::Waits,
            "RUNNING" | "COMPLETING" | "SIGNALING" | "STAGE_OUT" | "STOPPED" | "SUSPENDED"
            | "RESIZING" => Queue::Runs,
            _ => Queue::Ended,
        }
    }
}

impl Client {
    /// With the time that `OCS_SLURM_TIMEOUT` sets in seconds, or 20 seconds.
    pub fn from_environment() -> Self {
        let seconds = std::env::var("OCS_SLURM_TIMEOUT").ok().and_then(|text| text.parse().ok());
        let limit = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds)).unwrap_or(20.0);
        Client { limit: Duration::from_secs_f64(limit) }
    }

    /// Indices of arrays stay below this number.
    ///
    /// # Errors
    ///
    /// If Slurm does not tell.
    pub fn max_array_size(self) -> Result<usize> {
        let text = self.ask("scontrol", &["show", "config"])?;
        parse_max_array_size(&text).context("`scontrol show config` tells no MaxArraySize")
    }

    /// Submits a script; the id of its job, and its cluster in a federation.
    ///
    /// # Errors
    ///
    /// If Slurm refuses it, or does not answer: the script may be submitted then.
    pub fn submit(
        self,
        options: &[String],
        script: &Path,
        offset: usize,
    ) -> Result<(String, Option<String>)> {
        let mut words: Vec<String> = vec!["--parsable".to_owned()];
        words.extend_from_slice(options);
        words.push(script.to_str().context("the script's path is no text")?.to_owned());
        words.push(offset.to_string());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        parse_submitted(&self.ask("sbatch", &words)?)
    }

    /// All tasks in the queue of jobs with these names, those that ended a while ago too.
    ///
    /// # Errors
    ///
    /// If Slurm does not answer.
    pub fn listed(
        self,
        names: &BTreeSet<String>,
        clusters: &BTreeSet<String>,
    ) -> Result<Vec<Listed>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = format!("--name={}", joined(names));
        let clusters = format!("--clusters={}", joined(clusters));
        let mut words = vec!["-h", "-r", "-t", "all", "-o", "%F|%K|%T|%j|%N|%r", &names];
        if !clusters.ends_with('=') {
            words.push(&clusters);
        }
        Ok(parse_listed(&self.ask("squeue", &words)?))
    }

    /// What accounting remembers of jobs; `None` on a cluster without accounting.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub fn ended(
        self,
        jobs: &BTreeSet<String>,
        clusters: &BTreeSet<String>,
    ) -> Result<Option<Vec<Ended>>> {
        if jobs.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let jobs = joined(jobs);
        let clusters = format!("--clusters={}", joined(clusters));
        let mut words = vec!["-X", "-P", "-n", "-j", &jobs, "--format=JobID,State,ExitCode"];
        if !clusters.ends_with('=') {
            words.push(&clusters);
        }
        match self.ask("sacct", &words) {
            Ok(text) => Ok(Some(parse_ended(&text))),
            Err(error) => match error.downcast_ref::<Unanswered>() {
                Some(Unanswered::Missing(_)) => Ok(None),
                Some(Unanswered::Refused(words))
                    if words.contains("accounting storage is disabled") =>
                {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    /// Cancels jobs.
    ///
    /// # Errors
    ///
    /// If Slurm refuses or does not answer.
    pub fn cancel(self, jobs: &BTreeSet<String>) -> Result<()> {
        let words: Vec<&str> = jobs.iter().map(String::as_str).collect();
        if !words.is_empty() {
            self.ask("scancel", &words)?;
        }
        Ok(())
    }

    /// Puts a task, `ARRAY_INDEX`, or a job that is no array, back into the queue.
    ///
    /// # Errors
    ///
    /// If Slurm refuses or does not answer.
    pub fn requeue(self, target: &str) -> Result<()> {
        self.ask("scontrol", &["requeue", target]).map(|_| ())
    }

    /// What a command says on stdout.
    fn ask(self, program: &'static str, words: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if is_in_the_way(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        let mut child = match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!(Unanswered::Missing(program))
            }
            Err(error) => bail!(Unanswered::Refused(format!("cannot start {program}: {error}"))),
            Ok(started) => started,
        };
        let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let Some(status) = wait(&mut child, self.limit) else {
            bail!(Unanswered::Down(format!("{program} took more than {:?}", self.limit)));
        };
        let told = |receiver: std::sync::mpsc::Receiver<String>| {
            // Whoever inherited the pipe may hold it longer.
            receiver.recv_timeout(Duration::from_secs(2)).unwrap_or_default()
        };
        let (stdout, stderr) = (told(stdout), told(stderr));
        if status.success() {
            return Ok(stdout);
        }
        let words = in_words(program, &stderr, &status.to_string());
        // One that was killed had perhaps reached Slurm.
        let is_unknown = status.code().is_none() || is_down(&stderr);
        bail!(if is_unknown { Unanswered::Down(words) } else { Unanswered::Refused(words) })
    }
}

/// Whether Slurm's commands are not to see a variable of the environment: somebody's favourite columns and filters, what would
/// overrule lines of the batch scripts that tasks depend on, and what a restarted job would hand on to those that it submits.
fn is_in_the_way(name: &str) -> bool {
    let groups = ["SQUEUE_", "SACCT_", "SLURM_TIME_FORMAT", "SBATCH_ARRAY", "SBATCH_WAIT"];
    let options = [
        "CHDIR",
        "DEPENDENCY",
        "ERROR",
        "INPUT",
        "JOB_NAME",
        "NO_REQUEUE",
        "OPEN_MODE",
        "OUTPUT",
        "REQUEUE",
        "SIGNAL",
        "TEST_ONLY",
        "WRAP",
    ];
    let is_option = name.strip_prefix("SBATCH_").is_some_and(|option| options.contains(&option));
    is_option || name == "SLURM_RESTART_COUNT" || groups.iter().any(|group| name.starts_with(group))
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> std::sync::mpsc::Receiver<String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is told.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// How it ended; `None` if it did not within the limit, and was killed.
fn wait(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => {
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn is_down(stderr: &str) -> bool {
    let down = [
        "Unable to contact slurm controller",
        "Connection refused",
        "Connection timed out",
        "Socket timed out",
        "Zero Bytes were transmitted",
        "slurm_persist_conn_open",
        "Protocol authentication error",
        "Unable to connect to database",
    ];
    down.iter().any(|words| stderr.contains(words))
}

/// Slurm's own words in one line, without its prefixes.
fn in_words(program: &str, stderr: &str, status: &str) -> String {
    let prefix = format!("{program}: ");
    let lines: Vec<&str> = stderr
        .lines()
        .map(|line| line.trim().trim_start_matches(&prefix).trim_start_matches("error: "))
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        format!("{program} failed without a word ({status})")
    } else {
        format!("{program}: {}", lines.join("; "))
    }
}

/// `MaxArraySize` of `scontrol show config`.
pub fn parse_max_array_size(text: &str) -> Option<usize> {
    let line = text.lines().find(|line| line.trim_start().starts_with("MaxArraySize"))?;
    line.split_once('=')?.1.trim().parse().ok().filter(|&size| size > 0)
}

/// What `sbatch --parsable` says: `ID` or `ID;CLUSTER`, perhaps after what a plugin of the site says.
fn parse_submitted(text: &str) -> Result<(String, Option<String>)> {
    for line in text.lines().rev() {
        let (id, cluster) = match line.trim().split_once(';') {
            Some((id, cluster)) => (id, Some(cluster.trim().to_owned())),
            None => (line.trim(), None),
        };
        if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok((id.to_owned(), cluster.filter(|cluster| !cluster.is_empty())));
        }
    }
    bail!("sbatch gave no id of a job, but: {}", text.trim().escape_debug())
}

/// Lines of `squeue -h -r -o '%F|%K|%T|%j|%N|%r'`; others (headings of clusters) are left out.
pub fn parse_listed(text: &str) -> Vec<Listed> {
    let listed = |line: &str| {
        let mut parts = line.splitn(6, '|').map(str::trim);
        let (job, index, state) = (parts.next()?, parts.next()?, parts.next()?);
        let (name, node, reason) = (parts.next()?, parts.next()?, parts.next()?);
        job.parse::<u64>().ok()?;
        Some(Listed {
            name: name.to_owned(),
            job: job.to_owned(),
            index: index.parse().ok(),
            state: state.to_owned(),
            node: node.to_owned(),
            reason: reason.to_owned(),
        })
    };
    text.lines().filter_map(listed).collect()
}

/// Lines of `sacct -X -P -n --format=JobID,State,ExitCode`. Tasks that never started are one line, `7_[3-5%2]`.
pub fn parse_ended(text: &str) -> Vec<Ended> {
    let mut all = Vec::new();
    for line in text.lines() {
        let mut parts = line.split('|').map(str::trim);
        let (Some(id), Some(state), Some(exit)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (job, index) = id.split_once('_').map_or((id, None), |(job, index)| (job, Some(index)));
        if job.parse::<u64>().is_err() {
            continue;
        }
        // `CANCELLED by 1000`.
        let state = state.split_whitespace().next().unwrap_or_default();
        let indices: Vec<Option<usize>> = match index {
            None => vec![None],
            Some(index) => indices(index).into_iter().map(Some).collect(),
        };
        all.extend(indices.into_iter().map(|index| Ended {
            job: job.to_owned(),
            index,
            state: state.to_owned(),
            exit: exit.to_owned(),
        }));
    }
    all
}

/// `4`, or `[1,3-5%2]`.
fn indices(text: &str) -> Vec<usize> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    let inner = inner.split('%').next().unwrap_or_default();
    let range = |part: &str| -> Vec<usize> {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        match part.split_once('-') {
            Some((from, to)) => match (number(from), number(to)) {
                // No array is longer than this.
                (Some(from), Some(to)) if to.saturating_sub(from) < 5_000_000 => {
                    (from..=to).collect()
                }
                _ => Vec::new(),
            },
            None => number(part).into_iter().collect(),
        }
    };
    inner.split(',').flat_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_alone_with_a_cluster_and_after_words_of_a_plugin() {
        assert_eq!(parse_submitted("17\n").unwrap(), ("17".to_owned(), None));
        let with_cluster = parse_submitted("Your project has 12 hours left\n18;east\n").unwrap();
        assert_eq!(with_cluster, ("18".to_owned(), Some("east".to_owned())));
        for text in ["", "Submitted batch job", "-1", "1 2"] {
            assert!(parse_submitted(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_queue_is_read_whatever_else_stands_there() {
        let text = "CLUSTER: east\n12|3|RUNNING|x-1|n[1-2]|None\n12|N/A|PENDING|x-1-collect||Dependency\nnonsense\n\
                    13|0|PENDING|x-1||(Nodes required for job are DOWN|DRAINED)\n12|4|RUNNING\n";
        let listed = parse_listed(text);
        assert_eq!(listed.len(), 3, "{listed:?}");
        assert_eq!((listed[0].index, listed[1].index), (Some(3), None));
        assert_eq!(listed[2].reason, "(Nodes required for job are DOWN|DRAINED)");
    }

    #[test]
    fn accounting_is_read_task_by_task() {
        let text = "12_0|COMPLETED|0:0\n12_1|CANCELLED by 1000|0:15\n12_[4,6-7%2]|PENDING|0:0\n15|TIMEOUT|0:0\n||\nx_1|A|0:0\n";
        let ended = parse_ended(text);
        let seen: Vec<(Option<usize>, &str)> =
            ended.iter().map(|ended| (ended.index, ended.state.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Some(0), "COMPLETED"),
                (Some(1), "CANCELLED"),
                (Some(4), "PENDING"),
                (Some(6), "PENDING"),
                (Some(7), "PENDING"),
                (None, "TIMEOUT")
            ]
        );
    }

    #[test]
    fn the_size_of_arrays_is_found_among_all_settings() {
        let text = "Configuration data as of 2026-11-26T20:00:00\nMaxArraySize            = 1001\nMaxJobCount             = 10000\n";
        assert_eq!(parse_max_array_size(text), Some(1001));
        assert_eq!(parse_max_array_size("MaxArraySize = 0"), None);
        assert_eq!(parse_max_array_size(""), None);
    }

    #[test]
    fn states_say_who_is_still_to_do_something() {
        for (state, queue) in [
            ("PENDING", Queue::Waits),
            ("REQUEUED", Queue::Waits),
            ("RUNNING", Queue::Runs),
            ("COMPLETING", Queue::Runs),
            ("SUSPENDED", Queue::Runs),
            ("CANCELLED by 0", Queue::Ended),
            ("CANCELLED+", Queue::Ended),
            ("NODE_FAIL", Queue::Ended),
            ("PREEMPTED", Queue::Ended),
            ("OUT_OF_MEMORY", Queue::Ended),
            ("SOMETHING_NEW", Queue::Ended),
        ] {
            assert_eq!(Queue::of(state), queue, "{state}");
        }
    }
}
