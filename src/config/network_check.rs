//! Ranges and combinations of what stands under `network`.

use anyhow::{Result, bail, ensure};

use super::check::{ensure_fraction, ensure_scale};
use super::{
    Activation, Aligned, Antisymmetric, Balanced, Bias, Config, Evaluation, GroupNormalisation,
    Initialisation, Inputs, Kaiming, Loss, Mirrored, NetworkConfig, NetworkKind, Normal,
    NormalOverWidth, Normalisation, Orthogonal, Parametrisation, PerBlock, Pooling, StartMap,
    TaskConfig,
};

/// More units a layer would not fit into memory.
const MOST_UNITS: usize = 65_536;
const MOST_LAYERS: usize = 101;
/// Larger weights diverge at the first step.
const MOST_BALANCE: f64 = 1e6;
/// Larger kernels and strides leave nothing of any image.
const MOST_PIXELS: usize = 63;

impl NetworkConfig {
    pub(super) fn check(&self, task: &TaskConfig) -> Result<()> {
        ensure!(
            self.hidden.len() < MOST_LAYERS,
            "network.hidden lists {} layers: at most {}",
            self.hidden.len(),
            MOST_LAYERS - 1
        );
        for &width in &self.hidden {
            ensure!(
                (1..=MOST_UNITS).contains(&width),
                "network.hidden has a width of {width}: every layer has 1 to {MOST_UNITS} units"
            );
        }
        match self.kind {
            NetworkKind::Cnn => self.check_blocks(task.inputs)?,
            NetworkKind::Linear | NetworkKind::Mlp => self.check_has_no_blocks()?,
        }
        self.check_normalisation()?;
        self.check_several_are_normalised(task.inputs)?;
        if let Some(slope) = self.negative_slope {
            ensure!(
                self.activation == Activation::LeakyRelu,
                "network.negative_slope is {slope}, but only leaky-relu has one: set network.activation to leaky-relu, or this to null"
            );
            ensure!(
                (0.0..=1.0).contains(&slope),
                "network.negative_slope must be 0 to 1, not {slope}"
            );
        }
        self.check_layer_scales()?;
        ensure!(
            self.parametrisation == Parametrisation::Standard || !self.kind.is_linear(),
            "network.parametrisation ntk is for mlp and cnn, but network.kind is linear, whose closed forms are those of plain layers: \
             leave it out, or set network.kind"
        );
        match self.initialisation {
            Initialisation::Aligned(Aligned { a0, biases: _ }) => {
                ensure_scale("initialisation.aligned.a0", a0)?;
                ensure!(
                    self.kind.is_linear(),
                    "network.initialisation.aligned is for linear networks: use normal, kaiming or orthogonal, or leave it out"
                );
                Ok(())
            }
            Initialisation::Normal(Normal { std }) => {
                ensure_scale("initialisation.normal.std", std)
            }
            Initialisation::Kaiming(Kaiming { gain }) => {
                ensure!(
                    self.parametrisation == Parametrisation::Standard,
                    "network.initialisation kaiming divides weights by the root of how many a unit has, and network.parametrisation ntk \
                     does so again: use normal: {{std: 1}}, or antisymmetric"
                );
                ensure_scale("initialisation.kaiming.gain", gain)
            }
            Initialisation::Orthogonal(Orthogonal { scale }) => {
                ensure_scale("initialisation.orthogonal.scale", scale)
            }
            Initialisation::Mirrored(Mirrored { scale, direction: _ }) => {
                ensure_scale("initialisation.mirrored.scale", scale)?;
                self.check_mirrored(task)
            }
            Initialisation::Balanced(balanced) => self.check_balanced(balanced),
            Initialisation::Antisymmetric(Antisymmetric { std, output }) => {
                ensure_scale("initialisation.antisymmetric.std", std)?;
                ensure_scale("initialisation.antisymmetric.output", output)?;
                self.check_antisymmetric()
            }
            Initialisation::NormalOverWidth(NormalOverWidth { std }) => {
                ensure_scale("initialisation.normal-over-width.std", std)?;
                self.check_one_width()
            }
        }
    }

