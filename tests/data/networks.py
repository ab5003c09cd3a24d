"""Writes networks.json: what PyTorch's modules answer to weights and inputs that both sides make by formula, and what a few
steps of gradient descent make of them.

    pip install torch==2.13.0 && python tests/data/networks.py > tests/data/networks.json
"""

import json
import math
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from pytorch import Network

torch.set_default_dtype(torch.float64)

BATCH, LAYER = {"batch": {"affine": "all"}}, {"layer": {"affine": "all"}}
EVALUATED = {"batch": {"affine": "all", "evaluation": "batch"}}
GROUP = {"group": {"groups": 2, "affine": "all"}}
VGG = {"kind": "cnn", "hidden": [4, 6], "convolutions": [1, 2], "activation": "relu", "pooling": "max", "bias": "all"}
RESIDUAL = {
    "kind": "cnn", "hidden": [4, 4, 6], "convolutions": [1, 2, 4], "stride": [1, 1, 2], "residual": True,
    "activation": "relu", "pooling": "none", "global_average": True, "bias": "all",
}
STRIDED = {
    "kind": "cnn", "hidden": [4, 5, 6], "convolutions": 1, "kernel_size": 5, "stride": [2, 1, 1],
    "pooling": ["none", "average", "max"], "activation": "tanh", "bias": "output",
}
POOLED = {**RESIDUAL, "pooling": ["max", "none", "average"], "convolutions": 2, "activation": "leaky-relu", "bias": "none"}
MLP = {"kind": "mlp", "hidden": [5, 7], "activation": "relu", "pooling": "max", "bias": "all"}

NETWORKS = {
    "vgg": VGG,
    "vgg-batch": {**VGG, "normalisation": BATCH},
    "vgg-layer": {**VGG, "normalisation": LAYER},
    "vgg-group": {**VGG, "normalisation": GROUP},
    "residual": RESIDUAL,
    "residual-batch": {**RESIDUAL, "normalisation": BATCH},
    "residual-layer": {**RESIDUAL, "normalisation": LAYER},
    "residual-group": {**RESIDUAL, "normalisation": GROUP},
    "strided-batch-scale": {**STRIDED, "normalisation": {"batch": {"affine": "scale"}}},
    "strided-layer-none": {**STRIDED, "normalisation": {"layer": {"affine": "none"}}},
    "pooled-batch": {**POOLED, "normalisation": BATCH},
    "vgg-batch-evaluated": {**VGG, "normalisation": EVALUATED},
    "mlp-batch-evaluated": {**MLP, "normalisation": EVALUATED},
    "mlp-batch": {**MLP, "normalisation": BATCH},
    "mlp-layer": {**MLP, "normalisation": LAYER},
    "mlp-layer-scale": {**MLP, "normalisation": {"layer": {"affine": "scale"}}},
}

RATE, STEPS = 0.02, 3


def wave(shape, phase, scale):
    """scale * sin(0.7 i + phase), i counting elements in row-major order."""
    n = torch.Size(shape).numel()
    return (scale * torch.sin(0.7 * torch.arange(n, dtype=torch.float64) + phase)).reshape(shape)


def fill(network):
    """Weights of size 1 over the root of the fan-in, biases and shifts around 0, scales around 1."""
    with torch.no_grad():
        for index, (name, parameter) in enumerate(network.named_parameters()):
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 0
            made = wave(parameter.shape, 1.3 * index, 1.5 / math.sqrt(fan_in) if fan_in else 0.3)
            is_scale = name.startswith("norm") and name.endswith("weight")
            parameter.copy_(made + 1 if is_scale else made)


def features(config):
    """What the last layer sees of an image of 8 x 8."""
    if config["kind"] == "mlp":
        return config["hidden"][-1]
    if config.get("global_average"):
        return config["hidden"][-1]
    side = 8
    for block in range(len(config["hidden"])):
        stride = config.get("stride", 1)
        pooling = config["pooling"]
        side = -(-side // (stride[block] if isinstance(stride, list) else stride))
        side //= 1 if (pooling[block] if isinstance(pooling, list) else pooling) == "none" else 2
    return config["hidden"][-1] * side * side


def answers(config):
    shape = (4, 2, 8, 8) if config["kind"] == "cnn" else (4, 128)
    network = Network(config, shape[1], features(config), 6)
    fill(network)
    inputs, targets = wave(shape, 0.5, 1.0) + wave(shape, 0.1, 1.0) ** 2, torch.eye(6)[[0, 2, 3, 5]]
    observed = lambda: network.eval()(inputs).detach().flatten().tolist()
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    result = {"network": config, "names": [name for name, _ in network.named_parameters()], "before": observed(), "steps": []}
    for _ in range(STEPS):
        optimiser.zero_grad()
        outputs = network.train()(inputs)
        (0.5 * ((outputs - targets) ** 2).sum(1).mean()).backward()
        norms = [parameter.grad.norm().item() for parameter in network.parameters()]
        result["steps"].append({"outputs": outputs.detach().flatten().tolist(), "gradient_norms": norms})
        optimiser.step()
    result["after"] = observed()
    result["buffers"] = {
        name: buffer.tolist() for name, buffer in network.named_buffers() if not name.endswith("num_batches_tracked")
    }
    return result


print(json.dumps({"torch": torch.__version__, "networks": {name: answers(config) for name, config in NETWORKS.items()}}))
