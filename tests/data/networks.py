"""Writes networks.json: what PyTorch's modules answer to weights and inputs that both sides make by formula, and what a few
steps of gradient descent make of them. The modules are those of models.json, whose text is what `ocs export --torch` writes
(`tests/torch_folders.rs` holds it to that): so PyTorch, exported folders and this program's networks are held together.

    pip install torch==2.13.0 && python tests/data/networks.py > tests/data/networks.json

A further network: add its config to models.json, let `OCS_MODELS=write cargo test --release modules` fill in its text, and run
this again.
"""

import json
import math
from pathlib import Path

import torch
from torch import nn

torch.set_default_dtype(torch.float64)

MODELS = json.loads((Path(__file__).parent / "models.json").read_text())

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


def network_of(layers, forward):
    """The module of two functions' lines."""
    lines = ["class Network(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += ["        " + line for line in layers] + ["    def forward(self, x):"] + ["        " + line for line in forward]
    scope = {"nn": nn, "torch": torch}
    exec("\n".join(lines), scope)
    return scope["Network"]()


def answers(network, layers, forward):
    config, shape = network, (4, 2, 8, 8)
    network = network_of(layers, forward)
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


print(json.dumps({"torch": torch.__version__, "networks": {name: answers(**model) for name, model in MODELS.items()}}))
