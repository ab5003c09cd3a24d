use ocs::claim::{Claim, Verdict};

use crate::quick_runs::claims;
use ocs::record::RunFolder;

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
