"""Writes pytorch_losses.json: PyTorch's losses of logits that both sides make by formula, with their gradients.

    pip install torch==2.13.0 && python tests/data/pytorch_losses.py > tests/data/pytorch_losses.json
"""

import json

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

torch.set_default_dtype(torch.float64)

# The tree [2, 2, 2]: the label of each of 8 items on each level, and how often items come.
LEVELS = (2, 4, 8)
WEIGHTS = torch.tensor([27, 9, 9, 3, 9, 3, 3, 1]) / 64
ITEMS = torch.arange(8)


def logits(scale):
    """scale * sin(0.7 i + 0.4), i counting elements in row-major order."""
    return (scale * torch.sin(0.7 * torch.arange(8 * 14, dtype=torch.float64) + 0.4)).reshape(8, 14)


def one_hot():
    return torch.cat([torch.eye(n)[ITEMS * n // 8] for n in LEVELS], 1)


def softmax(outputs, smoothing):
    """One CrossEntropyLoss a level, on classes."""
    parts = outputs.split(LEVELS, 1)
    classes = [ITEMS * n // 8 for n in LEVELS]
    return sum(
        cross_entropy(part, chosen, reduction="none", label_smoothing=smoothing)
        for part, chosen in zip(parts, classes)
    )


def binary(outputs, smoothing):
    targets = (1 - smoothing) * one_hot() + smoothing / 2
    return binary_cross_entropy_with_logits(outputs, targets, reduction="none").sum(1)


def squared(outputs, smoothing):
    return 0.5 * ((outputs - (1 - smoothing) * one_hot() - smoothing / 2) ** 2).sum(1)


def answers():
    losses = {
        "softmax-cross-entropy": softmax,
        "binary-cross-entropy": binary,
        "half-squared-error": squared,
    }
    for name, loss in losses.items():
        for smoothing in (0.0, 0.1, 0.6):
            for scale in (1.0, 30.0):
                outputs = logits(scale).requires_grad_()
                value = (loss(outputs, smoothing) * WEIGHTS).sum()
                (gradient,) = torch.autograd.grad(value, outputs)
                yield {
                    "loss": name,
                    "label_smoothing": smoothing,
                    "scale": scale,
                    "value": value.item(),
                    "gradient": gradient.flatten().tolist(),
                }


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(answer) for answer in answers())
    print(f"[\n{lines}\n]")
