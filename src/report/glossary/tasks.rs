//! What is learned.

use super::term::Term;

const R24: &str = "Rubruck, Bauer, Saxe and Summerfield 2024, arXiv 2406.17467";

pub const TERMS: &[Term] = &[
    Term::new(
        "item",
        "A leaf of the tree: what one input, or one class of images, stands for.",
    )
    .at(&[("src/task/hierarchy.rs", "n_items")])
    .in_reports(),
    Term::new(
        "label",
        "A node of the tree below its root, and the output unit that answers to it. An item has the labels on its path.",
    )
    .at(&[("src/task/hierarchy.rs", "n_labels")])
    .in_reports(),
    Term::new(
        "level",
        "Distance from the root, counted from 1; the top level holds the broadest categories.",
    )
    .at(&[("src/task/hierarchy.rs", "level_columns")])
    .in_reports(),
    Term::new(
        "response ŷ, target y",
        "What the network answers, and what it shall answer: 1 for labels that an item has, 0 for others.",
    )
    .also(&["response", "target", "y", "yhat", "ŷ"])
    .at(&[("src/task/hierarchy.rs", "targets"), ("src/model/loss.rs", "responses")])
    .in_reports(),
    Term::new(
        "optimal constant solution, OCS, ȳ",
        "The one answer to all inputs that is best: the mean target over the training set. Cross-entropies have it in the \
         responses; their outputs (logits) are then others.",
    )
    .also(&["ocs", "ybar", "constant solution", "optimal constant solution (OCS)"])
    .equals("ȳ = ⟨y⟩ = argmin over constants c of ⟨loss(c, y)⟩")
    .in_units_of("responses")
    .from("Rubruck et al. 2024, arXiv 2406.17467; Kang et al. 2024, arXiv 2310.00873")
    .at(&[("src/task/mod.rs", "ocs")])
    .in_reports(),
    Term::new(
        "base rate",
        "Share of the training samples that have a label: the OCS has these for its entries.",
    )
    .equals("p_k = ⟨y_k⟩")
    .in_units_of("share")
    .from(R24)
    .at(&[("src/task/mod.rs", "ocs")]),
    Term::new(
        "hierarchy",
        "The tree of labels: its root is no label, since all items would have it. `task.branching` writes a balanced one, \
         `task.tree` any other.",
    )
    .also(&["tree", "branching"])
    .at(&[("src/task/hierarchy.rs", "Hierarchy"), ("src/config/tree.rs", "Tree")]),
    Term::new(
        "label smoothing",
        "Targets that are not quite 0 and 1 (`training.label_smoothing`); ȳ, M, V and distances are those of the smoothed \
         targets, rates and accuracies are told by the labels.",
    )
    .equals("y' = (1 − ε) y + ε/n, n labels on the level; 1/2 in place of 1/n but under softmax")
    .at(&[("src/config/smoothing.rs", "Smoothing")]),
    Term::new(
        "preprocessing",
        "What is done to images before a network sees them: nothing (raw), each pixel's mean taken off (pixel-centred), each \
         channel brought to mean 0 and standard deviation 1 (channel-standardised), or principal components to one variance \
         (zca-whitened, pca-whitened).",
    )
    .also(&["whitening", "zca", "zca-whitened", "pca-whitened"])
    .at(&[("src/task/preprocessor.rs", "Preprocessor")]),
    Term::new(
        "principal component",
        "A direction of the training inputs, counted from their mean: the first is that along which they vary most, each next one \
         that of those orthogonal to all before. `task.projection` keeps the first of them, `projections` watches networks through \
         them.",
    )
    .also(&["component", "PC", "projection", "projections"])
    .equals("⟨(x − ⟨x⟩)(x − ⟨x⟩)ᵀ⟩ u_k = d_k u_k, d_1 ≥ d_2 ≥ ...")
    .at(&[("src/task/components.rs", "Components")]),
    Term::new(
        "random labels",
        "Labels of the training samples shuffled among them (`task.labels: random`): each is as frequent as before, and all that can \
         be learned of them is to be memorised.",
    )
    .also(&["labels random", "memorisation"])
    .at(&[("src/config/components.rs", "RandomLabels"), ("src/task/samples.rs", "shuffled")]),
];
