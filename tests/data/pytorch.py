"""Writes pytorch.json: what PyTorch answers to weights and inputs that both sides make by formula.

    pip install torch==2.13.0 && python tests/data/pytorch.py > tests/data/pytorch.json
"""

import json

import warnings

import torch
from torch import nn
from torch.optim import lr_scheduler

torch.set_default_dtype(torch.float64)
# SequentialLR steps its schedulers in a way that the schedulers themselves warn of.
warnings.filterwarnings("ignore")

STEPS, RATE = 20, 0.05


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


SCHEDULES = {
    "constant": lambda o: lr_scheduler.LambdaLR(o, lambda k: 1.0),
    "{step: {every: 3, factor: 0.5}}": lambda o: lr_scheduler.StepLR(o, 3, 0.5),
    "{cosine: {final: 0.1}}": lambda o, steps=STEPS: lr_scheduler.CosineAnnealingLR(o, steps, 0.1 * RATE),
    "{linear: {final: 0.2}}": lambda o, steps=STEPS: lr_scheduler.LinearLR(o, 1.0, 0.2, steps),
}
WARM_UP = 5


def with_warm_up(name, schedule, optimiser):
    """The same after a warm-up."""
    rest = schedule(optimiser, STEPS - WARM_UP) if name[1:7] in ("cosine", "linear") else schedule(optimiser)
    warm_up = lr_scheduler.LinearLR(optimiser, 1 / (WARM_UP + 1), 1.0, WARM_UP)
    return lr_scheduler.SequentialLR(optimiser, [warm_up, rest], [WARM_UP])


OPTIMISERS = {
    "sgd": lambda w: torch.optim.SGD(w, lr=RATE),
    "{sgd: {weight_decay: 0.3}}": lambda w: torch.optim.SGD(w, lr=RATE, weight_decay=0.3),
    "{sgd: {momentum: 0.9, weight_decay: 0.3}}": lambda w: torch.optim.SGD(w, lr=RATE, momentum=0.9, weight_decay=0.3),
    "{sgd: {momentum: 0.9, nesterov: true}}": lambda w: torch.optim.SGD(w, lr=RATE, momentum=0.9, nesterov=True),
    "{sgd: {momentum: 0.8, nesterov: true, weight_decay: 0.3}}":
        lambda w: torch.optim.SGD(w, lr=RATE, momentum=0.8, nesterov=True, weight_decay=0.3),
    "adam": lambda w: torch.optim.Adam(w, lr=RATE),
    "{adam: {beta1: 0.8, weight_decay: 0.3}}": lambda w: torch.optim.Adam(w, lr=RATE, betas=(0.8, 0.999), weight_decay=0.3),
    "adamw": lambda w: torch.optim.AdamW(w, lr=RATE),
    "{adamw: {beta2: 0.9, weight_decay: 0.7}}": lambda w: torch.optim.AdamW(w, lr=RATE, betas=(0.9, 0.9), weight_decay=0.7),
}


def scheduled_descents():
    """The bowl as two parameters, a matrix and a bias, under each optimiser, schedule and clipping: factors on the
    rate of all steps, and both parameters after them."""
    a, b = wave((6, 6), 0.2, 1.0), wave((6,), 1.0, 1.0)
    a = a @ a.T + torch.eye(6)
    cases = []
    for name, make in OPTIMISERS.items():
        for of_schedule, schedule in SCHEDULES.items():
            for has_warm_up in (False, True):
                for clipping in (None, 0.5):
                    weight = wave((2, 2), 2.0, 1.0).requires_grad_()
                    bias = wave((2,), 3.0, 1.0).requires_grad_()
                    optimiser = make([weight, bias])
                    rates = with_warm_up(of_schedule, schedule, optimiser) if has_warm_up else schedule(optimiser)
                    factors = []
                    for _ in range(STEPS):
                        optimiser.zero_grad()
                        z = torch.cat([weight.flatten(), bias])
                        (0.5 * z @ a @ z - b @ z).backward()
                        if clipping is not None:
                            nn.utils.clip_grad_norm_([weight, bias], clipping)
                        factors.append(optimiser.param_groups[0]["lr"] / RATE)
                        optimiser.step()
                        rates.step()
                    cases.append({
                        "optimiser": name, "schedule": of_schedule, "warm_up": WARM_UP if has_warm_up else 0,
                        "clipping": clipping, "factors": factors,
                        "parameters": torch.cat([weight.flatten(), bias]).tolist(),
                    })
    return cases


def short(cases):
    """Factors once for each schedule, not with each optimiser."""
    for case in cases[1:]:
        if case["optimiser"] != cases[0]["optimiser"] or case["clipping"] is not None:
            del case["factors"]
    return cases


written = json.dumps({"torch": torch.__version__, "networks": answers(), "optimisers": descents()}, indent=1)
cases = ",\n  ".join(json.dumps(case) for case in short(scheduled_descents()))
print(f'{written[:-2]},\n "scheduled": [\n  {cases}\n ]\n}}')
