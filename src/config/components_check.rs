//! What principal components of inputs and random labels go together with.

use anyhow::{Result, ensure};

use super::check::ensure_not_negative;
use super::components::{Labels, Projection, RandomLabels, Whitening};
use super::{Config, Inputs, NetworkKind, Preprocessing, ProbeKind, Targets, TaskConfig};

/// More inputs than any data set's images have.
const MOST_COMPONENTS: usize = 65_536;
/// More projections of every moment would outgrow records.
const MOST_PROJECTIONS: usize = 1000;

impl Preprocessing {
    /// Whether principal components of the images are brought to one variance.
    pub fn is_whitened(self) -> bool {
        match self {
            Preprocessing::PcaWhitened | Preprocessing::ZcaWhitened => true,
            Preprocessing::Raw
            | Preprocessing::PixelCentred
            | Preprocessing::ChannelStandardised => false,
        }
    }
}

impl TaskConfig {
    /// The ridge of whitened images.
    pub fn ridge(&self) -> f64 {
        self.whitening.unwrap_or_default().ridge
    }

    pub(super) fn check_components(&self) -> Result<()> {
        let inputs = self.inputs.name();
        ensure!(
            !self.preprocessing.is_whitened() || self.inputs.are_images(),
            "task.preprocessing whitens images, but task.inputs is {inputs}: set it to raw (task.gaussian.whitened whitens draws)"
        );
        if let Some(Whitening { ridge }) = self.whitening {
            ensure!(
                self.preprocessing.is_whitened(),
                "task.whitening is of task.preprocessing pca-whitened or zca-whitened: set that, or leave it out"
            );
            ensure_not_negative("task.whitening.ridge", ridge)?;
        }
        if let Some(Projection { components }) = self.projection {
            ensure!(
                (1..=MOST_COMPONENTS).contains(&components),
                "task.projection.components must be 1 to {MOST_COMPONENTS}, not {components}"
            );
            self.ensure_has_components("task.projection")?;
            self.ensure_has_so_many("task.projection leaves", components)?;
        }
        self.check_labels()
    }

    fn check_labels(&self) -> Result<()> {
        let Some(Labels::Random(RandomLabels { share, .. })) = self.labels else { return Ok(()) };
        ensure!(
            (0.0..=1.0).contains(&share),
            "task.labels.random.share must be 0 to 1, not {share}"
        );
        let inputs = self.inputs.name();
        ensure!(
            self.inputs.are_images() || self.inputs == Inputs::Gaussian,
            "task.labels random shuffles labels among samples, but task.inputs {inputs} has one vector for each item: shuffle items by \
             task.permutation, or use images or gaussian"
        );
        ensure!(
            self.gaussian.as_ref().is_none_or(|gaussian| !gaussian.mirrored),
            "task.labels random gives opposite inputs what are no opposite targets: set task.gaussian.mirrored to false, or leave it out"
        );
        Ok(())
    }

    /// Principal components are told of inputs whose variances differ, or could.
    fn ensure_has_components(&self, key: &str) -> Result<()> {
        ensure!(
            self.inputs.are_images() || self.inputs == Inputs::Gaussian,
            "{key} is told in principal components of the inputs, but those of task.inputs {} all vary alike: use images or gaussian, or \
             leave it out",
            self.inputs.name()
        );
        Ok(())
    }

    /// Inputs vary along no more components than they have numbers, and fewer than there are samples of them. Of images the
    /// data say when they are read: pixels that never vary are none.
    fn ensure_has_so_many(&self, asked: &str, count: usize) -> Result<()> {
        let samples = self.samples.train.filter(|_| self.inputs.are_images());
        if let Some(samples) = samples {
            ensure!(
                count < samples,
                "{asked} {count} components, but {samples} training samples vary along {} at most: ask for no more, or raise \
                 task.samples.train",
                samples.saturating_sub(1)
            );
        }
        if self.inputs == Inputs::Gaussian {
            let dimension = self.gaussian.clone().unwrap_or_default().dimension;
            ensure!(
                count <= dimension,
                "{asked} {count} components, but task.gaussian.dimension is {dimension}: ask for no more"
            );
        }
        Ok(())
    }

    /// Whether a response is right or wrong: which label it names, or which of two numbers it is nearer to.
    fn ensure_can_be_right(&self, key: &str) -> Result<()> {
        ensure!(
            self.has_tree() || matches!(self.targets, Some(Targets::Sign(_))),
            "{key} tells right from wrong, but task.targets {} are numbers: set them to sign, or use a tree's labels, or leave it out",
            self.targets.as_ref().map_or("of a tree", Targets::name)
        );
        ensure!(
            self.target_scale.is_none(),
            "{key} tells right from wrong by labels, but task.target_scale changes them: leave one out"
        );
        Ok(())
    }
}

impl Config {
    /// Whether principal components of the training inputs are asked for besides those that inputs are made of.
    pub fn watches_components(&self) -> bool {
        !self.projections.is_empty()
    }

    pub(super) fn check_components(&self) -> Result<()> {
        ensure!(
            self.task.preprocessing != Preprocessing::PcaWhitened
                || self.network.kind != NetworkKind::Cnn,
            "task.preprocessing pca-whitened makes a list of components, in which no pixel has neighbours, but network.kind is cnn: \
             set task.preprocessing to zca-whitened, which stays an image"
        );
        if self.probes.contains(&ProbeKind::Examples) {
            self.task.ensure_can_be_right("probes lists examples, which")?;
        }
        if self.projections.is_empty() {
            return Ok(());
        }
        ensure!(
            self.projections.len() <= MOST_PROJECTIONS,
            "projections lists {} numbers of components: at most {MOST_PROJECTIONS}",
            self.projections.len()
        );
        ensure!(
            self.projections.windows(2).all(|pair| pair[0] < pair[1]) && self.projections[0] >= 1,
            "projections must be increasing numbers of components, from 1 on"
        );
        let most = self.projections.last().copied().unwrap_or_default();
        if let Some(projection) = &self.task.projection {
            ensure!(
                most <= projection.components,
                "projections goes up to {most} components, but task.projection leaves {}: ask for no more",
                projection.components
            );
        }
        self.task.ensure_has_components("projections")?;
        self.task.ensure_has_so_many("projections goes up to", most)?;
        self.task.ensure_can_be_right("projections, which")
    }
}
