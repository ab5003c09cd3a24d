use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// A command that a document shows.
#[derive(Debug, Clone)]
struct Shown {
    document: String,
    line: usize,
    /// As it is typed, without a comment.
    text: String,
}

impl Shown {
    fn words(&self) -> Vec<String> {
        let mut words = shlex::split(&self.text).unwrap_or_else(|| panic!("{self:?}: quotes"));
        if let Some(program) = words.first_mut() {
            *program = program.trim_start_matches("target/release/").to_owned();
        }
        words
    }

    fn is_of(&self, program: &str) -> bool {
        self.words().first().is_some_and(|word| word == program)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// README, CONTRIBUTING and the pages of `docs`: name and text.
fn documents() -> Vec<(String, String)> {
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> =
        pages.filter(|path| path.extension() == Some("md".as_ref())).collect();
    pages.extend([root().join("README.md"), root().join("CONTRIBUTING.md")]);
    pages.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    };
    pages.into_iter().map(read).collect()
}

/// Without a comment: a number sign after a blank and outside of quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '#') if at == 0 || line[..at].ends_with(' ') => return line[..at].trim(),
            _ => {}
        }
    }
    line.trim()
}

/// Commands of one line of a shell.
fn commands_of(document: &str, line: usize, text: &str) -> Vec<Shown> {
    let parts = without_comment(text).split(" && ").flat_map(|part| part.split(" | "));
    let shown =
        |text: &str| Shown { document: document.to_owned(), line, text: text.trim().to_owned() };
    parts.filter(|part| !part.trim().is_empty()).map(shown).collect()
}

/// Commands in blocks of `sh`.
fn fenced() -> Vec<Shown> {
    let mut all = Vec::new();
    for (name, text) in documents() {
        let mut is_inside = false;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with("```") {
                is_inside = line == "```sh";
            } else if is_inside {
                all.extend(commands_of(&name, index + 1, line));
            }
        }
    }
    all
}

/// Commands in the heads of configs: three blanks behind the number sign.
fn heads() -> Vec<Shown> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() != Some("yaml".as_ref()) {
            continue;
        }
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if let Some(command) = line.strip_prefix("#   ocs ") {
                // What it does stands two blanks behind it.
                let command = command.split("  ").next().unwrap_or_default();
                all.extend(commands_of(&name, index + 1, &format!("ocs {command}")));
            }
        }
    }
    all
}

/// Commands in the running text, between backquotes, over line ends too.
fn inline() -> Vec<Shown> {
    let mut all = Vec::new();
    for (name, text) in documents() {
        let mut is_inside = false;
        let mut prose = String::new();
        for line in text.lines() {
            is_inside ^= line.starts_with("```");
            prose += if is_inside || line.starts_with("```") { "" } else { line };
            prose.push('\n');
        }
        for (number, piece) in prose.split('`').enumerate().filter(|(number, _)| number % 2 == 1) {
            let line =
                prose.split('`').take(number).map(|it| it.matches('\n').count()).sum::<usize>();
            let piece = piece.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_command =
                ["ocs ", "target/release/ocs ", "make "].iter().any(|it| piece.starts_with(it));
            // `ocs 0.1.0 (...)` is what a program calls itself.
            if is_command && !piece.contains('(') {
                all.push(Shown { document: name.clone(), line: line + 1, text: piece });
            }
        }
    }
    all
}

/// What the real parser says of a command; `None` if it takes it.
fn refusal(words: &[String]) -> Option<String> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let error = ocs::cli::command().try_get_matches_from(words).err()?;
    let is_help = matches!(error.kind(), DisplayHelp | DisplayVersion);
    (!is_help).then(|| error.to_string())
}

