//! Onset and end of the OCS phase, and what can be said of their order.

use serde::{Deserialize, Serialize};

use super::Curves;
use super::crossing::{Crossings, Reversal};

/// The early stretch in which responses are near the OCS.
///
/// # When a crossing counts
///
/// Networks that learn from minibatches are noisy, and a quantity that hovers beside its threshold touches it by chance. So a
/// crossing counts if it persists: from it until 1.25 times its time, and for three observations at least (or to the run's end), the threshold was
/// at every moment reached for half of the logarithmic time that had passed since. Curves that cross once, as those of the
/// exact flow do, are not affected. Where `M` is at its threshold for less than a quarter of the logarithmic time between onset
/// and end, noise decides, and the verdict is undecided. In simulations (`tests/phases.rs`) of an `M` that hovers at 1.2 times its
/// threshold with noise of 10 % there is a phase in at most 5 of 100 runs (`M` touches the threshold in more than 25), however
/// long the noise is correlated; an `M` that falls to 0.7 of it with noise of 40 % has its phase in at least 99, and its onset
/// within 5 % (median).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(from = "Written")]
pub struct Phase {
    /// First time with `M <= q ||ybar||` that counts; `null` if never.
    pub onset: Option<f64>,
    /// First time with `V >= q V_target` that counts; `null` if never.
    pub end: Option<f64>,
    /// Whether there is a phase: `verdict` as true, false or `null`.
    pub exists: Option<bool>,
    /// `ln(end/onset)`, negative where the end comes first; `null` if either is missing or zero.
    pub log_ratio: Option<f64>,
    /// What can be said of the order of onset and end.
    pub verdict: PhaseVerdict,
    /// Why, in words.
    pub why: String,
}

/// Whether the mean target was learned before any difference between inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseVerdict {
    /// The onset comes before the end.
    Phase,
    /// Differences between inputs were learned, and no onset came before.
    NoPhase,
    /// The run stopped before its end, or onset and end are nearer to each other than they are known.
    #[default]
    Undecided,
}

impl PhaseVerdict {
    /// Of one that is known.
    pub fn of(exists: bool) -> Self {
        if exists { PhaseVerdict::Phase } else { PhaseVerdict::NoPhase }
    }

