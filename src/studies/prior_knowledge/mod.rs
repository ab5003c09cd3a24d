//! How does what a network starts with shape what it learns, and which representation it ends with?

mod analysis;
mod correlations;
mod page;

use anyhow::Result;

use super::{Study, other_seeds};
use crate::claim::{Claim, above, at_least, at_most, below, between, claim, within};
use crate::config::Config;
use crate::record::{ReachVerdict, Record, RunFolder, TheoryRecord};
use analysis::{
    balanced, deviation, distance_from_task, forgetting, forgetting_error, has_balance,
    is_bottleneck, is_of_features, is_of_two_tasks, is_square, is_unbalanced, loss_of_rank, miss,
    perturbations, singular_values, step_errors, step_ladders, theory_from_task, turned, turned_by,
    turning_time,
};

/// The study.
pub static STUDY: Study = Study {
    stem: "prior_knowledge",
    question: "How does what a network starts with shape what it learns, and which representation it ends with?",
    source: "Braun, Domine, Fitzgerald and Saxe 2022: exact dynamics of two-layer linear networks with prior knowledge; other \
             balances, shapes and signs are our own",
    config: include_str!("../../../configs/prior_knowledge.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: |config| other_seeds(config, is_answered_by_seed),
    claims,
    page: page::page,
};

/// Conditions of which every seed's weights are answered.
fn is_answered_by_seed(condition: &str) -> bool {
    ["shape", "lambda", "square", "unbalanced"].iter().any(|kind| condition.starts_with(kind))
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = exact(runs)?;
    claims.extend(steps(runs)?);
    claims.extend(representations(runs)?);
    claims.extend(reach(runs)?);
    claims.extend(forgetting_claims(runs)?);
    claims.extend(reversal(runs)?);
    Ok(claims)
}

/// Theories of runs whose config fits, of those seeds that were answered.
fn theories<'a>(
    runs: &'a RunFolder,
    wanted: &str,
    fits: impl Fn(&Config) -> bool,
) -> Result<Vec<&'a TheoryRecord>> {
    let picked = runs.pick(wanted, fits)?;
    Ok(picked.into_iter().filter_map(|run| runs.theory_of_run(run)).collect())
}

/// Time by which a bottleneck has learned what it can.
const LATE: f64 = 20.0;

fn is_late_bottleneck(config: &Config) -> bool {
    let training = &config.training;
    is_bottleneck(config) && training.learning_rate * training.steps as f64 >= 0.999 * LATE
}

/// The exact solution, and what is none.
fn exact(runs: &RunFolder) -> Result<Vec<Claim>> {
    const MISS: f64 = 1e-8;
    const QUANTITY: &str = "largest |exact − integrated| of an entry of QQᵀ, until 8/d";
    let of = |wanted: &str, fits: fn(f64) -> bool| -> Result<Vec<Option<f64>>> {
        let theories = theories(runs, wanted, |config| has_balance(config, fits))?;
        Ok(theories.iter().map(|theory| Some(theory.verified?.difference)).collect())
    };
    let zero = of("two zero-balanced layers", |lambda| lambda == 0.0)?;
    let others = of("two lambda-balanced layers", |lambda| lambda != 0.0)?;
    let unbalanced = runs.pick("two layers of normal weights", is_unbalanced)?;
    let late = runs.pick("a bottleneck, until time 20", is_late_bottleneck)?;
    Ok(vec![
        claim("exact-solution-is-the-flow")
            .says("From zero-balanced weights of any shape, size and rank the factored step is the flow.")
            .values(QUANTITY, zero)
            .each(at_most(MISS), "from every start"),
        claim("exact-solution-takes-any-balance")
            .says("So it is for every difference λ of the layers, W₂ᵀW₂ − W₁W₁ᵀ = λI.")
            .values(QUANTITY, others)
            .each(at_most(MISS), "from every start"),
        claim("unbalanced-weights-have-another-flow")
            .says("From unbalanced weights the same formula misses.")
            .control()
            .of(&unbalanced)
            .measures("largest |formula − integrated| of an entry of QQᵀ", |run| {
                miss(run, runs.theory_of_run(run)?)
            })
            .each(above(0.03), "from every start"),
        claim("products-make-rank-that-is-not-there")
            .says("Steps of QQᵀ in place of Q fail behind a bottleneck: rounding makes rank that the network does not have.")
            .control()
            .of(&late)
            .measures("largest |step of QQᵀ − factored step| at time 20", |run| {
                loss_of_rank(run, LATE)
            })
            .each(above(0.1), "from every start"),
    ])
}