/// Of a command in running text, which may leave out what it is done to: whether its subcommands and options are there.
fn unknown_part(words: &[String]) -> Option<String> {
    let root = ocs::cli::command();
    let mut command = &root;
    for word in &words[1..] {
        if let Some(name) = word.strip_prefix("--") {
            let name = name.split('=').next().unwrap_or_default();
            let is_known = |command: &clap::Command| {
                command.get_arguments().any(|option| option.get_long() == Some(name))
            };
            if !is_known(command) && !is_known(&root) && name != "help" {
                return Some(format!("--{name}"));
            }
        } else if command.has_subcommands() {
            match command.find_subcommand(word) {
                Some(own) => command = own,
                // COMMAND stands for any.
                None if word.chars().all(char::is_uppercase) => return None,
                None => return Some(word.clone()),
            }
        }
    }
    None
}

/// What a makefile lacks of `make TARGET NAME=VALUE`.
fn missing_of_make(words: &[String]) -> Option<String> {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let is_there = |word: &&String| match word.split_once('=') {
        Some((name, _)) => makefile.contains(&format!("$({name})")),
        None => makefile.lines().any(|line| line.starts_with(&format!("{word}:"))),
    };
    words[1..].iter().find(|word| !is_there(word)).cloned()
}

/// Files and experiments that a command names and that are not there.
fn missing_files(words: &[String]) -> Option<String> {
    let is_missing = |word: &&String| {
        let is_path = word.starts_with("configs/") || word.starts_with("docs/");
        let is_stem = word.starts_with("ocs_") && !word.contains(['/', '.', '=']);
        is_path && !root().join(word.as_str()).exists()
            || is_stem && ocs::studies::find(word).is_none()
    };
    words.iter().find(is_missing).cloned()
}

fn faults(shown: &[Shown], of: impl Fn(&Shown) -> Option<String>) -> Vec<String> {
    let fault = |it: &Shown| {
        of(it).map(|fault| format!("{}:{}: `{}`: {fault}", it.document, it.line, it.text))
    };
    shown.iter().filter_map(fault).collect()
}

/// What is wrong with a command of a block or a head, before it is run.
fn fault(shown: &Shown) -> Option<String> {
    let words = shown.words();
    match &*words[0] {
        "ocs" => refusal(&words).or_else(|| missing_files(&words)),
        "make" => missing_of_make(&words),
        "grep" | "./set-up" => None,
        other => Some(format!("nothing tests commands of {other}")),
    }
}

#[test]
fn every_command_of_a_document_is_one_that_the_program_takes() {
    let shown = [fenced(), heads()].concat();
    assert!(shown.len() > 60, "{} commands: are blocks still found?", shown.len());
    assert_eq!(faults(&shown, fault), Vec::<String>::new());
    let inline = inline();
    assert!(inline.len() > 50, "{} commands in the text", inline.len());
    let fault = |shown: &Shown| match shown.is_of("make") {
        true => missing_of_make(&shown.words()),
        false => unknown_part(&shown.words()).or_else(|| missing_files(&shown.words())),
    };
    assert_eq!(faults(&inline, fault), Vec::<String>::new());
}

#[test]
fn a_command_that_the_program_does_not_take_would_be_noticed() {
    let of = |text: &str| fault(&commands_of("x", 1, text)[0]);
    for (text, words) in [
        ("ocs plto runs/mine", "unrecognized subcommand"),
        ("ocs plot runs/mine --overlayed   # a comment", "unexpected argument"),
        ("ocs train configs/ocs_linaer.yaml", "ocs_linaer"),
        ("ocs reproduce ocs_linaer", "ocs_linaer"),
        ("make reproduced", "reproduced"),
        ("make build DEVISE=cuda", "DEVISE"),
        ("curl x", "nothing tests"),
    ] {
        assert!(of(text).is_some_and(|fault| fault.contains(words)), "{text}: {:?}", of(text));
    }
    let words = |text: &str| shlex::split(text).unwrap();
    assert_eq!(unknown_part(&words("ocs plot --overlayed")), Some("--overlayed".to_owned()));
    assert_eq!(unknown_part(&words("ocs slurm stauts RUN")), Some("stauts".to_owned()));
    assert_eq!(unknown_part(&words("ocs data show --config my.yaml")), None);
}

