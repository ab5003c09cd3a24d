//! What is measured.

use super::term::Term;

const JUDGE: &str = "src/metrics/judge.rs";
const PHASE: &str = "src/metrics/phase.rs";

pub const TERMS: &[Term] = &[
    Term::new(
        "M, mean-output error",
        "‖⟨ŷ⟩ − ȳ‖: how far the mean response is from the OCS. ⟨·⟩ averages over samples, with their weights. Figures show M / ‖ȳ‖.",
    )
    .also(&["mean output error"])
    .equals("M = ‖⟨ŷ⟩ − ȳ‖")
    .in_units_of("responses")
    .at(&[(JUDGE, "mean_output_error")])
    .in_reports(),
    Term::new(
        "V, input dependence",
        "⟨‖ŷ − ⟨ŷ⟩‖²⟩: how much responses differ between inputs. Figures show √(V / V of the targets).",
    )
    .equals("V = ⟨‖ŷ − ⟨ŷ⟩‖²⟩;  V of the targets = ⟨‖y − ⟨y⟩‖²⟩")
    .in_units_of("responses²")
    .at(&[(JUDGE, "input_dependence"), (JUDGE, "target_variance")])
    .in_reports(),
    Term::new(
        "distance to OCS, D_ocs",
        "How far responses are from the optimal constant solution, in the mean square: what M and V add up to.",
    )
    .also(&["distance to the OCS", "D to OCS", "D"])
    .equals("D_ocs = ⟨‖ŷ − ȳ‖²⟩ = M² + V")
    .in_units_of("responses²")
    .at(&[(JUDGE, "distance_to_ocs")]),
    Term::new(
        "distance to targets, D_target",
        "How far responses are from the targets, in the mean square: twice the half squared error.",
    )
    .equals("D_target = ⟨‖ŷ − y‖²⟩")
    .in_units_of("responses²")
    .at(&[(JUDGE, "distance_to_targets")]),
    Term::new(
        "true negative rate, TNR",
        "Of a level: mean over absent labels of 1 − clip(ŷ, 0, 1), how far they are rejected. Only the top level's (TNR_1) is \
         diagnostic of the OCS: at the OCS it dips to what base rates make of it.",
    )
    .also(&["TNR_1", "graded TNR", "correct-rejection rate"])
    .equals("TNR = Σ over absent labels of (1 − clip(ŷ, 0, 1)) / number of absent labels")
    .in_units_of("share")
    .from("Rubruck et al. 2024, arXiv 2406.17467 (there thresholded)")
    .at(&[(JUDGE, "true_negative_rate"), ("src/plot/curve.rs", "ocs_floor")])
    .in_reports(),
    Term::new(
        "true positive rate, TPR",
        "Of a level: mean over present labels of clip(ŷ, 0, 1), how far they are accepted.",
    )
    .also(&["hit rate"])
    .in_units_of("share")
    .at(&[(JUDGE, "true_positive_rate")]),
    Term::new(
        "level accuracy",
        "Share of samples whose strongest response within a level's labels is that of the right label.",
    )
    .also(&["accuracy"])
    .in_units_of("share")
    .at(&[(JUDGE, "level_accuracy")]),
    Term::new(
        "threshold, q",
        "Where M and V cross to begin and to end the OCS phase: the key phase_threshold, 0.1 unless a config says otherwise. Figures of \
         M/‖ȳ‖ and √(V / V of targets) have lines at q and at √q; tables say what the verdict would be at half and at twice of it.",
    )
    .also(&["phase_threshold", "phase threshold", "sensitivity"])
    .equals("M(onset) = q ‖ȳ‖,  V(end) = q · V of the targets")
    .at(&[("src/config/mod.rs", "phase_threshold"), (PHASE, "phase")]),
    Term::new(
        "onset",
        "First time that counts at which M ≤ q ‖ȳ‖; q is 0.1 unless a config says otherwise. A crossing counts if it \
         persists: from it until 1.25 times its time the threshold is reached for half of the logarithmic time.",
    )
    .also(&["onset of the OCS phase"])
    .equals("M(onset) = q ‖ȳ‖,  q = phase_threshold = 0.1")
    .in_units_of("time t")
    .at(&[(PHASE, "phase"), ("src/metrics/crossing.rs", "first_persistent")])
    .in_reports(),
    Term::new(
        "end",
        "First time that counts at which V ≥ q times V of the targets.",
    )
    .also(&["end of the OCS phase"])
    .equals("V(end) = q · V of the targets")
    .in_units_of("time t")
    .at(&[(PHASE, "phase"), ("src/metrics/crossing.rs", "first_persistent")])
    .in_reports(),
    Term::new(
        "OCS phase",
        "The stretch between onset and end, where the constant is learned and no input is told from another. Its length is \
         ln(end/onset).",
    )
    .also(&["phase", "log_ratio", "end/onset", "length of the phase"])
    .equals("there is one if onset < end; length = ln(end / onset)")
    .in_units_of("length: 1")
    .from("Rubruck et al. 2024, arXiv 2406.17467; the thresholds are ours")
    .at(&[(PHASE, "Phase"), (PHASE, "PhaseVerdict")])
    .in_reports(),
    Term::new(
        "undecided",
        "The run stopped before an end, or onset and end are nearer to each other than they are known.",
    )
    .also(&["verdict", "no phase", "no-phase"])
    .at(&[(PHASE, "PhaseVerdict")])
    .in_reports(),
    Term::new(
        "half time",
        "Time at which something that is learned has reached half of where it leads.",
    )
    .equals("of a mode: t½ = ln(a∞/a0 − 1) / 2s in two layers")
    .in_units_of("time t")
    .at(&[(PHASE, "half_time"), ("src/theory/modes.rs", "time_of_fraction")]),
    Term::new(
        "neural tangent kernel, NTK, Θ",
        "How alike a step on one sample changes the responses to another: products of the outputs' gradients with respect to all \
         parameters, averaged over outputs. κ₀, κ₁ ... are its eigenvalues over the number of samples, the largest first.",
    )
    .also(&["Theta", "kernel", "tangent kernel", "kappa", "κ", "κ₀", "kappa_0", "kernel_largest"])
    .equals("Θ(x, x') = (1/K) Σ_k ⟨∂f_k(x)/∂θ, ∂f_k(x')/∂θ⟩;  κ: eigenvalues of Θ/N")
    .from("Jacot, Gabriel and Hongler 2018, arXiv 1806.07572")
    .at(&[("src/model/kernel.rs", "tangent_kernel"), ("src/record/kernel.rs", "KernelRecord")]),
    Term::new(
        "kernel ratio, κ₀/κ₁",
        "Largest over second eigenvalue of a kernel: how much faster the constant is learned than what tells inputs apart. A lazy \
         network of which all label variance lies at κ₁ has a phase above 6.06.",
    )
    .also(&["kappa_0/kappa_1", "kernel_ratio", "ratio", "6.057"])
    .equals("κ₀/κ₁ > ln(0.1) / ln(1 − √0.1) = 6.06 for a phase")
    .in_units_of("1")
    .at(&[("src/theory/kernel.rs", "ratio"), ("src/theory/gram.rs", "ratio")]),
    Term::new(
        "alignment with the constant",
        "How near a kernel's top eigenvector is to the constant, which all samples share: 1 if it is that.",
    )
    .also(&["ones alignment", "kernel_ones_alignment", "ones_overlap"])
    .equals("|⟨v_top, 1⟩| / √N")
    .in_units_of("1, from 0 to 1")
    .at(&[("src/theory/kernel.rs", "ones_alignment"), ("src/theory/gram.rs", "ones_overlap")]),
    Term::new(
        "accessibility",
        "How easy a sample is: the share of moments along training, and of networks, at which it is answered right (`probes: \
         [examples]`).",
    )
    .also(&["examples"])
    .in_units_of("1, from 0 to 1")
    .from("Hacohen and Weinshall 2022, JMLR 23")
    .at(&[("src/probes/examples.rs", "Examples")]),
    Term::new(
        "critical component",
        "The number of principal components from which on linear regression tells a sample right (`projections`); one more than are \
         asked of if none is enough.",
    )
    .also(&["critical principal component", "critical_component"])
    .from("Hacohen and Weinshall 2022, who take the first number that is right, not the first of all to the last")
    .at(&[("src/theory/critical.rs", "critical_components")]),
    Term::new(
        "kernel drift",
        "How far the tangent kernel moved from that of the start.",
    )
    .equals("‖Θ − Θ(0)‖ / ‖Θ(0)‖, Frobenius norms")
    .in_units_of("1")
    .at(&[("src/theory/kernel.rs", "kernel_drift")]),
    Term::new(
        "lazy",
        "Of learning whose kernel stands still; the lazy prediction is what a network with the kernel of its start would do. Large \
         initial weights and wide layers bring networks near it; small ones make them rich: they learn features.",
    )
    .also(&["lazy prediction", "rich"])
    .at(&[("src/theory/kernel.rs", "lazy_responses"), ("src/record/kernel.rs", "LazyRecord")]),
    Term::new(
        "Gram matrix",
        "Products of all pairs of inputs: the kernel of one linear layer. Its spectrum tells from images alone whether a linear \
         network without biases has a phase (`ocs gram`).",
    )
    .also(&["gram", "X Xᵀ"])
    .equals("X Xᵀ / N;  κ: its eigenvalues, the largest first")
    .at(&[("src/theory/gram.rs", "Gram")]),
];
