use ocs::claim::{Claim, Verdict};

use crate::quick_runs::claims;
use ocs::record::{Record, RunFolder};

use crate::quick_runs;

/// The shipped config's quick form on glyphs: there the trees mean nothing, but what theory foretells must come.
fn trained() -> RunFolder {
    let keys = [
        "task.inputs=glyphs",
        "task.samples.train=160",
        "task.samples.test=80",
        "training.learning_rate=1.5e-3",
        "training.steps=3000",
    ];
    let mut config = quick_runs::shipped("ocs_classes", &keys);
    // Nothing is asked of convolutions here.
    for (name, entries) in &mut config.conditions.0 {
        if name.starts_with("cnn") {
            entries.push("training.steps=3".parse().unwrap());
        }
    }
    quick_runs::trained(&config, |condition| condition.starts_with("cnn"))
}

fn verdict(runs: &RunFolder, id: &str) -> Verdict {
    let claims: Vec<Claim> = claims("ocs_classes", runs).unwrap();
    claims.iter().find(|claim| claim.id == id).unwrap_or_else(|| panic!("no claim {id}")).verdict
}

#[test]
fn theory_foretells_every_contrast_of_linear_networks_and_another_clock_shows() {
    let mut runs = trained();
    assert_eq!(verdict(&runs, "predicted"), Verdict::Holds, "{:#?}", claims("ocs_classes", &runs));
    assert_eq!(verdict(&runs, "linear-constant-first"), Verdict::Holds);
    for theory in &mut runs.theories {
        theory.curves.time.iter_mut().for_each(|time| *time *= 1.1);
    }
    assert_eq!(verdict(&runs, "predicted"), Verdict::Fails);
}

/// Lets two conditions change what they learned, and the trees it was learned under.
fn swap(runs: &mut RunFolder, one: &str, other: &str) {
    for record in &mut runs.records {
        if record.condition == one {
            record.condition = other.to_owned();
        } else if record.condition == other {
            record.condition = one.to_owned();
        }
    }
}

#[test]
fn claims_on_made_up_records_hold_and_notice_what_is_wrong() {
    let sound = super::figures::fake::classes();
    let ids = [
        "linear-constant-first",
        "linear-meaning-is-faster",
        "linear-top-down",
        "linear-images-lead",
        "cnn-meaning-is-faster",
        "mirrored",
        "predicted",
    ];
    for id in ids {
        assert_eq!(verdict(&sound, id), Verdict::Holds, "{id}");
    }
    type Spoil = fn(&mut RunFolder);
    let cases: [(&str, Spoil); 6] = [
        ("linear-meaning-is-faster", |runs| swap(runs, "linear-semantic", "linear-regrouped-1")),
        ("linear-top-down", |runs| swap(runs, "linear-semantic", "linear-regrouped-1")),
        ("linear-images-lead", |runs| swap(runs, "linear-semantic", "linear-regrouped-2")),
        ("cnn-meaning-is-faster", |runs| swap(runs, "cnn-semantic", "cnn-regrouped-3")),
        ("mirrored", |runs| swap(runs, "linear-mirrored", "linear-regrouped-1")),
        ("linear-constant-first", |runs| {
            let late =
                |run: &mut Record| run.phase.onset = run.phase.onset.map(|onset| 50.0 * onset);
            runs.records.iter_mut().for_each(late);
        }),
    ];
    for (id, spoil) in cases {
        let mut spoilt = sound.clone();
        spoil(&mut spoilt);
        assert_eq!(verdict(&spoilt, id), Verdict::Fails, "{id}");
    }
}