    /// As in tables and figures.
    pub fn word(self) -> &'static str {
        match self {
            PhaseVerdict::Phase => "phase",
            PhaseVerdict::NoPhase => "no phase",
            PhaseVerdict::Undecided => "undecided",
        }
    }

    /// The verdict of all, or how often each was found: `phase`, `4 phase, 1 undecided`; `-` of none.
    pub fn tally(verdicts: impl Iterator<Item = PhaseVerdict>) -> String {
        let verdicts: Vec<PhaseVerdict> = verdicts.collect();
        let counts = [PhaseVerdict::Phase, PhaseVerdict::NoPhase, PhaseVerdict::Undecided]
            .map(|verdict| (verdict, verdicts.iter().filter(|&&other| other == verdict).count()));
        let present: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        match present[..] {
            [] => "-".to_owned(),
            [(verdict, _)] => verdict.word().to_owned(),
            _ => {
                let counted = present.iter().map(|(v, count)| format!("{count} {}", v.word()));
                counted.collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn exists(self) -> Option<bool> {
        match self {
            PhaseVerdict::Phase => Some(true),
            PhaseVerdict::NoPhase => Some(false),
            PhaseVerdict::Undecided => None,
        }
    }
}

/// A phase as it stands in a file; schema version 1 knew no verdict.
#[derive(Deserialize)]
struct Written {
    onset: Option<f64>,
    end: Option<f64>,
    exists: Option<bool>,
    log_ratio: Option<f64>,
    #[serde(default)]
    verdict: Option<PhaseVerdict>,
    #[serde(default)]
    why: Option<String>,
}

impl From<Written> for Phase {
    fn from(written: Written) -> Self {
        let Written { onset, end, exists, log_ratio, verdict, why } = written;
        match (verdict, why) {
            (Some(verdict), Some(why)) => Phase { onset, end, exists, log_ratio, verdict, why },
            (_, _) => Phase::between(onset, end),
        }
    }
}

/// A phase in which `M` is at its threshold for less than this share of the logarithmic time is undecided: where `M` hovers beside
/// the threshold, noise alone brings it there now and then.
const LEAST_SHARE: f64 = 0.25;

const PHASE: &str = "the mean output came to the OCS before responses differed between inputs";
const NO_ONSET: &str =
    "responses differed between inputs, and the mean output had not come to the OCS";
const END_FIRST: &str = "responses differed between inputs before the mean output came to the OCS";
const END_AT_START: &str =
    "responses differ between inputs from step 0 on: start smaller (network.initialisation)";
const NO_MEAN: &str = "the mean target is zero: there is no constant to learn";
const NO_END: &str =
    "the run stopped before responses differed between inputs: raise training.steps";

impl Phase {
    /// The phase between two times that are known exactly, as those of a theory are.
    pub fn between(onset: Option<f64>, end: Option<f64>) -> Phase {
        let (verdict, why) = match (onset, end) {
            (_, None) => (PhaseVerdict::Undecided, NO_END),
            (_, Some(0.0)) => (PhaseVerdict::NoPhase, END_AT_START),
            (Some(onset), Some(end)) if onset < end => (PhaseVerdict::Phase, PHASE),
            (Some(_), Some(_)) => (PhaseVerdict::NoPhase, END_FIRST),
            (None, Some(_)) => (PhaseVerdict::NoPhase, NO_ONSET),
        };
        Phase::decided(onset, end, verdict, why.to_owned())
    }

    /// Of a task whose mean target is zero.
    pub fn without_mean(end: Option<f64>) -> Phase {
        Phase::decided(None, end, PhaseVerdict::Undecided, NO_MEAN.to_owned())
    }

    /// With a verdict that was found elsewhere.
    pub fn decided(
        onset: Option<f64>,
        end: Option<f64>,
        verdict: PhaseVerdict,
        why: String,
    ) -> Phase {
        let log_ratio = match (onset, end) {
            (Some(onset), Some(end)) if onset > 0.0 && end > 0.0 => Some((end / onset).ln()),
            _ => None,
        };
        Phase { onset, end, exists: verdict.exists(), log_ratio, verdict, why }
    }

    /// Whether it is known to be there.
    pub fn is_there(&self) -> bool {
        self.verdict == PhaseVerdict::Phase
    }

    /// Geometric mean of onset and end; `None` if either is missing or zero.
    pub fn middle(&self) -> Option<f64> {
        let (onset, end) = (self.onset?, self.end?);
        (onset > 0.0 && end > 0.0).then(|| (onset * end).sqrt())
    }

    /// The phase that curves show, with threshold `q`; crossing times are interpolated between observations, linearly
    /// in the logarithms of time and value.
    pub fn of(curves: &Curves, threshold: f64, ocs_norm: f64, target_variance: f64) -> Phase {
        let mut watch = PhaseWatch::new(threshold, ocs_norm, target_variance);
        let moments = curves.time.iter().zip(&curves.mean_output_error);
        for ((&time, &error), &dependence) in moments.zip(&curves.input_dependence) {
            watch.see(time, error, dependence);
        }
        watch.phase()
    }
}

/// Follows `M` and `V` from moment to moment; the phase can be asked for at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseWatch {
    threshold: f64,
    ocs_norm: f64,
    target_variance: f64,
    /// Of `q ||ybar|| / M`.
    onset: Crossings,
    /// Of `V / (q V_target)`.
    end: Crossings,
    /// Whether it was shown steps between observations too.
    is_read_between: bool,
}

impl PhaseWatch {
    /// With threshold `q`, before the first moment. Where the mean target is zero, as that of odd targets is, `M` has no
    /// threshold, and there is no onset.
    pub fn new(threshold: f64, ocs_norm: f64, target_variance: f64) -> Self {
        PhaseWatch {
            threshold,
            ocs_norm,
            target_variance,
            onset: Crossings::default(),
            end: Crossings::default(),
            is_read_between: false,
        }
    }

    /// Takes note of the same at steps between two observations.
    pub fn see_steps(&mut self, moments: impl Iterator<Item = (f64, f64, f64)>) {
        for (time, mean_output_error, input_dependence) in moments {
            self.is_read_between = true;
            self.see(time, mean_output_error, input_dependence);
        }
    }

    /// q.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Takes note of `M` and `V` at a time; one that is not later than all before, or at which a network has no finite
    /// responses, says nothing.
    pub fn see(&mut self, time: f64, mean_output_error: f64, input_dependence: f64) {
        let is_later = self.end.last_time().is_none_or(|last| time > last);
        if !is_later || !mean_output_error.is_finite() || !input_dependence.is_finite() {
            return;
        }
        if self.ocs_norm > 0.0 {
            let error = mean_output_error.max(f64::MIN_POSITIVE);
            self.onset.see(time, self.threshold * self.ocs_norm / error);
        }
        self.end.see(time, input_dependence / (self.threshold * self.target_variance));
    }

    /// Whether `M` and `V` are at their thresholds or beyond.
    pub fn reached(&self, mean_output_error: f64, input_dependence: f64) -> [bool; 2] {
        [
            mean_output_error <= self.threshold * self.ocs_norm,
            input_dependence >= self.threshold * self.target_variance,
        ]
    }

    /// The phase by what was seen.
    pub fn phase(&self) -> Phase {
        let (onset, end) = (self.onset.first_persistent(), self.end.first_persistent());
        if self.ocs_norm == 0.0 {
            return Phase::without_mean(end.map(|crossing| crossing.time));
        }
        let (mut verdict, mut why) = self.order(onset, end);
        if let (PhaseVerdict::Phase, Some(onset), Some(end)) = (verdict, onset, end) {
            let share = self.onset.share_between(onset.time, end.time);
            if share < LEAST_SHARE {
                verdict = PhaseVerdict::Undecided;
                why = format!(
                    "noise decides: between onset and end M is at its threshold for {:.0} % of the logarithmic time; lower \
                     training.learning_rate, or raise training.batch_size",
                    100.0 * share
                );
            }
        }
        let time = |crossing: Option<Reversal>| crossing.map(|crossing| crossing.time);
        Phase::decided(time(onset), time(end), verdict, why)
    }

    /// The same of a run that diverged: its responses differ between inputs because they grow without bound, so that they have no
    /// onset and no end, and no verdict follows.
    pub fn phase_of_diverged(&self) -> Phase {
        let why = "training diverged: lower training.learning_rate".to_owned();
        Phase::decided(None, None, PhaseVerdict::Undecided, why)
    }

    /// What can be said of the order of two crossings.
    fn order(&self, onset: Option<Reversal>, end: Option<Reversal>) -> (PhaseVerdict, String) {
        if let (Some(onset), Some(end)) = (onset, end)
            && end.time > 0.0
            && let Some(reason) = self.indistinct(&onset, &end)
        {
            return (PhaseVerdict::Undecided, reason);
        }
        let time = |crossing: Option<Reversal>| crossing.map(|crossing| crossing.time);
        let Phase { verdict, why, .. } = Phase::between(time(onset), time(end));
        (verdict, why)
    }

    /// Why two crossings may have come in either order; `None` if they cannot.
    fn indistinct(&self, onset: &Reversal, end: &Reversal) -> Option<String> {
        let (moments, remedy) = if self.is_read_between {
            ("readings", "lower training.learning_rate, or raise training.observations")
        } else {
            ("observations", "raise training.observations")
        };
        if onset.before == end.before {
            return Some(format!(
                "onset and end both lie between the two {moments} at times {} and {}: {remedy}",
                shown(onset.after),
                shown(onset.before)
            ));
        }
        let (first, second) = if onset.time < end.time { (onset, end) } else { (end, onset) };
        // An onset at time 0 is no crossing that was interpolated.
        let touch = first.before == second.after
            && first.before > 0.0
            && second.time - first.time <= first.error.max(second.error);
        touch.then(|| {
            format!(
                "onset and end lie on either side of the {} at time {}, nearer to each other than interpolation is exact: {remedy}",
                moments.trim_end_matches('s'),
                shown(first.before)
            )
        })
    }
}

/// A time for a sentence.
fn shown(time: f64) -> f64 {
    (time * 1e6).round() / 1e6
}

/// First time at which a learned fraction reaches one half, interpolated like the crossings of a phase; `None` if never.
pub fn half_time(time: &[f64], fractions: &[f64]) -> Option<f64> {
    first_time(time, fractions, 0.5)
}

/// First time at which a learned fraction reaches a positive threshold and stays there as an onset does, likewise.
pub fn first_time(time: &[f64], fractions: &[f64], threshold: f64) -> Option<f64> {
    let mut crossings = Crossings::default();
    for (&time, fraction) in time.iter().zip(fractions) {
        crossings.see(time, fraction / threshold);
    }
    crossings.first_persistent().map(|crossing| crossing.time)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments of `M` and `V`; both thresholds are 0.05.
    fn curves(time: &[f64], error: &[f64], dependence: &[f64]) -> Curves {
        Curves {
            time: time.to_vec(),
            mean_output_error: error.to_vec(),
            input_dependence: dependence.to_vec(),
            ..Curves::default()
        }
    }

    fn phase_of(time: &[f64], error: &[f64], dependence: &[f64]) -> Phase {
        Phase::of(&curves(time, error, dependence), 0.1, 0.5, 0.5)
    }

    #[test]
    fn crossing_times_are_interpolated_in_logarithms() {
        // M falls as 1/t, V grows as t.
        let phase = phase_of(
            &[0.0, 1.0, 10.0, 30.0, 100.0],
            &[9.0, 1.0, 0.1, 0.1 / 3.0, 0.01],
            &[0.0, 0.001, 0.01, 0.03, 0.1],
        );
        assert!((phase.onset.unwrap() - 20.0).abs() < 1e-9, "{phase:?}");
        assert!((phase.end.unwrap() - 50.0).abs() < 1e-9);
        assert_eq!(phase.verdict, PhaseVerdict::Phase);
        assert!((phase.log_ratio.unwrap() - 2.5f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn two_crossings_between_the_same_observations_are_undecided() {
        let phase =
            phase_of(&[0.0, 1.0, 10.0, 100.0], &[9.0, 1.0, 0.1, 0.01], &[0.0, 0.001, 0.01, 0.1]);
        assert_eq!((phase.verdict, phase.exists), (PhaseVerdict::Undecided, None));
        assert!(
            phase.why.contains("times 10 and 100") && phase.why.contains("training.observations"),
            "{phase:?}"
        );
        assert!(phase.onset.is_some() && phase.end.is_some(), "the estimates stay");
    }

    #[test]
    fn crossings_on_either_side_of_an_observation_are_decided_if_interpolation_tells_them_apart() {
        let time = [0.0, 1.0, 2.0, 4.0, 8.0];
        let at = |m: f64, v: f64| {
            phase_of(&time, &[9.0, 0.5, m, 0.001, 0.001], &[0.0, 0.001, v, 0.5, 0.5]).verdict
        };
        // M is far below its threshold at t = 2 and V far below its own: the one came long before, the other comes long after.
        assert_eq!(at(0.001, 0.0011), PhaseVerdict::Phase);
        // Both are at their thresholds there but for a hair.
        assert_eq!(at(0.0499, 0.0499), PhaseVerdict::Undecided);
    }

    #[test]
    fn an_end_before_the_onset_is_no_phase() {
        let exists = |onset, end| Phase::between(onset, end).exists;
        assert_eq!(exists(Some(2.0), Some(1.0)), Some(false));
        assert_eq!(exists(Some(1.0), Some(2.0)), Some(true));
        assert_eq!(exists(None, Some(1.0)), Some(false));
        assert_eq!(exists(Some(0.0), Some(0.0)), Some(false));
    }

    #[test]
    fn a_run_that_stopped_before_an_end_is_undecided() {
        for onset in [Some(2.0), None] {
            let phase = Phase::between(onset, None);
            assert_eq!(
                (phase.verdict, phase.exists, phase.log_ratio),
                (PhaseVerdict::Undecided, None, None)
            );
            assert!(phase.why.contains("training.steps"), "{}", phase.why);
        }
    }

    #[test]
    fn a_touch_of_the_threshold_is_no_onset() {
        let time: Vec<f64> = std::iter::once(0.0).chain((0..60).map(|i| 1.1f64.powi(i))).collect();
        let dependence: Vec<f64> =
            time.iter().map(|&t| if t < 100.0 { 0.001 } else { 0.3 }).collect();
        let mut error: Vec<f64> = time.iter().map(|&t| if t < 5.0 { 0.5 } else { 0.06 }).collect();
        error[30] = 0.049;
        let phase = phase_of(&time, &error, &dependence);
        assert_eq!((phase.onset, phase.verdict), (None, PhaseVerdict::NoPhase));
        // Below for good, but for a touch upwards: the phase is there, from its first crossing on.
        for value in &mut error[20..] {
            *value = 0.02;
        }
        error[30] = 0.06;
        let phase = phase_of(&time, &error, &dependence);
        assert!(phase.is_there() && phase.onset.unwrap() < time[20], "{phase:?}");
    }

    #[test]
    fn a_phase_that_is_hardly_ever_at_its_threshold_is_undecided() {
        let time: Vec<f64> = std::iter::once(0.0).chain((0..60).map(|i| 1.1f64.powi(i))).collect();
        let dependence: Vec<f64> =
            time.iter().map(|&t| if t < 100.0 { 0.001 } else { 0.3 }).collect();
        // At the threshold for four observations, which persists, and beside it for the other twenty-odd.
        let mut error = vec![0.06; 61];
        error[20..24].fill(0.04);
        let phase = phase_of(&time, &error, &dependence);
        assert!(phase.onset.is_some() && phase.exists.is_none(), "{phase:?}");
        assert!(phase.why.contains("noise decides"), "{}", phase.why);
        error[20..40].fill(0.04);
        assert!(phase_of(&time, &error, &dependence).is_there());
    }

    #[test]
    fn a_step_at_a_time_finds_what_all_at_once_do() {
        let mut watch = PhaseWatch::new(0.1, 0.5, 0.5);
        let (mut time, mut error, mut dependence) = (Vec::new(), Vec::new(), Vec::new());
        for step in 0..1000 {
            let t = 0.01 * f64::from(step);
            let (m, v) = (0.5 * (-t).exp(), 0.5 * (t / 10.0).powi(4));
            watch.see_steps(std::iter::once((t, m, v)));
            // What is kept of it goes on as if it had not been put away.
            watch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
            time.push(t);
            error.push(m);
            dependence.push(v);
        }
        let phase = watch.phase();
        // An exponential is no line in the logarithms: off by some 1e-3 of a step.
        assert!((phase.onset.unwrap() - 10f64.ln()).abs() < 1e-5, "{phase:?}");
        assert_eq!(phase, phase_of(&time, &error, &dependence));
    }

    #[test]
    fn phases_of_schema_version_1_are_decided_by_their_times() {
        let old = r#"{"onset": 2.0, "end": null, "exists": true, "log_ratio": null}"#;
        assert_eq!(serde_json::from_str::<Phase>(old).unwrap().exists, None);
        let old = r#"{"onset": 2.0, "end": 3.0, "exists": true, "log_ratio": 0.4}"#;
        assert_eq!(
            serde_json::from_str::<Phase>(old).unwrap(),
            Phase::between(Some(2.0), Some(3.0))
        );
    }
}