    /// Blocks of convolutions, as many as images are large enough for.
    fn check_blocks(&self, inputs: Inputs) -> Result<()> {
        ensure!(
            inputs.are_images(),
            "network.kind is cnn, but task.inputs is {}: set it to images (mnist, fashion-mnist, cifar10, cifar100, glyphs or {{path: PATH}})",
            inputs.name()
        );
        let n_blocks = self.hidden.len();
        ensure!(
            n_blocks >= 1,
            "network.hidden is empty, but network.kind cnn has a block of convolutions for each of its entries: list channels, \
             such as [16, 32]"
        );
        self.check_lists()?;
        ensure!(
            self.kernel_size % 2 == 1 && self.kernel_size <= MOST_PIXELS,
            "network.kernel_size is {}: it must be odd, so that images keep their size, and at most {MOST_PIXELS}",
            self.kernel_size
        );
        for block in 0..n_blocks {
            let (convolutions, stride) = (self.convolutions_of(block), self.stride_of(block));
            ensure!(
                convolutions >= 1,
                "network.convolutions gives block {} none: every block has at least one",
                block + 1
            );
            ensure!(
                (1..=MOST_PIXELS).contains(&stride),
                "network.stride of block {} must be 1 to {MOST_PIXELS}, not {stride}",
                block + 1
            );
            ensure!(
                !self.residual || block == 0 || convolutions.is_multiple_of(2),
                "network.residual makes basic blocks of two convolutions, but network.convolutions gives block {} {convolutions}: \
                 give it an even number",
                block + 1
            );
        }
        ensure!(
            !self.residual || n_blocks >= 2,
            "network.residual makes every block but the first residual, but network.hidden has one: list more, or leave residual out"
        );
        ensure!(
            self.n_layers() <= MOST_LAYERS,
            "network.convolutions makes {} layers: at most {MOST_LAYERS}",
            self.n_layers()
        );
        self.check_image_is_left(inputs)
    }

    /// Lists have an entry for each block.
    fn check_lists(&self) -> Result<()> {
        let length = |list: &PerBlock<usize>| match list {
            PerBlock::All(_) => None,
            PerBlock::Each(values) => Some(values.len()),
        };
        let pooling = match &self.pooling {
            PerBlock::All(_) => None,
            PerBlock::Each(values) => Some(values.len()),
        };
        let n_blocks = self.hidden.len();
        for (key, length) in [
            ("convolutions", self.convolutions.as_ref().and_then(length)),
            ("stride", length(&self.stride)),
            ("pooling", pooling),
        ] {
            if let Some(length) = length {
                ensure!(
                    length == n_blocks,
                    "network.{key} lists {length} blocks, but network.hidden {n_blocks}: give one value for all, or one for each"
                );
            }
        }
        Ok(())
    }

    /// Something of an image must be left for the last layer.
    fn check_image_is_left(&self, inputs: Inputs) -> Result<()> {
        let Some([height, width]) = inputs.sides() else { return Ok(()) };
        let mut left = [height, width];
        for block in 0..self.hidden.len() {
            left = self.pooled(block, self.convolved(block, left));
            ensure!(
                left.iter().all(|&side| side > 0),
                "network.hidden lists {} convolution blocks, but images of {} have {height} x {width} pixels, of which pooling and \
                 strides leave none after {}: list fewer, set network.pooling to none, or take network.kind mlp",
                self.hidden.len(),
                inputs.name(),
                block + 1
            );
        }
        Ok(())
    }

    /// Height and width of what a block's convolutions make.
    fn convolved(&self, block: usize, sides: [usize; 2]) -> [usize; 2] {
        sides.map(|side| side.div_ceil(self.stride_of(block)))
    }

    /// Height and width of what its pooling leaves of that.
    fn pooled(&self, block: usize, sides: [usize; 2]) -> [usize; 2] {
        match self.pooling_of(block) {
            Pooling::Max | Pooling::Average => sides.map(|side| side / 2),
            Pooling::None => sides,
        }
    }

    /// One value less its own mean is 0, whatever it is: layer and group normalisation take their statistics over several. (Batch
    /// normalisation has several samples.)
    fn check_several_are_normalised(&self, inputs: Inputs) -> Result<()> {
        let n_groups = match self.normalisation {
            Normalisation::None {} | Normalisation::Batch(_) => return Ok(()),
            Normalisation::Layer(_) => 1,
            Normalisation::Group(GroupNormalisation { groups, .. }) => groups,
        };
        // Of images that were not looked at nothing is known.
        let is_cnn = self.kind == NetworkKind::Cnn;
        let Some(mut sides) = (if is_cnn { inputs.sides() } else { Some([1, 1]) }) else {
            return Ok(());
        };
        for (block, &width) in self.hidden.iter().enumerate() {
            if is_cnn {
                sides = self.convolved(block, sides);
            }
            let [height, columns] = sides;
            let remedy = match is_cnn {
                true => {
                    "let strides and pooling leave more places or a group have more channels, or take batch"
                }
                false => "list more units in network.hidden, or take batch",
            };
            ensure!(
                width / n_groups * height * columns > 1,
                "network.normalisation {} takes mean and variance over a single value in layer {}, which makes it 0 whatever it was: \
                 {remedy}",
                self.normalisation.name(),
                self.n_layers_before(block) + 1
            );
            if is_cnn {
                sides = self.pooled(block, sides);
            }
        }
        Ok(())
    }

