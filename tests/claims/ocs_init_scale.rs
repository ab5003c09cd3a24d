use super::spoil::{both, longer, of_length, onset_at, run, theory};
use super::{Case, breaks};
use ocs::record::RunFolder;

/// Theory's grid at one depth and bias.
fn grid(runs: &mut RunFolder, depth: usize, bias: &str, change: impl Fn(f64) -> f64) {
    let prefix = format!("theory-depth-{depth}-{bias}-");
    for theory in runs.theories.iter_mut().filter(|t| t.condition.starts_with(&prefix)) {
        let length = change(theory.phase.log_ratio.unwrap());
        of_length(&mut theory.phase, length);
    }
}

fn length(runs: &mut RunFolder, condition: &str) -> f64 {
    theory(runs, condition).phase.log_ratio.unwrap()
}

/// Cases of a network of such a depth, of which these are the two weakest starts that are trained.
fn of_depth(depth: usize, near: f64, [weakest, before]: [&'static str; 2]) -> Vec<Case> {
    let name = move |bias: &str, start: &str| format!("depth-{depth}-{bias}-{start}");
    let on_grid = move |bias: &str, start: &str| format!("theory-{}", name(bias, start));
    let limit = 3f64.ln();
    let saturates = format!("input-saturates-at-depth-{depth}");
    let none = format!("none-at-depth-{depth}");
    let mut cases = vec![
        breaks(none.clone(), move |runs| both(runs, &name("none", weakest), onset_at(0.999))),
        breaks(none, move |runs| {
            onset_at(0.999)(&mut theory(runs, &on_grid("none", "1e-5")).phase)
        }),
        // Twice as far from the limit as it may be, in the same order.
        breaks(saturates.clone(), move |runs| {
            let gap = limit - length(runs, &on_grid("input", "1e-10"));
            grid(runs, depth, "input", |length| length + gap - 2.0 * near);
        }),
        // Beyond the limit.
        breaks(saturates.clone(), move |runs| {
            both(runs, &name("input", weakest), |phase| of_length(phase, limit + 1e-3));
        }),
        breaks(saturates.clone(), move |runs| {
            of_length(&mut theory(runs, &on_grid("input", "1e-10")).phase, limit + 1e-3);
        }),
    ];
    for (bias, claim) in [
        ("input", saturates),
        ("output", format!("output-grows-at-depth-{depth}")),
        ("all", format!("all-grows-at-depth-{depth}")),
    ] {
        // A start that is weaker and no longer, measured and of theory.
        cases.push(breaks(claim.clone(), move |runs| {
            let last = run(runs, &name(bias, weakest)).phase.log_ratio.unwrap();
            both(runs, &name(bias, before), |phase| of_length(phase, last));
        }));
        cases.push(breaks(claim.clone(), move |runs| {
            let last = length(runs, &on_grid(bias, "1e-10"));
            of_length(&mut theory(runs, &on_grid(bias, "1e-9.5")).phase, last);
        }));
        if bias != "input" {
            cases.push(breaks(claim, move |runs| {
                let longest = length(runs, &on_grid(bias, "1e-10"));
                grid(runs, depth, bias, |length| length * 1.98 * limit / longest);
            }));
        }
    }
    cases
}

pub fn cases() -> Vec<Case> {
    let mut cases = of_depth(2, 0.05, ["1e-10", "1e-8"]);
    cases.extend(of_depth(3, 0.001, ["1e-4", "1e-3"]));
    for (condition, by) in [("depth-2-none-1e-2", -0.04), ("depth-3-output-1e-4", 0.04)] {
        cases.push(breaks("lengths-are-theorys", move |runs| {
            let expected = theory(runs, condition).phase.clone();
            run(runs, condition).phase = expected;
            longer(by)(&mut run(runs, condition).phase);
        }));
    }
    cases
}
