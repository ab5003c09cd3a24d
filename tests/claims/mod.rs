use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ocs::claim::{Claim, Verdict};
use ocs::metrics::{Curves, Phase, PhaseVerdict};
use ocs::record::{Record, RunFolder};
use ocs::studies::{self, Study};

/// Records of real runs that need data sets, thinned, and how they are made.
pub mod kept;
mod bias_free_relu;
mod early_linear;
mod ocs_architectures;
mod ocs_classes;
mod ocs_correlation;
mod ocs_depth;
mod ocs_frequencies;
mod ocs_gram;
mod ocs_human;
mod ocs_images;
mod ocs_init_scale;
mod ocs_kernel;
mod ocs_linear;
mod ocs_loss;
mod ocs_modes;
mod ocs_sequence;
mod pc_bias;
mod pc_bias_images;
mod prior_knowledge;
/// Changes that many cases make.
mod spoil;

use crate::quick_runs;

/// A change to real records that breaks a claim: just beyond its criterion, so that a criterion of three times the tolerance
/// would be noticed.
struct Case {
    claim: String,
    /// Claims that cannot but break with it.
    with: Vec<String>,
    spoil: Box<dyn Fn(&mut RunFolder)>,
}

fn breaks(claim: impl Into<String>, spoil: impl Fn(&mut RunFolder) + 'static) -> Case {
    Case { claim: claim.into(), with: Vec::new(), spoil: Box::new(spoil) }
}

impl Case {
    fn with(self, others: &[&str]) -> Case {
        Case { with: others.iter().map(|&id| id.to_owned()).collect(), ..self }
    }
}

/// A study's stem, and its cases.
type Cases = (&'static str, fn() -> Vec<Case>);

const CASES: &[Cases] = &[
    ("ocs_linear", ocs_linear::cases),
    ("ocs_modes", ocs_modes::cases),
    ("ocs_init_scale", ocs_init_scale::cases),
    ("ocs_depth", ocs_depth::cases),
    ("ocs_correlation", ocs_correlation::cases),
    ("ocs_frequencies", ocs_frequencies::cases),
    ("ocs_loss", ocs_loss::cases),
    ("ocs_gram", ocs_gram::cases),
    ("ocs_kernel", ocs_kernel::cases),
    ("ocs_mnist", ocs_images::cases),
    ("ocs_cifar10", ocs_images::cases),
    ("ocs_architectures", ocs_architectures::cases),
    ("ocs_classes", ocs_classes::cases),
    ("ocs_sequence", ocs_sequence::cases),
    ("bias_free_relu", bias_free_relu::cases),
    ("prior_knowledge", prior_knowledge::cases),
    ("early_linear", early_linear::cases),
    ("pc_bias", pc_bias::cases),
    ("pc_bias_images", pc_bias_images::cases),
    ("ocs_human", ocs_human::cases),
];

/// Records of every study: kept ones where there are some, else of a quick run.
static RECORDS: LazyLock<Vec<(&Study, RunFolder)>> = LazyLock::new(|| {
    let of = |study: &'static Study| {
        let kept = kept::read(study.stem);
        let runs = || quick_runs::of_study(study.stem).clone();
        (study, kept.unwrap_or_else(runs))
    };
    studies::ALL.into_iter().map(of).collect()
});

fn by_id(claims: Vec<Claim>) -> BTreeMap<String, Claim> {
    claims.into_iter().map(|claim| (claim.id.clone(), claim)).collect()
}

/// What is wrong with a case; `None` if it breaks its claim, and no other than it says.
fn fault(study: &Study, runs: &RunFolder, case: &Case) -> Option<String> {
    let mut spoilt = runs.clone();
    (case.spoil)(&mut spoilt);
    let sound = by_id(study.decide(runs).unwrap());
    let found = match study.decide(&spoilt) {
        Ok(claims) => by_id(claims),
        Err(error) => return Some(format!("nothing is decided: {error:#}")),
    };
    let Some(claim) = sound.get(&case.claim) else { return Some("there is no such claim".into()) };
    let mut expected: BTreeSet<&String> = case.with.iter().collect();
    if matches!(claim.verdict, Verdict::Reported | Verdict::Refuted) {
        let other = &found[&case.claim];
        if (&other.sentence, &other.measured) == (&claim.sentence, &claim.measured) {
            return Some("the report is as before".into());
        }
    } else {
        expected.insert(&case.claim);
    }
    let changed: BTreeSet<&String> =
        sound.iter().filter(|(id, c)| found[*id].verdict != c.verdict).map(|(id, _)| id).collect();
    let words = || {
        let measured: Vec<String> = expected
            .union(&changed)
            .map(|id| format!("{id}: {}, {}", found[*id].measured.words(), found[*id].criterion))
            .collect();
        format!("{changed:?} change their verdicts, not {expected:?}; {}", measured.join("; "))
    };
    (changed != expected).then(words)
}