    /// Keys that say something of blocks of convolutions.
    fn check_has_no_blocks(&self) -> Result<()> {
        let is_plain_pooling =
            matches!(self.pooling, PerBlock::All(Pooling::Max | Pooling::Average));
        for (key, is_set) in [
            ("convolutions", self.convolutions.is_some()),
            ("kernel_size", self.kernel_size != 3),
            ("stride", self.stride != PerBlock::All(1)),
            ("pooling", !is_plain_pooling),
            ("global_average", self.global_average),
            ("residual", self.residual),
        ] {
            ensure!(
                !is_set,
                "network.{key} is for convolutions, but network.kind is {}: set that to cnn, or leave {key} out",
                self.kind.name()
            );
        }
        Ok(())
    }

    /// Normalisation and dropout are of hidden layers with a nonlinearity.
    fn check_normalisation(&self) -> Result<()> {
        ensure_fraction("network.dropout", self.dropout)?;
        for (key, is_set) in
            [("normalisation", !self.normalisation.is_none()), ("dropout", self.dropout > 0.0)]
        {
            ensure!(
                !is_set || !self.kind.is_linear(),
                "network.{key} is for mlp and cnn, but network.kind is linear: its gradients are written out for plain layers. Set \
                 network.kind, or leave {key} out"
            );
            ensure!(
                !is_set || !self.hidden.is_empty(),
                "network.{key} is of hidden layers, but network.hidden is empty: list some, or leave {key} out"
            );
        }
        let Normalisation::Group(GroupNormalisation { groups, .. }) = self.normalisation else {
            return Ok(());
        };
        ensure!(
            self.kind == NetworkKind::Cnn,
            "network.normalisation group is of channels, but network.kind is {}: use batch or layer",
            self.kind.name()
        );
        for &channels in &self.hidden {
            ensure!(
                groups >= 1 && channels % groups == 0,
                "network.normalisation.group.groups is {groups}, which does not divide the {channels} channels in network.hidden: \
                 choose a divisor of all of them"
            );
        }
        Ok(())
    }

    /// A factor for each layer of a random start.
    fn check_layer_scales(&self) -> Result<()> {
        if self.layer_scales.is_empty() {
            return Ok(());
        }
        let start = match self.initialisation {
            Initialisation::Aligned(_) => Some("aligned"),
            Initialisation::Mirrored(_) => Some("mirrored"),
            Initialisation::Balanced(_) => Some("balanced"),
            Initialisation::Antisymmetric(_)
            | Initialisation::Normal(_)
            | Initialisation::NormalOverWidth(_)
            | Initialisation::Kaiming(_)
            | Initialisation::Orthogonal(_) => None,
        };
        if let Some(start) = start {
            bail!(
                "network.layer_scales would unbalance the {start} start: use normal, kaiming or orthogonal, or leave it out"
            );
        }
        ensure!(
            self.layer_scales.len() == self.n_layers(),
            "network.layer_scales lists {} factors for {} layers of weights: give one for each, shortcuts' convolutions included",
            self.layer_scales.len(),
            self.n_layers()
        );
        self.layer_scales.iter().try_for_each(|&scale| ensure_scale("layer_scales", scale))
    }