/// Gradient descent beside the flow.
fn steps(runs: &RunFolder) -> Result<Vec<Claim>> {
    let ladders = step_ladders(runs)?;
    let errors: Vec<_> = ladders.iter().map(|ladder| step_errors(ladder)).collect();
    let ratios = errors.iter().flat_map(|errors| match errors {
        Some((errors, _)) => errors.windows(2).map(|pair| Some(pair[0] / pair[1])).collect(),
        None => vec![None],
    });
    let gains = errors.iter().map(|errors| {
        let (errors, left) = errors.as_ref()?;
        Some(errors.last()? / left.last()?)
    });
    Ok(vec![
        claim("error-of-steps-is-first-order")
            .says("Gradient descent is off by an error that halves with the step.")
            .values("error of W₂W₁ at a step / at half of it", ratios.collect::<Vec<_>>())
            .each(between(1.85, 2.15), "at each halving, in every run"),
        claim("extrapolation-takes-it-off")
            .says("Richardson's 2y(η/2) − y(η) takes it off.")
            .values("error at the shortest step / what is left", gains.collect::<Vec<_>>())
            .each(at_least(50.0), "in every run"),
    ])
}

/// Which representation is left.
fn representations(runs: &RunFolder) -> Result<Vec<Claim>> {
    const SMALL: f64 = 0.01;
    const LARGE: f64 = 0.42;
    const FITTED: f64 = 2e-3;
    const QUANTITY: &str = "‖W₁ᵀW₁ − (ΣᵀΣ)^½‖ / ‖(ΣᵀΣ)^½‖ at the end";
    let own = runs.pick("features, from balanced or small weights", |config| {
        is_of_features(config)
            && (balanced(config).is_some() || deviation(config).is_some_and(|std| std <= SMALL))
    })?;
    let large = runs.pick("features, from large normal weights", |config| {
        is_of_features(config) && deviation(config).is_some_and(|std| std >= LARGE)
    })?;
    let fit = |runs: &[&Record]| {
        runs.iter().all(|run| run.curves.loss.last().is_some_and(|loss| *loss < FITTED))
    };
    let lambda = theories(runs, "two lambda-balanced layers", |config| {
        has_balance(config, |lambda| lambda != 0.0)
    })?;
    Ok(vec![
        claim("representation-is-the-tasks")
            .says("From every zero-balanced start, small or large, and from small normal weights, the first layer comes to hold inputs as alike as the task alone says.")
            .of(&own)
            .measures(QUANTITY, distance_from_task)
            .each(at_most(0.02), "in every run"),
        claim("large-unbalanced-starts-keep-their-own")
            .says("From large unbalanced weights it keeps its own, although the task is fitted as well.")
            .control()
            .of(&large)
            .measures(QUANTITY, distance_from_task)
            .also(fit(&large))
            .each(above(0.5), "in every run, and losses below 2e-3"),
        claim("balance-sets-the-representation")
            .says("Under another balance it is −λ/2 + (λ²/4 + ΣᵀΣ)^½: less of it the larger λ.")
            .values(
                "relative distance of theory's W₁ᵀW₁ from it at its last time",
                lambda.iter().map(|theory| theory_from_task(theory)),
            )
            .each(at_most(1e-10), "from every start"),
    ])
}

fn has_verdict(theory: &TheoryRecord, verdict: ReachVerdict) -> bool {
    theory.reach.first().is_some_and(|reach| reach.verdict == verdict)
}

