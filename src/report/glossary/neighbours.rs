//! Words of the neighbouring results: prior knowledge, principal components.

use super::term::Term;

const B22: &str = "Braun, Domine, Fitzgerald and Saxe 2022, arXiv 2206.14205";
const H22: &str = "Hacohen and Weinshall 2022, JMLR 23";
const REPRESENTATIONS: &str = "src/probes/representations.rs";

pub const TERMS: &[Term] = &[
    Term::new(
        "balance, λ",
        "What gradient flow conserves of two neighbouring linear layers; zero-balanced layers hold alike what they share. \
         `balance_error` is how far a run's layers are from it.",
    )
    .also(&["lambda", "balanced", "balance_error"])
    .equals("W₂ᵀW₂ − W₁W₁ᵀ = λ I")
    .from(B22)
    .at(&[("src/theory/representation.rs", "balance_errors"), ("src/record/theory.rs", "lambda")]),
    Term::new(
        "representational similarity",
        "Products of all pairs of items in what a layer makes of them: of linear networks W₁ᵀW₁ and W_L W_Lᵀ, of others of what hidden \
         layers answer (`probes: [representations]`).",
    )
    .also(&[
        "RSM",
        "representational similarity matrix",
        "input_similarity",
        "output_similarity",
        "hidden_similarity",
        "network_map",
    ])
    .from(B22)
    .at(&[(REPRESENTATIONS, "Representations"), (REPRESENTATIONS, "HiddenSimilarities")]),
    Term::new(
        "NTK distance",
        "How far a linear network's tangent kernel has turned from that of its start; of other networks `kernel_cosine` tells.",
    )
    .also(&["kernel_distance", "kernel distance"])
    .equals("1 − ⟨Θ(0), Θ⟩ / (‖Θ(0)‖ ‖Θ‖), Frobenius")
    .in_units_of("1, from 0 to 1")
    .from(B22)
    .at(&[("src/theory/representation.rs", "LinearKernel")]),
    Term::new(
        "reach",
        "Which part of its task's map two balanced linear layers come to: `whole`; of a bottleneck the largest modes, as many as there are \
         hidden units; of a square map whose start has the other sign of the determinant (wrong-sign) all but the smallest mode.",
    )
    .also(&["verdict of reach", "bottleneck", "wrong-sign", "excess_loss"])
    .from(B22)
    .at(&[("src/theory/reach.rs", "Reach"), ("src/theory/reach.rs", "ReachVerdict")]),
    Term::new(
        "forgetting",
        "The loss on an earlier task after a later one was learned: half the squared distance of the two maps, whatever the network \
         (`probes: [forgetting]`).",
    )
    .also(&["continual learning", "task_losses", "task_distances"])
    .in_units_of("responses²")
    .from(B22)
    .at(&[("src/probes/forgetting.rs", "Forgetting")]),
    Term::new(
        "projected accuracy",
        "Accuracy on samples of which only the first P principal components are kept (`projections: [P ..]`).",
    )
    .also(&["projected_accuracy"])
    .in_units_of("share")
    .from(H22)
    .at(&[("src/probes/projections.rs", "Projected")]),
];