    /// A balanced start; that its shapes allow lambda is found when the task is known.
    fn check_balanced(&self, balanced: Balanced) -> Result<()> {
        let Balanced { std, lambda, map, perturbation } = balanced;
        ensure!(
            self.kind != NetworkKind::Cnn,
            "network.initialisation.balanced is of matrices, for linear and mlp networks: use normal, kaiming or orthogonal"
        );
        ensure_scale("initialisation.balanced.std", balanced.deviation())?;
        ensure!(
            lambda.abs() <= MOST_BALANCE,
            "network.initialisation.balanced.lambda must be between -{MOST_BALANCE} and {MOST_BALANCE}, not {lambda}"
        );
        ensure!(
            (0.0..=1.0).contains(&perturbation),
            "network.initialisation.balanced.perturbation must be 0 to 1, not {perturbation}"
        );
        ensure!(
            lambda == 0.0 || self.hidden.len() == 1,
            "network.initialisation.balanced.lambda is {lambda}, which two layers can differ by, but network.hidden makes {}: set it to 0, \
             or network.hidden to one width",
            self.n_layers()
        );
        if map == StartMap::Learned {
            ensure!(
                std.is_none(),
                "network.initialisation.balanced.std is the size of a random map, but map is learned: leave one of them out"
            );
            ensure!(
                lambda == 0.0,
                "network.initialisation.balanced.map is learned, which is made for lambda 0, not {lambda}: set lambda to 0, or map to random"
            );
        }
        Ok(())
    }

    /// A mirrored start has halves of layers, and one output.
    fn check_mirrored(&self, task: &TaskConfig) -> Result<()> {
        ensure!(
            self.kind != NetworkKind::Cnn && !self.hidden.is_empty(),
            "network.initialisation.mirrored is for linear and mlp networks with hidden layers: use normal, kaiming or orthogonal"
        );
        ensure!(
            !task.has_tree(),
            "network.initialisation.mirrored is for one output, but a tree has several labels: set task.targets, or use normal, \
             kaiming or orthogonal"
        );
        for width in &self.hidden {
            ensure!(
                width.is_multiple_of(2),
                "network.hidden has a width of {width}, which a mirrored start cannot halve: make it even"
            );
        }
        Ok(())
    }
}

impl NetworkConfig {
    /// A start over the width needs one width.
    fn check_one_width(&self) -> Result<()> {
        let Some(width) = self.hidden.first().filter(|_| self.kind != NetworkKind::Cnn) else {
            bail!(
                "network.initialisation.normal-over-width is for linear and mlp networks with hidden layers, whose width it divides by: \
                 use normal: {{std: ...}}"
            );
        };
        ensure!(
            self.hidden.iter().all(|other| other == width),
            "network.initialisation.normal-over-width divides by one width, but network.hidden lists {:?}: make all equal, or use \
             normal: {{std: ...}}, with network.layer_scales for a factor on each layer",
            self.hidden
        );
        Ok(())
    }

    /// An antisymmetric start has pairs of units in the last hidden layer of a perceptron.
    fn check_antisymmetric(&self) -> Result<()> {
        let last = self.hidden.last().filter(|_| self.kind == NetworkKind::Mlp);
        let Some(width) = last else {
            bail!(
                "network.initialisation.antisymmetric is for network.kind mlp with hidden layers: use normal, kaiming or orthogonal"
            );
        };
        ensure!(
            width.is_multiple_of(2),
            "network.hidden ends with a width of {width}, whose units the antisymmetric start cannot pair: make it even"
        );
        Ok(())
    }
}

impl Config {
    /// The linear model of a wide network of two layers is known of plain gradient descent from 0.
    pub(super) fn check_linear_twin(&self) -> Result<()> {
        let (network, training) = (&self.network, &self.training);
        let is_plain = network.dropout == 0.0 && network.normalisation.is_none();
        for (is_so, key, wanted) in [
            (network.kind == NetworkKind::Mlp, "network.kind", "mlp"),
            (network.hidden.len() == 1, "network.hidden", "a list of one width"),
            (network.bias == Bias::None, "network.bias", "none"),
            (is_plain, "network.normalisation and network.dropout", "none and 0"),
            (
                network.layer_scales.is_empty(),
                "network.layer_scales",
                "empty, and use antisymmetric's own parameters",
            ),
            (network.parametrisation == Parametrisation::Ntk, "network.parametrisation", "ntk"),
            (
                matches!(network.initialisation, Initialisation::Antisymmetric(_)),
                "network.initialisation",
                "antisymmetric",
            ),
            (training.loss == Loss::HalfSquaredError, "training.loss", "half-squared-error"),
            (training.batch_size.is_none(), "training.batch_size", "null"),
            (
                self.task.frequencies.is_none(),
                "task.frequencies",
                "null, since it counts each sample once",
            ),
            (
                training.follows_the_flow() && training.schedule.is_constant(),
                "training.optimiser",
                "sgd without momentum, weight_decay, gradient_clipping or a schedule",
            ),
            (self.phases.is_empty(), "phases", "absent"),
        ] {
            ensure!(
                is_so,
                "probes lists linear-twin, the linear model that gradient descent of a wide two-layer network begins as, for which {key} \
                 must be {wanted}: set it, or leave the probe out"
            );
        }
        Ok(())
    }

