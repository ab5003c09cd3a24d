//! How it is learned, and what theory says of that.

use super::term::Term;

const MODES: &str = "src/theory/modes.rs";
const S14: &str = "Saxe, McClelland and Ganguli 2014, arXiv 1312.6120";

pub const TERMS: &[Term] = &[
    Term::new(
        "time t",
        "The sum of the steps' learning rates: η · step where the rate stays the same.",
    )
    .also(&["time", "t"])
    .equals("t = Σ η over steps")
    .in_units_of("1 (η · step)")
    .at(&[("src/config/stretches.rs", "Span")])
    .in_reports(),
    Term::new("step", "One update of the weights. Metrics are observed after so many.")
        .also(&["steps", "update"])
        .at(&[("src/config/mod.rs", "steps")]),
    Term::new(
        "learning rate, η",
        "The size of a step: weights change by η times the gradient of the loss, which is averaged over samples and summed over \
         labels.",
    )
    .also(&["eta", "lr"])
    .equals("W ← W − η ∂L/∂W")
    .at(&[("src/config/mod.rs", "learning_rate"), ("src/config/schedule.rs", "Schedule")]),
    Term::new("bias", "An additive parameter of a layer, zero at the start.")
        .also(&["biases", "network.bias"])
        .at(&[("src/config/network.rs", "bias")])
        .in_reports(),
    Term::new(
        "loss, half squared error",
        "What training lowers; averaged over samples and not over labels, so that time is η · step.",
    )
    .also(&["half-squared-error", "squared error"])
    .equals("L = ⟨½ ‖ŷ − y‖²⟩")
    .in_units_of("responses²")
    .at(&[("src/model/loss.rs", "losses")]),
    Term::new(
        "binary cross-entropy",
        "A loss of outputs z that are logits of each label by itself. Its OCS is ȳ in the responses σ(z).",
    )
    .also(&["binary-cross-entropy", "BCE"])
    .equals("L = −⟨Σ [y ln σ(z) + (1 − y) ln(1 − σ(z))]⟩")
    .in_units_of("nats")
    .at(&[("src/model/loss.rs", "losses")]),
    Term::new(
        "softmax cross-entropy",
        "A loss of outputs z with one softmax for the labels of each level. Its OCS is ȳ in the responses; in outputs the log prior.",
    )
    .also(&["softmax-cross-entropy", "cross-entropy", "softmax"])
    .equals("L = −⟨Σ y ln softmax(z)⟩")
    .in_units_of("nats")
    .at(&[("src/model/loss.rs", "losses")]),
    Term::new(
        "gradient flow",
        "The limit of small steps, η → 0 at fixed t; what theory describes.",
    )
    .also(&["flow"])
    .equals("dW/dt = −∂L/∂W")
    .at(&[("src/theory/flow.rs", "LinearFlow")]),
    Term::new(
        "singular mode",
        "A direction in inputs (v) and one in responses (u) that a linear network learns by themselves, with the singular value s of \
         the input-output correlation; in a balanced tree the constant, and the contrasts of each level.",
    )
    .also(&["mode", "modes", "singular value", "s"])
    .equals("Σ_yx = ⟨y xᵀ⟩ = Σ_α s_α u_α v_αᵀ")
    .from(S14)
    .at(&[(MODES, "Mode"), ("src/theory/balanced.rs", "modes")]),
    Term::new(
        "mode strength",
        "How strongly a network answers along one singular direction of inputs and targets: that of the constant, or of a level's \
         contrasts.",
    )
    .also(&["a", "a(t)", "strength", "mode_strengths"])
    .equals("a(t) = uᵀ W(t) v;  two layers: a(t) = a∞ / (1 + (a∞/a0 − 1) e^(−2st)),  a∞ = s/d")
    .in_units_of("responses per input")
    .from(S14)
    .at(&[(MODES, "strength"), ("src/metrics/mode_reader.rs", "strengths")])
    .in_reports(),
    Term::new(
        "learned fraction",
        "A mode's strength over what it leads to.",
    )
    .equals("f = a / a∞ = a d / s")
    .in_units_of("share")
    .at(&[(MODES, "learned_fraction"), ("src/record/theory.rs", "learned_fraction")]),
    Term::new(
        "contrasts",
        "Directions that tell the branches of a level from each other: zero in the mean, one value within a branch.",
    )
    .also(&["contrast"])
    .at(&[("src/metrics/contrasts.rs", "Contrasts")]),
    Term::new(
        "aligned start, a0",
        "Initial weights along the modes, each of end-to-end strength a0.",
    )
    .also(&["aligned", "a₀", "initial strength"])
    .equals("a(0) = a0, each of L layers a0^(1/L)")
    .from(S14)
    .at(&[("src/config/initialisation.rs", "Aligned"), ("src/theory/mod.rs", "aligned_start")])
    .in_reports(),
    Term::new(
        "initial scale",
        "Standard deviation of initial weights: `normal: {std}`, or a gain on what the width asks for (`kaiming`, `orthogonal`). \
         Small ones make the phase long.",
    )
    .also(&["init_scale", "gain", "std", "kaiming", "initialisation"])
    .at(&[("src/config/initialisation.rs", "Initialisation"), ("src/model/initialisation.rs", "draw")]),
    Term::new(
        "closed form",
        "Theory's answer as a formula. Elsewhere the flow's equations are integrated, or eigenvectors of a kernel found; records of \
         theory say which (`method`).",
    )
    .also(&["theory", "method", "integrated", "spectral"])
    .at(&[("src/record/theory.rs", "Method"), ("src/theory/mod.rs", "Theory")]),
    Term::new(
        "Riccati solution",
        "The exact course of a linear network of two layers from balanced random weights.",
    )
    .also(&["riccati"])
    .from("Fukumizu 1998; Braun et al. 2022; Domine et al. 2024")
    .at(&[("src/theory/riccati.rs", "Riccati")]),
    Term::new(
        "NTK parametrisation",
        "Weights of size 1 over the root of how many a unit sees: the tangent kernel of wide networks does not grow with their width.",
    )
    .also(&["parametrisation"])
    .equals("h = W x / √n + b, n inputs of the layer")
    .at(&[("src/config/network.rs", "Parametrisation"), ("src/model/pass.rs", "scaled")])
    .from("Jacot, Gabriel and Hongler 2018, arXiv 1806.07572"),
    Term::new(
        "antisymmetric start",
        "Units of the last hidden layer in pairs whose answers cancel: the network starts at 0, with the gradients of independent units.",
    )
    .also(&["antisymmetric"])
    .at(&[("src/config/initialisation.rs", "Antisymmetric")])
    .from("Zhang et al. 2020, arXiv 1905.07777"),
    Term::new(
        "linear twin",
        "The linear model of inputs, a constant and their norm that a wide network of two layers begins as.",
    )
    .also(&["twin", "linear-twin", "twin_difference", "twin_loss", "twin_rates", "network_loss"])
    .equals("D = ⟨(f − f of the twin)²⟩ / ⟨y²⟩")
    .at(&[("src/theory/linear_twin.rs", "TwinFeatures"), ("src/probes/linear_twin.rs", "LinearTwin")])
    .from("Hu, Xiao, Adlam and Pennington 2020, arXiv 2006.14599"),
    Term::new(
        "principal component bias",
        "Wide linear networks from weights of variance 1/m learn along each principal component of their inputs by itself, the larger its \
         variance the sooner, whatever the targets.",
    )
    .also(&["principal components", "lazy start", "normal-over-width"])
    .equals("w_j − w_opt,j → (1 − η d_j L)^s (w_j − w_opt,j), half time ln 2 / (L d_j)")
    .at(&[
        ("src/theory/principal_components.rs", "WideLinear"),
        ("src/probes/components.rs", "Components"),
        ("src/config/initialisation.rs", "NormalOverWidth"),
    ])
    .from("Hacohen and Weinshall 2022, arXiv 2105.05553"),
];