/// Commands that are not run here, by how they begin, and the test that runs their like: they need a network, real images, Slurm,
/// minutes, or a set-up.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("make ", "set_up.rs", "an_installed_tree_runs_wherever_it_is_moved_with_no_environment"),
    ("grep ", "results.rs", ""),
    (
        "ocs reproduce ",
        "command_line.rs",
        "reproducing_writes_figure_and_claims_and_the_claims_hold",
    ),
    ("ocs gram configs/ocs_gram.yaml", "command_line.rs", "gram_answers_in_json_as_documented"),
    ("ocs theory configs/ocs_gram.yaml", "command_line.rs", "theory_answers_in_json_as_documented"),
    (
        "ocs theory configs/ocs_classes.yaml",
        "command_line.rs",
        "theory_answers_in_json_as_documented",
    ),
    (
        "ocs train configs/vgg11.yaml",
        "shipped_configs.rs",
        "every_file_in_configs_loads_and_one_stem_names_everything",
    ),
    (
        "ocs train configs/mnist_batchnorm.yaml",
        "shipped_configs.rs",
        "every_file_in_configs_loads_and_one_stem_names_everything",
    ),
    (
        "ocs train configs/resnet18.yaml",
        "shipped_configs.rs",
        "every_file_in_configs_loads_and_one_stem_names_everything",
    ),
    (
        "ocs plot runs/vgg11",
        "plot_command.rs",
        "plotting_ones_own_runs_leaves_the_shipped_figures_alone",
    ),
    (
        "ocs plot runs/mnist_batchnorm",
        "plot_command.rs",
        "plotting_ones_own_runs_leaves_the_shipped_figures_alone",
    ),
    (
        "ocs plot runs/resnet18",
        "plot_command.rs",
        "plotting_ones_own_runs_leaves_the_shipped_figures_alone",
    ),
    (
        "ocs human task ",
        "human_server.rs",
        "a_task_that_cannot_bring_its_programs_says_where_to_put_them",
    ),
    ("ocs human serve ", "human_server.rs", "fifty_participants_at_once_are_all_kept_whole"),
    ("ocs human import sessions", "human_server.rs", "sessions_that_were_kept_are_read_and_judged"),
    ("ocs data fetch", "data_sets.rs", "a_given_archive_is_looked_into"),
    ("ocs data show", "own_images.rs", ""),
    ("ocs data verify", "data_sets.rs", "verify_names_missing_and_wrong_files"),
    ("ocs sweep my.yaml --slurm", "slurm.rs", "a_config_becomes_an_array_and_a_job_that_collects"),
    ("ocs slurm ", "slurm.rs", "tasks_do_their_runs_and_the_last_job_draws_them"),
];

/// What a page takes for granted, made before its commands are run.
const BEFORE: &[(&str, &[&str])] = &[
    ("docs/clusters.md", &["ocs train my.yaml"]),
    ("docs/human.md", &["ocs train configs/ocs_human.yaml"]),
    (
        "docs/figures.md",
        &[
            "ocs new mine",
            "ocs train mine.yaml",
            "ocs train my.yaml",
            "ocs train configs/ocs_linear.yaml",
            "ocs sweep configs/sweep.yaml",
        ],
    ),
    (
        "docs/results.md",
        &[
            "ocs new mine",
            "ocs train mine.yaml",
            "ocs train configs/ocs_linear.yaml",
            "ocs train configs/ocs_depth.yaml",
        ],
    ),
];