#[test]
fn every_claim_of_every_study_breaks_under_a_change_of_its_own() {
    let mut faults = Vec::new();
    for (study, runs) in RECORDS.iter() {
        let stem = study.stem;
        let Some((_, cases)) = CASES.iter().find(|(other, _)| *other == stem) else {
            faults.push(format!("{stem} has no cases: write tests/claims/{stem}.rs"));
            continue;
        };
        let cases = cases();
        for claim in study.decide(runs).unwrap() {
            if claim.verdict == Verdict::Fails {
                let words = claim.measured.words();
                faults.push(format!("{stem}: {} fails on sound records: {words}", claim.id));
            }
            if !cases.iter().any(|case| case.claim == claim.id) {
                faults.push(format!("{stem}: no case breaks {}", claim.id));
            }
        }
        for (number, case) in cases.iter().enumerate() {
            if let Some(fault) = fault(study, runs, case) {
                faults.push(format!("{stem}, case {number} on {}: {fault}", case.claim));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// A run of which nothing was observed.
fn hollow(run: &mut Record) {
    run.phase = Phase::default();
    run.phase_sensitivity.clear();
    run.series.clear();
    run.curves = Curves::default();
    run.training_curves.iter_mut().for_each(|curves| *curves = Curves::default());
    if let Some(kernel) = &mut run.kernel {
        kernel.largest.clear();
        kernel.trace.clear();
        for curve in [&mut kernel.ones_alignment, &mut kernel.ratio, &mut kernel.drift] {
            curve.fill(None);
        }
        (kernel.inputs.ones_alignment, kernel.expected, kernel.lazy) = (None, None, None);
    }
}

/// A run that answers zero to everything, always.
fn silent(run: &mut Record) {
    run.phase = Phase::default();
    for curves in std::iter::once(&mut run.curves).chain(&mut run.training_curves) {
        curves.input_dependence.fill(0.0);
        curves.true_negative_rate.iter_mut().for_each(|rates| rates.fill(None));
        let tables = curves.item_responses.iter_mut().flatten();
        for row in tables.flatten().chain(curves.mode_strengths.iter_mut().flatten()) {
            row.fill(0.0);
        }
    }
}

/// Without theory's answers too, where there would be something to compare.
fn all_hollow(runs: &RunFolder) -> RunFolder {
    let mut empty = runs.clone();
    empty.records.iter_mut().for_each(hollow);
    for theory in &mut empty.theories {
        (theory.phase, theory.curves) = (Phase::default(), Curves::default());
        (theory.verified, theory.reach) = (None, Vec::new());
        theory.series.clear();
    }
    for gram in &mut empty.grams {
        (gram.ones_overlap, gram.projection_cv) = (f64::NAN, None);
    }
    empty
}

/// Claims that read configs alone.
const OF_CONFIGS: [&str; 1] = ["critical-correlation"];

#[test]
fn records_that_say_nothing_support_no_claim() {
    for (study, runs) in RECORDS.iter() {
        // An error that names what is missing is as good as a claim that fails.
        for claim in study.decide(&all_hollow(runs)).unwrap_or_default() {
            let holds = claim.verdict == Verdict::Holds && !OF_CONFIGS.contains(&&*claim.id);
            assert!(!holds, "{}: {} holds", study.stem, claim.id);
        }
    }
}

/// The claim on those runs whose kernel stands still, which one that is missing does not.
const OF_SOME: [&str; 1] = ["lazy-existence"];

/// Claims that hold though a number that they tell is missing.
fn held_without(study: &Study, runs: &RunFolder, silence: fn(&mut Record)) -> Vec<String> {
    let sound = by_id(study.decide(runs).unwrap());
    let mut held = Vec::new();
    for index in 0..runs.records.len() {
        let mut without = runs.clone();
        silence(&mut without.records[index]);
        for claim in study.decide(&without).unwrap_or_default() {
            let is_missing = claim.measured.n < sound[&claim.id].measured.n;
            let holds = claim.verdict == Verdict::Holds && !OF_SOME.contains(&&*claim.id);
            if is_missing && holds {
                held.push(format!("{} without {}", claim.id, runs.records[index].condition));
            }
        }
    }
    held
}

#[test]
fn a_number_that_is_missing_in_one_run_supports_no_claim() {
    for (study, runs) in RECORDS.iter() {
        for silence in [hollow, silent] {
            assert_eq!(held_without(study, runs, silence), Vec::<String>::new(), "{}", study.stem);
        }
    }
}

/// The same times of onset and end, of which noise decides the order.
fn all_undecided(runs: &RunFolder) -> RunFolder {
    let undecided = |phase: &mut Phase| {
        let (onset, end) = (phase.onset, phase.end);
        *phase = Phase::decided(onset, end, PhaseVerdict::Undecided, "noise decides".to_owned());
    };
    let mut unclear = runs.clone();
    for run in &mut unclear.records {
        undecided(&mut run.phase);
        // Too short to see an end.
        if let Some(curves) = &mut run.training_curves {
            curves.input_dependence.fill(0.0);
        }
        if let Some(lazy) = run.kernel.as_mut().and_then(|kernel| kernel.lazy.as_mut()) {
            undecided(&mut lazy.phase);
        }
    }
    unclear
}

fn is_of_order(claim: &Claim) -> bool {
    let orders = ["onset < end", "no onset before it", "end before onset"];
    orders.iter().any(|words| claim.criterion.contains(words))
}

#[test]
fn undecided_phases_support_no_claim_on_onset_or_end() {
    for (study, runs) in RECORDS.iter() {
        for claim in study.decide(&all_undecided(runs)).unwrap_or_default() {
            let holds = claim.verdict == Verdict::Holds && is_of_order(&claim);
            assert!(!holds, "{}: {} holds", study.stem, claim.id);
        }
    }
}

#[test]
fn a_folder_without_the_runs_of_a_claim_is_told_what_to_run() {
    for (study, runs) in RECORDS.iter() {
        let of_theory_alone = RunFolder { records: Vec::new(), ..runs.clone() };
        assert!(study.decide(&of_theory_alone).is_err(), "{}", study.stem);
        let one = RunFolder { records: vec![runs.records[0].clone()], ..runs.clone() };
        let error = format!("{:#}", study.decide(&one).unwrap_err());
        assert!(error.contains(&format!("run `ocs reproduce {}`", study.stem)), "{error}");
    }
}
