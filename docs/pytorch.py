"""A network of ocs as a PyTorch module, with the weights of a finished run.

    pip install torch safetensors
    python docs/pytorch.py runs/NAME/CONDITION/0       # of 0.json and 0.checkpoint/: layers, parameters, buffers

    from pytorch import load                           # in this folder
    network = load("runs/NAME/CONDITION/0").eval()
    network(images)                                    # [n, channels, height, width] (vectors: [n, inputs]), preprocessed as
                                                       # the config's `task` says; logits under cross-entropy

Under normalisation: {batch: {evaluation: batch}} the network answers samples together, also after eval(): give it those that ocs
answers together, a full batch, or of N samples every P-th from the p-th on, P = max(1, N // batch_size).

Modules are called as the checkpoint's tensors: layer1, norm1, layer2, ... Layers of weights are counted from the input; a
residual unit's are its two convolutions, then that of its shortcut, if it has one.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn


def each(value, count):
    """One value for each of `count` blocks, of one for all or a list."""
    return value if isinstance(value, list) else [value] * count


class Network(nn.Module):
    """`config` is a record's config.network, `n_inputs` the channels of images (vectors: their length), `n_features` what the
    last layer sees of a sample, `n_labels` its outputs."""

    def __init__(self, config, n_inputs, n_features, n_labels):
        super().__init__()
        self.config, self.count = config, 0
        self.norm_kind = config.get("normalisation", "none")
        self.blocks = []
        self.n_layers = self.layers_of(config)
        if config["kind"] == "cnn":
            for block, channels in enumerate(config["hidden"]):
                self.blocks.append(self.block(block, n_inputs, channels))
                n_inputs = channels
        else:
            for width in config["hidden"]:
                self.blocks.append(self.add(nn.Linear(n_inputs, width, bias=self.has_bias()), width))
                n_inputs = width
        self.last = self.add(nn.Linear(n_features, n_labels, bias=self.has_bias()))

    def convolutions(self, block):
        """Convolutions of a block."""
        residual, given = self.config.get("residual", False), self.config.get("convolutions")
        if given is None:
            return 2 if residual and block > 0 else 1
        if residual and block == 0 and not isinstance(given, list):
            return 1
        return each(given, block + 1)[block]

    def stride(self, block):
        return each(self.config.get("stride", 1), block + 1)[block]

    def has_projection(self, block):
        hidden = self.config["hidden"]
        return block > 0 and (self.stride(block) != 1 or hidden[block] != hidden[block - 1])

    def layers_of(self, config):
        n_blocks = len(config["hidden"])
        if config["kind"] != "cnn":
            return n_blocks + 1
        residual = config.get("residual", False)
        return 1 + sum(self.convolutions(b) + (residual and self.has_projection(b)) for b in range(n_blocks))

    def has_bias(self):
        """Of the layer that comes next."""
        bias = self.config["bias"]
        is_first, is_last = self.count == 0, self.count + 1 == self.n_layers
        return bias == "all" or (bias == "input" and is_first) or (bias == "output" and is_last)

    def add(self, layer, width=None):
        """Registers a layer, and a normalisation of the so many channels or units that it makes; gives its number."""
        self.count += 1
        setattr(self, f"layer{self.count}", layer)
        if width is not None and self.norm_kind != "none":
            setattr(self, f"norm{self.count}", self.normalisation(width))
        return self.count

    def normalisation(self, width):
        (kind, keys), = self.norm_kind.items()
        affine = keys["affine"] != "none"
        if kind == "batch":
            of = nn.BatchNorm2d if self.config["kind"] == "cnn" else nn.BatchNorm1d
            # Without running statistics a module takes those of the samples at hand in evaluation, too.
            norm = of(width, affine=affine, track_running_stats=keys.get("evaluation", "running") == "running")
        elif kind == "layer" and self.config["kind"] != "cnn":
            norm = nn.LayerNorm(width, elementwise_affine=affine)
        else:
            norm = nn.GroupNorm(keys["groups"] if kind == "group" else 1, width, affine=affine)
        if keys["affine"] == "scale":
            del norm.bias
            norm.register_parameter("bias", None)
        return norm

    def convolution(self, below, channels, side, stride):
        layer = nn.Conv2d(below, channels, side, stride, side // 2, bias=self.has_bias())
        return self.add(layer, channels)

    def block(self, block, below, channels):
        side, stride = self.config.get("kernel_size", 3), self.stride(block)
        is_residual = self.config.get("residual", False) and block > 0
        units = []
        for unit in range(self.convolutions(block) // (2 if is_residual else 1)):
            first = self.convolution(below, channels, side, stride)
            second = self.convolution(channels, channels, side, 1) if is_residual else None
            projects = is_residual and unit == 0 and self.has_projection(block)
            shortcut = self.convolution(below, channels, 1, stride) if projects else None
            units.append((first, second, shortcut))
            below, stride = channels, 1
        return units

    def activation(self, x):
        slope = self.config.get("negative_slope", 0.01)
        kinds = {"relu": torch.relu, "tanh": torch.tanh}
        return kinds.get(self.config["activation"], lambda x: nn.functional.leaky_relu(x, slope))(x)

    def made(self, number, x):
        """What a hidden layer makes, normalised."""
        x = getattr(self, f"layer{number}")(x)
        norm = getattr(self, f"norm{number}", None)
        return x if norm is None else norm(x)

    def unit(self, x, first, second, shortcut):
        y = self.made(first, x)
        if second is not None:
            y = self.made(second, self.activation(y))
            y = y + (x if shortcut is None else self.made(shortcut, x))
        return self.activation(y)

    def forward(self, x):
        drop = nn.Dropout(self.config.get("dropout", 0.0)).train(self.training)
        last = getattr(self, f"layer{self.last}")
        if self.config["kind"] != "cnn":
            for number in self.blocks:
                y = self.made(number, x)
                x = y if self.config["kind"] == "linear" else drop(self.activation(y))
            return last(x)
        poolings = each(self.config["pooling"], len(self.blocks))
        for units, pooling in zip(self.blocks, poolings):
            for unit in units:
                x = self.unit(x, *unit)
            if pooling != "none":
                x = {"max": nn.functional.max_pool2d, "average": nn.functional.avg_pool2d}[pooling](x, 2)
        x = x.mean((2, 3)) if self.config.get("global_average", False) else x.flatten(1)
        return last(drop(x))


def load(run):
    """The network of `run`.json with the weights in `run`.checkpoint/."""
    from safetensors.torch import load_file

    with open(f"{run}.json") as file:
        config = json.load(file)["config"]["network"]
    kept = load_file(Path(f"{run}.checkpoint") / "tensors.safetensors")
    last = max((name for name in kept if name.endswith(".weight") and name.startswith("layer")), key=lambda name: int(name[5:-7]))
    n_labels, n_features = kept[last].shape
    network = Network(config, kept["layer1.weight"].shape[1], n_features, n_labels).to(kept[last].dtype)
    wanted = network.state_dict()
    # The momentum of running statistics is fixed, so that their number of updates is not needed.
    weights = {name: kept[name] for name in wanted if not name.endswith("num_batches_tracked")}
    network.load_state_dict(weights, strict=False)
    return network


if __name__ == "__main__":
    network = load(sys.argv[1])
    for name, tensor in network.state_dict().items():
        print(f"{name:24} {list(tensor.shape)}")
    print(sum(parameter.numel() for parameter in network.parameters()), "parameters")
