//! Do networks trained on MNIST visit the OCS first? With biases always; without them it depends on the inputs.

use super::{Study, images};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_mnist",
    question: "Do networks trained on MNIST?",
    source: "Rubruck et al. 2024: CNNs on MNIST under a hierarchy of labels",
    config: include_str!("../../../configs/ocs_mnist.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims: |runs| images::claims("MNIST digits", runs),
    page: |runs| images::page::page(runs, "MNIST"),
};
