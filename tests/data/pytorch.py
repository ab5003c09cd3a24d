"""Writes pytorch.json: what PyTorch answers to weights and inputs that both sides make by formula.

    pip install torch==2.13.0 && python tests/data/pytorch.py > tests/data/pytorch.json
"""

import json

import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def wave(shape, phase, scale):
    """scale * sin(0.7 i + phase), i counting elements in row-major order."""
    n = torch.Size(shape).numel()
    return (scale * torch.sin(0.7 * torch.arange(n, dtype=torch.float64) + phase)).reshape(shape)


def fill(network):
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            parameter.copy_(wave(parameter.shape, float(index), 0.3))
    return network


def cnn(activation, pooling):
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), activation, pooling,
        nn.Conv2d(3, 4, 3, padding=1), activation, pooling,
        nn.Flatten(), nn.Linear(4 * 2 * 2, 6),
    )


NETWORKS = {
    "linear": (nn.Sequential(nn.Linear(128, 5), nn.Linear(5, 6)), (4, 128)),
    "mlp-relu": (nn.Sequential(nn.Linear(128, 5), nn.ReLU(), nn.Linear(5, 6)), (4, 128)),
    "mlp-tanh": (nn.Sequential(nn.Linear(128, 5), nn.Tanh(), nn.Linear(5, 6)), (4, 128)),
    "cnn-relu-max": (cnn(nn.ReLU(), nn.MaxPool2d(2)), (4, 2, 8, 8)),
    "cnn-tanh-max": (cnn(nn.Tanh(), nn.MaxPool2d(2)), (4, 2, 8, 8)),
    "cnn-tanh-average": (cnn(nn.Tanh(), nn.AvgPool2d(2)), (4, 2, 8, 8)),
    "cnn-relu-average": (cnn(nn.ReLU(), nn.AvgPool2d(2)), (4, 2, 8, 8)),
}


def answers():
    targets = torch.eye(6)[[0, 2, 3, 5]]
    result = {}
    for name, (network, shape) in NETWORKS.items():
        fill(network)
        outputs = network(wave(shape, 0.5, 1.0))
        squared = 0.5 * ((outputs - targets) ** 2).sum(1).mean()
        entropy = nn.functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").sum(1).mean()
        gradients = torch.autograd.grad(squared, list(network.parameters()))
        result[name] = {
            "outputs": outputs.flatten().tolist(),
            "half_squared_error": squared.item(),
            "binary_cross_entropy": entropy.item(),
            "gradient_norms": [gradient.norm().item() for gradient in gradients],
        }
    return result


def descents():
    """A quadratic bowl: w after each of 6 updates with gradient A w - b."""
    a, b = wave((4, 4), 0.2, 1.0), wave((4,), 1.0, 1.0)
    a = a @ a.T + torch.eye(4)
    result = {}
    for name, make in {
        "sgd": lambda w: torch.optim.SGD([w], lr=0.05),
        "momentum": lambda w: torch.optim.SGD([w], lr=0.05, momentum=0.9),
        "adam": lambda w: torch.optim.Adam([w], lr=0.05),
    }.items():
        w = wave((4,), 2.0, 1.0).requires_grad_()
        optimiser, path = make(w), []
        for _ in range(6):
            optimiser.zero_grad()
            (0.5 * w @ a @ w - b @ w).backward()
            optimiser.step()
            path.append(w.tolist())
        result[name] = path
    return result


print(json.dumps({"torch": torch.__version__, "networks": answers(), "optimisers": descents()}, indent=1))
