//! Default of every key; those that depend on other keys are filled in by `check.rs`.

use super::{
    Activation, Bias, Checkpoints, Conditions, Config, Grid, InputScale, Inputs, KernelConfig,
    Loss, NetworkConfig, NetworkKind, Normalisation, Optimiser, Parametrisation, PerBlock, Pooling,
    Precision, Preprocessing, Quick, RecordConfig, Samples, Schedule, Sgd, Spacing, TargetScale,
    TaskConfig, TrainingConfig,
};

impl Default for Config {
    fn default() -> Self {
        Config {
            name: String::new(),
            label: None,
            experiment: None,
            task: TaskConfig::default(),
            network: NetworkConfig::default(),
            training: TrainingConfig::default(),
            phase_threshold: 0.1,
            kernel: None,
            probes: Vec::new(),
            projections: Vec::new(),
            record: RecordConfig::default(),
            human: None,
            quick: Quick::default(),
            full: None,
            phases: Vec::new(),
            conditions: Conditions::default(),
            grid: Grid::default(),
            seeds: vec![0, 1, 2, 3, 4],
        }
    }
}

impl Default for TaskConfig {
    fn default() -> Self {
        TaskConfig {
            inputs: Inputs::OneHot,
            branching: None,
            tree: None,
            frequencies: None,
            correlation: 0.0,
            classes: None,
            preprocessing: Preprocessing::Raw,
            whitening: None,
            input_scale: InputScale::None,
            samples: Samples::default(),
            targets: None,
            gaussian: None,
            circle: None,
            seed: None,
            permutation: None,
            projection: None,
            labels: None,
            target_scale: None,
        }
    }
}

impl Default for TargetScale {
    fn default() -> Self {
        TargetScale { mean: 1.0, contrasts: 1.0 }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        NetworkConfig {
            kind: NetworkKind::Linear,
            hidden: vec![64],
            activation: Activation::Relu,
            negative_slope: None,
            pooling: PerBlock::All(Pooling::Max),
            convolutions: None,
            kernel_size: 3,
            stride: PerBlock::All(1),
            global_average: false,
            residual: false,
            normalisation: Normalisation::None {},
            dropout: 0.0,
            bias: Bias::None,
            // Of other kinds: filled in by `load.rs`.
            initialisation: NetworkKind::Linear.default_start(),
            layer_scales: Vec::new(),
            parametrisation: Parametrisation::Standard,
        }
    }
}

impl Default for TrainingConfig {
    fn default() -> Self {
        TrainingConfig {
            loss: Loss::HalfSquaredError,
            label_smoothing: 0.0,
            optimiser: Optimiser::Sgd(Sgd::default()),
            learning_rate: 0.004,
            schedule: Schedule::default(),
            gradient_clipping: None,
            batch_size: None,
            frozen: Vec::new(),
            steps: 8000,
            observations: 200,
            spacing: Spacing::default(),
            precision: Precision::Float32,
            checkpoints: Checkpoints::Last,
        }
    }
}

impl Default for KernelConfig {
    fn default() -> Self {
        KernelConfig { samples: 256, times: 12 }
    }
}