/// What can be reached.
fn reach(runs: &RunFolder) -> Result<Vec<Claim>> {
    let square = theories(runs, "a square map of known singular values", is_square)?;
    let of = |verdict| -> Vec<&TheoryRecord> {
        square.iter().copied().filter(|theory| has_verdict(theory, verdict)).collect()
    };
    let (wrong, right) = (of(ReachVerdict::WrongSign), of(ReachVerdict::Whole));
    let smallest = |theory: &TheoryRecord| {
        let values = singular_values(&theory.config)?;
        values.iter().copied().reduce(f64::min)
    };
    let excess = |theory: &&TheoryRecord| {
        Some((theory.curves.loss.last()? / (0.5 * smallest(theory)?.powi(2)) - 1.0).abs())
    };
    let late = runs.pick("a bottleneck, until time 20", is_late_bottleneck)?;
    Ok(vec![
        claim("wrong-sign-stops-short")
            .says("Of a square map, zero-balanced layers whose determinant has the other sign learn all but the smallest mode: the flow stops at ½ s².")
            .values("|L / ½ s² − 1| of theory at its last time, wrong sign", wrong.iter().map(excess))
            .each(below(6e-5), "from every such start"),
        claim("right-sign-learns-all")
            .says("With the right sign it learns all.")
            .values(
                "L of theory at its last time, right sign",
                right.iter().map(|theory| theory.curves.loss.last().copied()),
            )
            .each(below(2e-9), "from every such start"),
        claim("steps-leave-the-saddle")
            .says("Steps unbalance layers, and carry gradient descent off that saddle.")
            .values(
                "L of gradient descent / ½ s² at the last step, wrong sign",
                runs.pick("a square map of known singular values", is_square)?
                    .into_iter()
                    .filter(|run| {
                        let theory = runs.theory_of_run(run);
                        theory.is_some_and(|theory| has_verdict(theory, ReachVerdict::WrongSign))
                    })
                    .map(|run| {
                        let value = singular_values(&run.config)?.iter().copied().reduce(f64::min)?;
                        Some(run.curves.loss.last()? / (0.5 * value * value))
                    }),
            )
            .reported(),
        claim("bottleneck-keeps-the-largest-modes")
            .says("A bottleneck learns the largest modes, as many as it has units: half the sum of the other squares is left.")
            .of(&late)
            .measures("|L / theory's − 1| at the last step", |run| {
                let theory = runs.theory_of(&run.condition)?;
                let reach = theory.reach.first()?;
                let is_named = reach.verdict == ReachVerdict::Bottleneck;
                is_named.then_some((run.curves.loss.last()? / reach.excess_loss - 1.0).abs())
            })
            .each(at_most(1e-3), "in every run"),
    ])
}

/// Two tasks, one after the other.
fn forgetting_claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let of = |wanted: &str, linear: bool| {
        runs.pick(wanted, |config| {
            is_of_two_tasks(config) && config.network.kind.is_linear() == linear
        })
    };
    let (linear, others) =
        (of("two tasks, linear", true)?, of("two tasks, a nonlinear network", false)?);
    const QUANTITY: &str = "|forgetting / ½‖Σ₁ − Σ₂‖² − 1|";
    // One pair of tasks each.
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    let mut conditions: Vec<&str> = Vec::new();
    let mut is_whole = true;
    for run in linear.iter().chain(&others) {
        if !conditions.contains(&&*run.condition) {
            conditions.push(&run.condition);
            match forgetting(run) {
                Some(pair) => pairs.push(pair),
                None => is_whole = false,
            }
        }
    }
    let quantile = is_whole.then(|| correlations::permuted_quantile(&pairs, 0.999)).flatten();
    Ok(vec![
        claim("forgetting-is-half-the-distance")
            .says("While a second task is learned, the first is forgotten by half the squared distance of their maps.")
            .of(&linear)
            .measures(QUANTITY, forgetting_error)
            .each(at_most(1e-6), "in every linear network"),
        claim("nonlinear-networks-forget-as-much")
            .says("So it is for tanh and ReLU networks that fit both.")
            .of(&others)
            .measures(QUANTITY, forgetting_error)
            .each(at_most(0.05), "in every network"),
        claim("other-pairs-do-not-tell")
            .says("Distances of other pairs of tasks do not tell it.")
            .control()
            .values("99.9 % quantile of correlations of forgetting with permuted distances", [quantile])
            .each(below(0.7), ""),
    ])
}