/// A command in small: as few steps and seeds as leave something to see, and drawn images in place of fetched ones.
fn in_small(shown: &Shown) -> Vec<String> {
    let mut words = shown.words();
    let mut add = |text: &str| words.extend(shlex::split(text).unwrap());
    let is_of_images = shown.text.contains(" my.yaml");
    if ["ocs train ", "ocs sweep "].iter().any(|start| shown.text.starts_with(start)) {
        add("--set training.steps=20 --set training.observations=8 --set seeds=[0]");
    }
    if is_of_images && !shown.text.starts_with("ocs data ") {
        add("--set task.inputs=glyphs --set task.classes=null --set task.samples.test=20");
    }
    // All conditions of these take seconds of integration.
    for (config, condition) in [
        ("ocs_loss", "none"),
        ("bias_free_relu", "exact-relu"),
        ("ocs_sequence", "1-layer-none"),
        ("prior_knowledge", "small"),
    ] {
        if shown.text.starts_with(&format!("ocs theory configs/{config}.yaml")) {
            add(&format!("--condition {condition}"));
        }
    }
    // 200 studies of each of three sizes take minutes.
    if shown.text.starts_with("ocs human power ") {
        add("--studies 2 --participants 3");
    }
    words
}

/// The config that README's pages call my.yaml.
fn write_configs(folder: &Path) {
    for (_, text) in documents() {
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let name = block.lines().next().and_then(|line| line.strip_prefix("# "));
            let name = name.and_then(|line| line.split(':').next());
            if let Some(name) = name.filter(|name| name.ends_with(".yaml")) {
                fs::write(folder.join(name), block).unwrap();
            }
        }
    }
}

/// Runs commands of one page, in their order, in a folder of their own; returns what failed.
fn run_all(document: &str, shown: &[Shown]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_configs(at);
    std::os::unix::fs::symlink(root().join("configs"), at.join("configs")).unwrap();
    let before = BEFORE.iter().filter(|(name, _)| *name == document).flat_map(|(_, all)| *all);
    let before = before.flat_map(|text| commands_of(document, 0, text));
    let mut failed = Vec::new();
    for command in before.chain(shown.iter().cloned()) {
        let words = in_small(&command);
        let mut ocs = Command::cargo_bin("ocs").unwrap();
        let ocs =
            ocs.current_dir(at).args(&words[1..]).env_remove("OCS_DATA").env("RUST_LOG", "warn");
        let answer = ocs.timeout(std::time::Duration::from_secs(120)).output().unwrap();
        // 1: a claim of so small a run fails.
        if !matches!(answer.status.code(), Some(0)) {
            let told = String::from_utf8_lossy(&answer.stderr);
            failed
                .push(format!("{document}:{}: {words:?}: {}: {told}", command.line, answer.status));
        }
    }
    failed
}

#[test]
fn every_command_of_a_document_runs_or_a_test_is_named_that_runs_its_like() {
    let is_elsewhere =
        |shown: &Shown| ELSEWHERE.iter().any(|(start, ..)| shown.text.starts_with(start));
    let all = [fenced(), heads()].concat();
    let names: BTreeSet<&str> = all.iter().map(|shown| &*shown.document).collect();
    let of = |name: &str| -> Vec<Shown> {
        let own = all.iter().filter(|shown| shown.document == name && !is_elsewhere(shown));
        own.cloned().collect()
    };
    let failed: Vec<String> = names.iter().flat_map(|name| run_all(name, &of(name))).collect();
    assert_eq!(failed, Vec::<String>::new());
    for (start, file, test) in ELSEWHERE {
        let source = fs::read_to_string(root().join("tests").join(file)).unwrap();
        assert!(source.contains(&format!("fn {test}")), "{file} has no test {test}");
        assert!(all.iter().any(|shown| shown.text.starts_with(start)), "no document shows {start}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for (name, text) in documents() {
        let folder = root().join(&name).parent().unwrap().to_owned();
        for piece in text.split("](").skip(1) {
            let target =
                piece.split(')').next().unwrap_or_default().split('#').next().unwrap_or_default();
            let is_own = !target.is_empty() && !target.contains("://");
            if is_own && !folder.join(target).exists() {
                broken.push(format!("{name}: {target}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
