//! A network in PyTorch's words: the lines of a `torch.nn.Module` that has what this network has, and no more.

use super::plan::{Block, LayerPlan, Plan, Unit};
use crate::config::{
    Activation, Affine, Evaluation, GroupNormalisation, NetworkConfig, NetworkKind, Normalisation,
    Parametrisation, Pooling,
};

/// What a module's two functions say, line by line, without their indentation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TorchModule {
    /// Of `__init__`: its layers, called as in checkpoints.
    pub layers: Vec<String>,
    /// Of `forward`, from `x`, `[n, channels, height, width]` or `[n, n_inputs]`, to its last line, which returns outputs.
    pub forward: Vec<String>,
}

impl TorchModule {
    /// Of a network that is made of `plan`; whether its inputs are images (`[n, channels, height, width]`).
    pub fn of(config: &NetworkConfig, plan: &Plan, are_images: bool) -> Self {
        let mut writer = Writer { config, plan, module: TorchModule::default() };
        for index in 0..plan.layers.len() {
            writer.declare(index);
        }
        if config.dropout > 0.0 {
            let line = format!("self.dropout = nn.Dropout({})", config.dropout);
            writer.module.layers.push(line);
        }
        match config.kind {
            NetworkKind::Cnn => writer.convolutions(),
            NetworkKind::Linear | NetworkKind::Mlp => writer.fully_connected(are_images),
        }
        writer.module
    }
}

struct Writer<'a> {
    config: &'a NetworkConfig,
    plan: &'a Plan,
    module: TorchModule,
}

impl Writer<'_> {
    /// A layer of weights, and the normalisation of what it makes.
    fn declare(&mut self, index: usize) {
        let (n_layers, number) = (self.plan.layers.len(), index + 1);
        let LayerPlan { weight, stride, is_normalised, .. } = &self.plan.layers[index];
        let bias = match self.config.bias.at_layer(index, n_layers) {
            true => "",
            false => ", bias=False",
        };
        let layer = match weight[..] {
            [outputs, inputs, side, _] => {
                let stride =
                    if *stride == 1 { String::new() } else { format!(", stride={stride}") };
                let padding =
                    if side == 1 { String::new() } else { format!(", padding={}", side / 2) };
                format!("nn.Conv2d({inputs}, {outputs}, {side}{stride}{padding}{bias})")
            }
            _ => format!("nn.Linear({}, {}{bias})", weight[1], weight[0]),
        };
        let lines = &mut self.module.layers;
        lines.push(format!("self.layer{number} = {layer}"));
        if *is_normalised {
            lines.push(format!(
                "self.norm{number} = {}",
                normalisation(self.config, weight[0], weight.len() == 4)
            ));
            if self.config.normalisation.affine() == Affine::Scale {
                lines.push(format!("self.norm{number}.bias = None  # a scale without a shift"));
            }
        }
    }

    fn line(&mut self, line: impl Into<String>) {
        self.module.forward.push(line.into());
    }

    /// What a layer makes of something, normalised if that is asked for.
    fn made(&self, index: usize, of: &str) -> String {
        let number = index + 1;
        let fan_in: i64 = self.plan.layers[index].weight[1..].iter().product();
        let of = match self.config.parametrisation {
            Parametrisation::Standard => of.to_owned(),
            Parametrisation::Ntk => format!("{of} / {fan_in} ** 0.5"),
        };
        match self.plan.layers[index].is_normalised {
            true => format!("self.norm{number}(self.layer{number}({of}))"),
            false => format!("self.layer{number}({of})"),
        }
    }

    fn activated(&self, of: &str) -> String {
        match self.config.activation {
            Activation::Relu => format!("torch.relu({of})"),
            Activation::Tanh => format!("torch.tanh({of})"),
            Activation::Erf => format!("torch.erf({of})"),
            Activation::LeakyRelu => {
                let slope = self.config.negative_slope().unwrap_or_default();
                format!("nn.functional.leaky_relu({of}, {slope})")
            }
        }
    }

    fn fully_connected(&mut self, are_images: bool) {
        if are_images {
            self.line("x = x.flatten(1)");
        }
        let last = self.plan.layers.len() - 1;
        for layer in 0..last {
            let made = self.made(layer, "x");
            let made = match self.config.kind.is_linear() {
                true => made,
                false => self.activated(&made),
            };
            self.line(format!("x = {made}"));
            if self.config.dropout > 0.0 {
                self.line("x = self.dropout(x)");
            }
        }
        let made = self.made(last, "x");
        self.line(format!("return {made}"));
    }

    fn convolutions(&mut self) {
        let plan = self.plan;
        for Block { units, pooling } in &plan.blocks {
            for unit in units {
                self.unit(unit);
            }
            match pooling {
                Pooling::Max => self.line("x = nn.functional.max_pool2d(x, 2)"),
                Pooling::Average => self.line("x = nn.functional.avg_pool2d(x, 2)"),
                Pooling::None => {}
            }
        }
        self.line(match self.config.global_average {
            true => "x = x.mean((2, 3))",
            false => "x = x.flatten(1)",
        });
        if self.config.dropout > 0.0 {
            self.line("x = self.dropout(x)");
        }
        let made = self.made(plan.layers.len() - 1, "x");
        self.line(format!("return {made}"));
    }

    fn unit(&mut self, unit: &Unit) {
        match unit {
            Unit::Plain(layer) => {
                let line = self.activated(&self.made(*layer, "x"));
                self.line(format!("x = {line}"));
            }
            Unit::Residual { convolutions: [first, second], projection } => {
                let hidden = self.activated(&self.made(*first, "x"));
                self.line(format!("y = {hidden}"));
                let made = self.made(*second, "y");
                let shortcut = projection.map_or("x".to_owned(), |layer| self.made(layer, "x"));
                let sum = self.activated(&format!("{made} + {shortcut}"));
                self.line(format!("x = {sum}"));
            }
        }
    }
}

/// The module that normalises so many channels or units.
fn normalisation(config: &NetworkConfig, width: i64, are_images: bool) -> String {
    let affine = config.normalisation.affine() != Affine::None;
    match config.normalisation {
        // No layer of a plan is normalised then.
        Normalisation::None {} => "nn.Identity()".to_owned(),
        Normalisation::Batch(_) => {
            let side = if are_images { "2d" } else { "1d" };
            let affine = if affine { "" } else { ", affine=False" };
            let running = match config.normalisation.evaluation() {
                Some(Evaluation::Batch) => ", track_running_stats=False",
                Some(Evaluation::Running) | None => "",
            };
            format!("nn.BatchNorm{side}({width}{affine}{running})")
        }
        Normalisation::Layer(_) if !are_images => {
            let affine = if affine { "" } else { ", elementwise_affine=False" };
            format!("nn.LayerNorm({width}{affine})")
        }
        Normalisation::Layer(_) | Normalisation::Group(_) => {
            let groups = match config.normalisation {
                Normalisation::Group(GroupNormalisation { groups, .. }) => groups,
                _ => 1,
            };
            let affine = if affine { "" } else { ", affine=False" };
            format!("nn.GroupNorm({groups}, {width}{affine})")
        }
    }
}