    /// Principal components are those of vectors, along which plain gradient descent of linear networks is followed.
    pub(super) fn check_components_probe(&self) -> Result<()> {
        let (network, training) = (&self.network, &self.training);
        for (is_so, key, wanted) in [
            (network.kind.is_linear(), "network.kind", "linear"),
            (network.bias == Bias::None, "network.bias", "none"),
            (
                !self.task.inputs.are_images(),
                "task.inputs",
                "one-hot, correlated or gaussian, since those of images are too many",
            ),
            (training.loss == Loss::HalfSquaredError, "training.loss", "half-squared-error"),
            (training.batch_size.is_none(), "training.batch_size", "full"),
            (
                training.follows_the_flow(),
                "training.optimiser",
                "sgd without momentum, weight_decay and gradient_clipping",
            ),
            (self.phases.is_empty(), "phases", "absent"),
        ] {
            ensure!(
                is_so,
                "probes lists components, along which gradient descent moves the map of a linear network, for which {key} must be {wanted}: \
                 set it, or leave the probe out (representations and projections tell of other networks)"
            );
        }
        Ok(())
    }

    /// Which layers stay as they are.
    pub(super) fn check_frozen(&self) -> Result<()> {
        let (frozen, n_layers) = (&self.training.frozen, self.network.n_layers());
        if frozen.is_empty() {
            return Ok(());
        }
        ensure!(
            !self.network.kind.is_linear(),
            "training.frozen is for mlp and cnn, but network.kind is linear, whose gradients are written out for all layers: leave it \
             out, or set network.kind"
        );
        for (index, &layer) in frozen.iter().enumerate() {
            ensure!(
                (1..=n_layers).contains(&layer),
                "training.frozen lists layer {layer}, but the network has layers 1 to {n_layers}"
            );
            ensure!(!frozen[..index].contains(&layer), "training.frozen lists layer {layer} twice");
        }
        ensure!(
            frozen.len() < n_layers,
            "training.frozen lists all {n_layers} layers, and nothing would be learned: leave one out"
        );
        ensure!(
            self.kernel.is_none(),
            "kernel is that of all trainable weights, but training.frozen lists layers: set kernel to null, or leave frozen out"
        );
        ensure!(
            self.network.normalisation.is_none(),
            "training.frozen is of layers of weights and biases, but network.normalisation has parameters of its own: leave one out"
        );
        Ok(())
    }

    /// Minibatches of one vector per item: each comes once an epoch, whatever its frequency would be.
    pub(super) fn check_batches_of_items(&self) -> Result<()> {
        let Some(size) = self.training.batch_size else { return Ok(()) };
        if self.task.inputs.are_images() || !self.task.has_tree() {
            return Ok(());
        }
        ensure!(
            self.task.items_come_equally_often(),
            "training.batch_size is {size}, but task.frequencies weighs items, and in minibatches each comes once an epoch: write \
             batch_size: full, set task.frequencies to null, or take images, of which frequent items have more"
        );
        let n_items = self.task.n_items();
        ensure!(
            size <= n_items,
            "training.batch_size is {size}, but task.inputs is {}, one vector for each of {n_items} items: write batch_size: full, lower \
             it, or use images",
            self.task.inputs.name()
        );
        Ok(())
    }

    /// What normalisation asks of training and of what is observed.
    pub(super) fn check_batches(&self) -> Result<()> {
        let Some(evaluation) = self.network.normalisation.evaluation() else { return Ok(()) };
        ensure!(
            self.training.batch_size != Some(1),
            "training.batch_size is 1, but network.normalisation batch takes the variance of a batch: raise it, or use layer or group"
        );
        ensure!(
            self.task.inputs.are_images() || self.task.items_come_equally_often(),
            "task.frequencies weighs single vectors, but network.normalisation batch counts each of them once in its mean and variance: \
             use layer, set task.frequencies to null, or take images, of which frequent items have more"
        );
        ensure!(
            self.kernel.is_none() || evaluation == Evaluation::Running,
            "kernel is of a function of one sample, but network.normalisation.batch.evaluation batch answers samples together: set \
             it to running, or kernel to null"
        );
        Ok(())
    }
}
