//! What is watched along training: who judges responses, and probes, which turn what they see into series of the record.
//!
//! A probe that is new is a file here, a variant of `config::ProbeKind`, and a row in `probes_of`.

mod components;
mod each_sample;
mod ends;
mod examples;
mod forgetting;
mod judges;
mod kernel;
mod linear_twin;
mod normalisation;
mod parity;
mod probe;
mod projections;
mod representations;
mod spectra;

use std::sync::Arc;

use crate::config::{Affine, Config, ProbeKind};
use crate::task::Task;

use components::Components;
use each_sample::EachSample;
use ends::{LayerWeights, Responses};
use examples::Examples;
use forgetting::Forgetting;
pub use judges::Judges;
use kernel::Kernels;
use linear_twin::LinearTwin;
use normalisation::AffineNorms;
use parity::Parity;
pub use probe::{Probe, State};
use projections::Projected;
pub use representations::MOST_NUMBERS;
use representations::{HiddenSimilarities, Representations};
use spectra::Spectra;

/// The probes of a run, with their names: those that its config lists, tangent kernels if it asks for them, and what its
/// normalisation multiplies by and adds. `tasks` are those of its stretches.
pub fn probes_of(config: &Config, tasks: &[Arc<Task>]) -> Vec<(&'static str, Box<dyn Probe>)> {
    let task = &tasks[0];
    let mut probes: Vec<(&'static str, Box<dyn Probe>)> = Vec::new();
    if let Some(kernel) = config.kernel {
        probes.push(("kernel", Box::new(Kernels::new(kernel, config, task))));
    }
    if config.network.normalisation.affine() != Affine::None {
        probes.push(("normalisation", Box::new(AffineNorms)));
    }
    if config.record.responses.is_some() {
        probes.push(("each-sample", Box::new(EachSample::new(config, task))));
    }
    if !config.projections.is_empty() {
        probes.push(("projections", Box::new(Projected::new(config, tasks))));
    }
    let steps = config.total_steps();
    for kind in &config.probes {
        let probe: Option<Box<dyn Probe>> = match kind {
            ProbeKind::LayerSpectra => Some(Box::new(Spectra)),
            ProbeKind::LayerWeights => Some(Box::new(LayerWeights { steps })),
            ProbeKind::Responses => Some(Box::new(Responses { steps })),
            ProbeKind::LinearTwin => Some(Box::new(LinearTwin::new(config, task))),
            ProbeKind::Parity => {
                Parity::new(config, task).map(|parity| Box::new(parity) as Box<dyn Probe>)
            }
            ProbeKind::Representations if !config.network.kind.is_linear() => {
                Some(Box::new(HiddenSimilarities::new(task)))
            }
            ProbeKind::Representations => {
                Representations::new(config, task).map(|probe| Box::new(probe) as Box<dyn Probe>)
            }
            ProbeKind::Examples => Some(Box::new(Examples::new(config, tasks))),
            ProbeKind::Components => {
                Components::new(config, task).map(|probe| Box::new(probe) as Box<dyn Probe>)
            }
            ProbeKind::Forgetting => Some(Box::new(Forgetting::new(tasks))),
        };
        probes.extend(probe.map(|probe| (kind.name(), probe)));
    }
    probes
}
