//! An experiment or a folder of runs, as a report tells of it.

use std::collections::BTreeSet;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::settings::Settings;
use crate::claim::{Claim, Measurement, Verdict};
use crate::config::Config;
use crate::metrics::PhaseVerdict;
use crate::record::{Record, Status};
use crate::studies::Study;

/// A part of a report.
pub struct Section {
    /// Names it in addresses within the page, which makes it one word that no other section has.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What is asked; of runs of one's own `None`.
    pub question: Option<String>,
    /// Where the question comes from.
    pub source: Option<String>,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// What was decided.
    pub claims: Vec<Claim>,
    /// What runs came to, a row for each condition; empty where records were not read.
    pub runs: Vec<Row>,
    /// What conditions differ in.
    pub settings: Option<Settings>,
    /// How many runs, on what, how long: in sentences.
    pub origin: String,
    /// What makes its figure again, in a shell.
    pub commands: Vec<String>,
}

/// A figure that needs no other file.
pub struct Figure {
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// Its address, which is itself.
    pub address: String,
}

/// What the runs of a condition came to.
pub struct Row {
    pub condition: String,
    pub runs: usize,
    pub status: String,
    pub phase: String,
    pub onset: String,
    pub end: String,
    pub seconds: String,
}

impl Figure {
    /// A PNG.
    pub fn png(alt: &str, bytes: &[u8]) -> Figure {
        let address = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
        Figure { alt: alt.to_owned(), address }
    }
}

impl Section {
    /// An experiment as it was decided and drawn; `config` is that of its runs, if it is known.
    ///
    /// # Errors
    ///
    /// If the config cannot be written.
    pub fn of_study(
        study: &Study,
        figure: Option<&[u8]>,
        (claims, origin): (Vec<Claim>, &str),
        config: Option<&Config>,
        command: String,
    ) -> Result<Section> {
        let alt = format!("Figure of {}: {}", study.stem, study.question);
        Ok(Section {
            id: study.stem.to_owned(),
            title: study.stem.to_owned(),
            question: Some(study.question.to_owned()),
            source: Some(study.source.to_owned()),
            figures: figure.map(|bytes| Figure::png(&alt, bytes)).into_iter().collect(),
            claims,
            runs: Vec::new(),
            settings: config.map(Settings::of).transpose()?,
            // Emphasis of CLAIMS.md.
            origin: origin.replace("**", ""),
            commands: vec![command],
        })
    }

    /// The claims of one kind.
    fn n(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|claim| claim.verdict == verdict).count()
    }

    /// What stands beside its name in the list of contents.
    pub fn in_short(&self) -> String {
        let counts = Verdict::ALL.map(|verdict| (self.n(verdict), verdict.of_several()));
        let counts = counts.into_iter();
        let told = counts.filter(|(n, _)| *n > 0);
        told.map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
    }
}

/// How many runs, on what, how long, in a sentence; `records` are those of `n` that differ by more than rounding.
pub fn origin_of(records: &[Record], n: usize) -> String {
    let together = |words: &dyn Fn(&Record) -> String| {
        let all: BTreeSet<String> = records.iter().map(words).collect();
        all.into_iter().collect::<Vec<_>>().join(" and ")
    };
    let seconds: f64 = records.iter().map(|record| record.wall_time).sum();
    let distinct = match records.len() {
        count if count == n => String::new(),
        count => format!(", of which {count} differ by more than rounding"),
    };
    let marks = records.iter().filter_map(|record| record.scale.mark());
    let marks: String =
        marks.collect::<BTreeSet<_>>().iter().map(|mark| format!(" ({mark})")).collect();
    format!(
        "{n} runs{marks}{distinct}; device {}, {} thread(s) a run, libtorch {}, revision {}; {seconds:.1} s of training in all.",
        together(&|record| record.device.clone()),
        together(&|record| record.threads.to_string()),
        together(&|record| record.libtorch.clone()),
        together(&|record| record.revision.clone()),
    )
}

/// What the runs of each condition came to.
pub fn rows_of(records: &[Record]) -> Vec<Row> {
    let mut conditions: Vec<&str> = Vec::new();
    for record in records {
        if !conditions.contains(&&*record.condition) {
            conditions.push(&record.condition);
        }
    }
    conditions.into_iter().map(|condition| row_of(records, condition)).collect()
}

fn row_of(records: &[Record], condition: &str) -> Row {
    let of_condition: Vec<&Record> =
        records.iter().filter(|record| record.condition == condition).collect();
    let range = |value: &dyn Fn(&Record) -> Option<f64>| {
        let values: Vec<Option<f64>> = of_condition.iter().map(|record| value(record)).collect();
        let Measurement { min, max, n, .. } = Measurement::of("", &values);
        match (min, max) {
            (Some(min), Some(max)) if n > 1 && min != max => format!("{min:.4} to {max:.4}"),
            (Some(min), _) => format!("{min:.4}"),
            _ => "-".to_owned(),
        }
    };
    let status = |record: &Record| match record.status {
        Status::Complete => "complete",
        Status::Running => "unfinished",
        Status::Diverged { .. } => "diverged",
    };
    let of_status = ["complete", "unfinished", "diverged"]
        .map(|word| (of_condition.iter().filter(|record| status(record) == word).count(), word));
    let told = of_status.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    let seconds: f64 = of_condition.iter().map(|record| record.wall_time).sum();
    Row {
        condition: of_condition.first().map_or_else(String::new, |record| record.display_name()),
        runs: of_condition.len(),
        status: told.collect::<Vec<_>>().join(", "),
        phase: PhaseVerdict::tally(of_condition.iter().map(|record| record.phase.verdict)),
        onset: range(&|record| record.phase.onset),
        end: range(&|record| record.phase.end),
        seconds: format!("{seconds:.1}"),
    }
}