/// When 300 runs of each perturbation were done (independent simulations); of three, 5.1 to 6.2, 12.5 to 13.6 and 27.9 to 29.0 had
/// been told, which every tenth run is outside of.
const TURNING_TIMES: [(f64, [f64; 2]); 3] =
    [(1e-2, [4.7, 8.5]), (1e-4, [11.6, 17.6]), (1e-8, [27.0, 31.7])];

/// All signs turned after they were learned.
fn reversal(runs: &RunFolder) -> Result<Vec<Claim>> {
    let all = runs.pick("turned signs", |config| turned(config).is_some())?;
    let known = |run: &&&Record| {
        let perturbation = turned(&run.config);
        TURNING_TIMES.iter().find(|(of, _)| perturbation == Some(*of))
    };
    let timed: Vec<&Record> = all.iter().filter(|run| known(run).is_some()).copied().collect();
    let is_in_time = |run: &&Record| {
        let within = known(&run).map(|(_, [from, to])| between(*from, *to));
        within.zip(turning_time(run)).is_some_and(|(within, time)| within.admits(time))
    };
    let words = TURNING_TIMES.map(|(of, [from, to])| format!("between {from} and {to} at {of:e}"));
    let balanced = turned_by(runs, 0.0);
    let shallow = turned_by(runs, f64::INFINITY);
    Ok(vec![
        claim("reversal-waits-for-an-imbalance")
            .says("Turned signs are learned the later the better balanced the layers are: a mode that is exactly balanced never passes zero.")
            .of(&timed)
            .measures("time until L < 0.05 · ½‖Σ‖²", turning_time)
            .holds_if(!timed.is_empty() && timed.iter().all(is_in_time), words.join(", ")),
        claim("reversal-waits-for-its-logarithm")
            .says("Among small imbalances it takes 1/s longer for each factor e of balance, s the smallest singular value.")
            .values("s × time lost to better balance / ln of it", slopes(runs))
            .each(within(0.05, 1.0), "between perturbations of at most 1e-4, from every start"),
        claim("exact-balance-waits-for-rounding")
            .says("Without any, rounding alone lifts it.")
            .control()
            .of(&balanced)
            .measures("time until L < 0.05 · ½‖Σ‖²", turning_time)
            .each(at_least(40.0), "in every run"),
        claim("one-layer-does-not-wait")
            .says("One layer turns at once, by ln(80)/2.")
            .of(&shallow)
            .measures("time until L < 0.05 · ½‖Σ‖²", turning_time)
            .each(within(0.05, 80f64.ln() / 2.0), "in every run"),
    ])
}

/// Below this the logarithm is a reversal's time; from 1e-2 on, some starts are 6 % short of it.
const ASYMPTOTIC: f64 = 1e-4;

/// How much later a seed turns from the smaller of two perturbations, over the logarithm of their ratio, times s.
fn slopes(runs: &RunFolder) -> Vec<Option<f64>> {
    let mut levels = perturbations(runs);
    levels.retain(|perturbation| *perturbation <= ASYMPTOTIC);
    let mut slopes = Vec::new();
    for pair in levels.windows(2) {
        for run in turned_by(runs, pair[0]) {
            let other = turned_by(runs, pair[1]).into_iter().find(|other| other.seed == run.seed);
            let slope = || {
                let values = singular_values(&run.config)?;
                let smallest = values.iter().copied().reduce(f64::min)?;
                let later = turning_time(other?)? - turning_time(run)?;
                Some(smallest * later / (pair[0] / pair[1]).ln())
            };
            slopes.push(slope());
        }
    }
    slopes
}
