//! Do networks trained on CIFAR-10 visit the OCS first? With biases always; without them it depends on the inputs.

use super::{Study, images};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_cifar10",
    question: "Do networks trained on CIFAR-10?",
    source: "Rubruck et al. 2024: CNNs on CIFAR-10 under a hierarchy of labels",
    config: include_str!("../../../configs/ocs_cifar10.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims: |runs| images::claims("CIFAR-10 photographs", runs),
    page: |runs| images::page::page(runs, "CIFAR-10"),
};
