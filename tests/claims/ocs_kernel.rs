use super::spoil::{another, run};
use super::{Case, breaks};
use ocs::metrics::{Phase, PhaseVerdict};
use ocs::record::{KernelRecord, LazyRecord, RunFolder, Series};

/// Of which the kernel moves by less than a tenth.
const STILL: [&str; 5] = [
    "relu-none-centred",
    "relu-all-centred",
    "tanh-none-centred",
    "tanh-none-raw",
    "width-16384-large",
];

fn kernel<'a>(runs: &'a mut RunFolder, condition: &str) -> &'a mut KernelRecord {
    run(runs, condition).kernel.as_mut().unwrap()
}

fn lazy<'a>(runs: &'a mut RunFolder, condition: &str) -> &'a mut LazyRecord {
    kernel(runs, condition).lazy.as_mut().unwrap()
}

/// Another verdict on the same onset and end.
fn turn(phase: &mut Phase) {
    let verdict = PhaseVerdict::of(phase.exists != Some(true));
    *phase = Phase::decided(phase.onset, phase.end, verdict, String::new());
}

fn aligned(claim: &str, condition: &'static str, alignment: f64) -> Case {
    breaks(claim, move |runs| {
        another(runs, condition, |run| {
            let kernel = run.kernel.as_mut().unwrap();
            kernel.ones_alignment[0] = Some(alignment);
            // What is expected of it follows.
            if let Some(expected) = &mut kernel.expected {
                expected.ones_alignment = Some(alignment);
            }
        });
    })
}

pub fn cases() -> Vec<Case> {
    const LARGE: &str = "width-16384-large";
    const NONE: &str = "one-hot-no-lazy-phase";
    let one_hot = |ratio: f64| {
        breaks("one-hot", move |runs| kernel(runs, "width-16384").ratio[0] = Some(ratio))
    };
    let deep = |ratio: f64| {
        breaks("depth", move |runs| {
            another(runs, "depth-8", |run| {
                let kernel = run.kernel.as_mut().unwrap();
                let others = kernel.largest[0] * (kernel.samples as f64 - 1.0) / ratio;
                kernel.trace[0] = kernel.largest[0] + others;
            });
        })
    };
    let foretold = |change: fn(&mut Phase, &Phase)| {
        breaks("lazy-times", move |runs| {
            another(runs, LARGE, |run| {
                let lazy = run.kernel.as_mut().unwrap().lazy.as_mut().unwrap();
                change(&mut lazy.phase, &run.phase);
            });
        })
    };
    vec![
        aligned("relu-makes-a-constant", "relu-all-centred", 0.85),
        aligned("cnn-makes-a-constant", "cnn-none-centred", 0.85),
        aligned("raw-has-it", "tanh-none-raw", 0.85),
        aligned("tanh-makes-none", "tanh-none-centred", 0.2),
        breaks("linear-has-none", |runs| {
            kernel(runs, "cnn-none-centred").inputs.ones_alignment = Some(2e-6);
        }),
        breaks("arc-cosine", |runs| {
            let kernel = kernel(runs, "relu-none-raw");
            let ratio = kernel.ratio[0].map(|ratio| ratio / 1.2);
            kernel.expected.as_mut().unwrap().ratio = ratio;
        }),
        breaks("arc-cosine", |runs| {
            let kernel = kernel(runs, "relu-all-centred");
            let alignment = kernel.ones_alignment[0].map(|alignment| alignment - 0.04);
            kernel.expected.as_mut().unwrap().ones_alignment = alignment;
        }),
        one_hot(2.31),
        one_hot(2.71),
        breaks("one-hot", |runs| kernel(runs, LARGE).ones_alignment[0] = Some(0.98)),
        breaks("one-hot", |runs| kernel(runs, "width-16384").ones_alignment[0] = None),
        breaks("one-hot", |runs| kernel(runs, "width-16384").ratio[0] = None),
        deep(4.66 * 0.8),
        deep(4.66 * 1.2),
        breaks(NONE, |runs| turn(&mut lazy(runs, LARGE).phase)).with(&["lazy-existence"]),
        breaks(NONE, |runs| turn(&mut run(runs, LARGE).phase)).with(&["lazy-existence"]),
        breaks(NONE, |runs| {
            another(runs, LARGE, |run| {
                turn(&mut run.kernel.as_mut().unwrap().lazy.as_mut().unwrap().phase);
                turn(&mut run.phase);
            });
        }),
        breaks(NONE, |runs| kernel(runs, LARGE).ratio[0] = Some(6.1)).with(&["one-hot"]),
        foretold(|lazy, seen| lazy.end = seen.end.map(|end| 1.1 * end)),
        foretold(|lazy, seen| lazy.onset = seen.onset.map(|onset| 0.9 * onset)),
        foretold(|lazy, _| lazy.onset = Some(0.0)),
        breaks("still-kernels-foretell", |runs| {
            let end = &mut lazy(runs, "tanh-none-raw").phase.end;
            *end = end.map(|end| 1.2 * end);
        }),
        breaks("lazy-existence", |runs| turn(&mut lazy(runs, "relu-all-centred").phase)),
        breaks("lazy-existence", |runs| {
            // Two that stand still are too few.
            for condition in &STILL[..3] {
                kernel(runs, condition).drift.fill(Some(0.11));
            }
        }),
        breaks("width-alone-is-not-lazy", |runs| {
            *kernel(runs, "width-16384").drift.last_mut().unwrap() = Some(0.2);
        }),
        breaks("cnn-drift", |runs| {
            *kernel(runs, "cnn-none-raw").cosine.last_mut().unwrap() = Some(0.9);
        }),
        breaks("mlp-drift", |runs| {
            *kernel(runs, "relu-none-raw").drift.last_mut().unwrap() = Some(0.2);
        }),
        breaks("alike-until-the-onset", |runs| {
            // All moments as the first: nothing grew.
            let series = similarity(runs, "cnn-none-raw", "hidden_similarity_2");
            series.values = series.values[..series.size()].repeat(series.step.len());
        }),
        breaks("apart-after-the-onset", |runs| {
            // The last moment's items are all one.
            let series = similarity(runs, "cnn-none-centred", "hidden_similarity_2");
            let last = series.values.len() - series.size();
            series.values[last..].fill(Some(1.0));
        }),
        breaks("never-alike-without-a-phase", |runs| {
            let series = similarity(runs, "tanh-none-centred", "hidden_similarity_1");
            let (size, middle) = (series.size(), series.step.len() / 2);
            series.values[middle * size..][..size].fill(Some(1.0));
        }),
        breaks("never-alike-without-a-phase", |runs| {
            run(runs, "tanh-none-centred").series.clear();
        }),
    ]
}

fn similarity<'a>(runs: &'a mut RunFolder, condition: &str, name: &str) -> &'a mut Series {
    run(runs, condition).series.get_mut(name).unwrap()
}
