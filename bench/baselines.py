"""The same work in PyTorch: what a researcher writes first (eager), and the best that a good one would write.

Called by compare.py, one process for each measurement, so that threads and peak memory are its own. Every variant
starts from the same weights as the eager one and must end with the same weights (`check`): a fast but wrong baseline
would be worthless. `follow` holds eager PyTorch to the program's own weights.

    baselines.py variants WORK          names of all variants, as JSON
    baselines.py serve WORK             trains; reads numbers of steps from stdin, answers each with the seconds
    baselines.py check WORK             difference of every variant's weights from the eager one's
    baselines.py follow WORK            difference of eager PyTorch's weights from the program's, after the same steps
    baselines.py multiply WORK          floating-point operations per second of torch.mm
    baselines.py trivial WORK           ten eager steps, for the time that a whole process takes

WORK is a JSON object, see compare.py.
"""

import gzip
import itertools
import json
import math
import pathlib
import pickle
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F

N_ITEMS, N_LABELS = 8, 14
# A variant's role: what is tried first, what competes for the best, what is told only for information.
EAGER, CANDIDATE, INFORMATION = "eager", "candidate", "information"


# -- the task ----------------------------------------------------------------------------------------------------------

def item_targets():
    """Labels of the 2-2-2 tree from the top level down, [n_items, n_labels]."""
    targets = numpy.zeros((N_ITEMS, N_LABELS))
    first = 0
    for width in (2, 4, 8):
        for item in range(N_ITEMS):
            targets[item, first + item * width // N_ITEMS] = 1.0
        first += width
    return targets


def read_idx(folder, name):
    plain = folder / name
    content = plain.read_bytes() if plain.exists() else gzip.decompress((folder / (name + ".gz")).read_bytes())
    n_dimensions = content[3]
    shape = struct.unpack(f">{n_dimensions}I", content[4:4 + 4 * n_dimensions])
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * n_dimensions).reshape(shape)


def load_images(dataset, folder):
    """Training images of the first eight classes as bytes, [n, channels, height, width], and their classes."""
    folder = pathlib.Path(folder)
    if dataset == "mnist":
        raw = folder / "MNIST" / "raw"
        images = read_idx(raw, "train-images-idx3-ubyte")[:, None]
        classes = read_idx(raw, "train-labels-idx1-ubyte")
    elif (folder / "cifar-10-batches-bin").is_dir():
        parts = [folder / "cifar-10-batches-bin" / f"data_batch_{part}.bin" for part in range(1, 6)]
        rows = numpy.concatenate([numpy.fromfile(part, numpy.uint8).reshape(-1, 3073) for part in parts])
        images, classes = rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]
    else:
        parts = []
        for part in range(1, 6):
            with open(folder / "cifar-10-batches-py" / f"data_batch_{part}", "rb") as file:
                parts.append(pickle.load(file, encoding="bytes"))
        images = numpy.concatenate([part[b"data"] for part in parts]).reshape(-1, 3, 32, 32)
        classes = numpy.concatenate([part[b"labels"] for part in parts])
    chosen = classes < N_ITEMS
    return images[chosen], classes[chosen].astype(numpy.int64)


def dtype_of(work):
    return {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}[work["dtype"]]


# -- linear networks on one-hot items ----------------------------------------------------------------------------------
#
# Responses are W2 H + b2 with H = W1 X + b1, X the identity, all items equally frequent. A start is (W1, b1, W2, b2),
# each with the seeds in front; without biases b1 and b2 stay zero.

def linear_start(work, n_inputs):
    """Normal weights and zero biases, float64."""
    generator = torch.Generator().manual_seed(1)
    seeds, width, std = work["seeds"], work["width"], work["std"]

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64) * std

    return (normal(seeds, width, n_inputs), torch.zeros(seeds, width, dtype=torch.float64),
            normal(seeds, N_LABELS, width), torch.zeros(seeds, N_LABELS, dtype=torch.float64))


class EagerLinear:
    """One seed after the other: nn.Linear, autograd, torch.optim.SGD."""

    def __init__(self, work, start, inputs, targets):
        dtype = dtype_of(work)
        bias = work["bias"] == "all"
        self.inputs, self.targets = inputs.to(dtype), targets.to(dtype)
        self.networks = []
        for w1, b1, w2, b2 in zip(*start):
            first = torch.nn.Linear(w1.shape[1], w1.shape[0], bias=bias, dtype=dtype)
            second = torch.nn.Linear(w2.shape[1], w2.shape[0], bias=bias, dtype=dtype)
            with torch.no_grad():
                first.weight.copy_(w1)
                second.weight.copy_(w2)
                if bias:
                    first.bias.copy_(b1)
                    second.bias.copy_(b2)
            network = torch.nn.Sequential(first, second)
            self.networks.append((network, torch.optim.SGD(network.parameters(), lr=work["learning_rate"])))

    def run(self, steps):
        scale = 0.5 / len(self.inputs)
        for network, optimiser in self.networks:
            for _ in range(steps):
                optimiser.zero_grad()
                loss = scale * F.mse_loss(network(self.inputs), self.targets, reduction="sum")
                loss.backward()
                optimiser.step()

    def state(self):
        stacks = [[], [], [], []]
        for (first, second), _ in self.networks:
            for stack, layer, name in zip(stacks, (first, first, second, second), ("weight", "bias") * 2):
                value = getattr(layer, name)
                stack.append(torch.zeros(len(layer.weight)) if value is None else value.detach())
        return [torch.stack(stack).double() for stack in stacks]


class StackedAutograd:
    """All seeds in one stack, autograd, one optimiser."""

    def __init__(self, work, start, inputs, targets):
        dtype = dtype_of(work)
        self.bias = work["bias"] == "all"
        w1, b1, w2, b2 = start
        # Rows are items, so weights are stored transposed and biases as rows.
        stored = (w1.mT, b1[:, None], w2.mT, b2[:, None])
        self.parameters = [tensor.to(dtype, copy=True).contiguous().requires_grad_(self.bias or index % 2 == 0)
                           for index, tensor in enumerate(stored)]
        self.inputs = inputs.to(dtype).expand(len(w1), -1, -1)
        self.targets = targets.to(dtype)
        trained = [parameter for parameter in self.parameters if parameter.requires_grad]
        self.optimiser = torch.optim.SGD(trained, lr=work["learning_rate"], foreach=True)

    def run(self, steps):
        w1, b1, w2, b2 = self.parameters
        scale = 0.5 / self.inputs.shape[1]
        for _ in range(steps):
            self.optimiser.zero_grad()
            if self.bias:
                responses = torch.baddbmm(b2, torch.baddbmm(b1, self.inputs, w1), w2)
            else:
                responses = torch.bmm(torch.bmm(self.inputs, w1), w2)
            (scale * (responses - self.targets).square().sum()).backward()
            self.optimiser.step()

    def state(self):
        w1, b1, w2, b2 = (parameter.detach().double() for parameter in self.parameters)
        return [w1.mT, b1[:, 0], w2.mT, b2[:, 0]]


class OwnGradients:
    """Gradients written out over the stack of seeds, every product into a buffer that is there already; autograd is off.

    An output bias is one more hidden unit that is always 1, an input bias one more input that is always 1.
    """

    def __init__(self, work, start, inputs, targets):
        dtype = dtype_of(work)
        self.bias = work["bias"] == "all"
        w1, b1, w2, b2 = (tensor.to(dtype) for tensor in start)
        seeds, width = b1.shape
        items = len(inputs)
        x = inputs.to(dtype).mT
        if self.bias:
            x = torch.cat([x, torch.ones(1, items, dtype=dtype)])
            w1, w2 = torch.cat([w1, b1[..., None]], 2), torch.cat([w2, b2[..., None]], 2)
        self.x = x.expand(seeds, -1, -1).contiguous()
        self.w1, self.w2 = w1.clone(), w2.clone()
        self.hidden = torch.ones(seeds, w2.shape[2], items, dtype=dtype)
        self.units = self.hidden[:, :width]
        self.targets = targets.to(dtype).mT.expand(seeds, -1, -1).contiguous()
        self.error = torch.empty_like(self.targets)
        self.back = torch.empty(seeds, width, items, dtype=dtype)
        self.rate, self.width = work["learning_rate"] / items, width

    def run(self, steps):
        w2_units = self.w2[:, :, :self.width].mT
        hidden_t, x_t = self.hidden.mT, self.x.mT
        # Written to through a view; bmm's out= must be whole.
        whole = self.units if not self.bias else torch.empty_like(self.back)
        for _ in range(steps):
            torch.bmm(self.w1, self.x, out=whole)
            if self.bias:
                self.units.copy_(whole)
            torch.baddbmm(self.targets, self.w2, self.hidden, beta=-1.0, out=self.error)
            torch.bmm(w2_units, self.error, out=self.back)
            self.w2.baddbmm_(self.error, hidden_t, alpha=-self.rate)
            self.w1.baddbmm_(self.back, x_t, alpha=-self.rate)

    def state(self):
        w1, w2 = self.w1.double(), self.w2.double()
        if not self.bias:
            zeros = torch.zeros(len(w1), 1, dtype=torch.float64)
            return [w1, zeros.expand(-1, w1.shape[1]), w2, zeros.expand(-1, w2.shape[1])]
        return [w1[..., :-1], w1[..., -1], w2[..., :-1], w2[..., -1]]


class HiddenResponses:
    """Evolves hidden responses instead of input weights, which is exact: descent on W1 and b1 moves
    H = W1 X + b1 by its own gradient times K = X'X + 1 (K = X'X without a bias), [items, items]; for one-hot items X'X
    is the identity, so that a product with K adds the sum over items.

    `transposed` keeps output weights as [units, labels]. `augmented` takes the output bias for the weight of a unit that
    is always 1. `chunk` trains so many seeds at a time, to stay in cache. `padded` adds outputs that stay at zero up to a
    multiple of eight, which products like. `rotated` turns the hidden layer so that only
    its n_items + n_labels directions that take part are kept, which is exact too: gradients of both layers stay in the
    span of the start's columns.
    """

    def __init__(self, work, start, inputs, targets, transposed=False, augmented=False, chunk=None, padded=False,
                 rotated=False):
        dtype = dtype_of(work)
        self.bias, self.transposed = work["bias"] == "all", transposed
        self.augmented = augmented and self.bias
        self.rate, self.start, self.targets = work["learning_rate"] / N_ITEMS, start, targets
        w1, b1, w2, b2 = start
        hidden = (w1 + b1[..., None]).mT  # [seeds, items, units]
        self.rotation = None
        if rotated:
            self.rotation = torch.linalg.qr(torch.cat([w2.mT, hidden.mT], 2))[0]
            hidden, w2 = hidden @ self.rotation, w2 @ self.rotation
        gap = targets - b2[:, None]  # what W2 H has yet to say
        if self.augmented:
            hidden = torch.cat([hidden, torch.ones(len(hidden), N_ITEMS, 1)], 2)
            w2, gap = torch.cat([w2, b2[..., None]], 2), targets.expand_as(gap)
        if padded:
            w2, gap = F.pad(w2, (0, 0, 0, -N_LABELS % 8)), F.pad(gap, (0, -N_LABELS % 8))
        if transposed:
            w2 = w2.mT
        stacks = [hidden, w2, gap]
        if len(hidden) == 1:
            # Plain products have less overhead than a stack of one.
            self.parts = [[stack[0].to(dtype).clone(memory_format=torch.contiguous_format) for stack in stacks]]
        else:
            self.parts = [[stack[first:first + (chunk or len(hidden))].to(dtype).clone(memory_format=torch.contiguous_format)
                           for stack in stacks] for first in range(0, len(hidden), chunk or len(hidden))]
        self.kernel = (torch.eye(N_ITEMS) + 1.0).to(dtype)

    def run(self, steps):
        for part in self.parts:
            part[0] = self.train(*part, steps)

    def train(self, hidden, w2, gap, steps):
        """Changes `w2` and `gap`, returns hidden responses."""
        add_product, product = (torch.addmm, torch.mm) if hidden.dim() == 2 else (torch.baddbmm, torch.bmm)
        update = w2.addmm_ if hidden.dim() == 2 else w2.baddbmm_
        w2_labels_last, w2_labels_first = (w2, w2.mT) if self.transposed else (w2.mT, w2)
        kernel = self.kernel.expand(*hidden.shape[:-2], -1, -1).contiguous()
        rate, error, other = -self.rate, torch.empty_like(gap), torch.empty_like(hidden)
        back, total = torch.empty_like(gap) if self.bias else error, torch.empty_like(gap[..., :1, :])
        for _ in range(steps):
            add_product(gap, hidden, w2_labels_last, beta=-1.0, out=error)
            if self.augmented:
                product(kernel, error, out=back)
            elif self.bias:
                torch.sum(error, -2, keepdim=True, out=total)
                torch.add(error, total, out=back)
                gap.sub_(total, alpha=rate)
            add_product(hidden, back, w2_labels_first, alpha=rate, out=other)
            if self.augmented:
                other[..., -1].fill_(1.0)
            if self.transposed:
                update(hidden.mT, error, alpha=rate)
            else:
                update(error.mT, hidden, alpha=rate)
            hidden, other = other, hidden
        return hidden

    def state(self):
        parts = [[stack.double().reshape(-1, *stack.shape[-2:]) for stack in part] for part in self.parts]
        hidden, w2, gap = (torch.cat(stacks) for stacks in zip(*parts))
        w2 = (w2.mT if self.transposed else w2)[:, :N_LABELS]
        b2 = (self.targets - gap[..., :N_LABELS])[:, 0]
        if self.augmented:
            hidden, w2, b2 = hidden[..., :-1], w2[..., :-1], w2[..., -1]
        if self.rotation is not None:
            hidden, w2 = hidden @ self.rotation.mT, w2 @ self.rotation.mT
        w1, b1, _, _ = self.start
        moved = hidden.mT - (w1 + b1[..., None])
        if self.bias:
            # What moved is G K with the summed descent G in responses: W1 moved by G, b1 by G 1.
            moved = torch.linalg.solve(torch.eye(N_ITEMS, dtype=torch.float64) + 1.0, moved, left=False)
            b1 = b1 + moved.sum(2)
        return [w1 + moved, b1, w2, b2]


def one_hot_variants(work):
    inputs, targets = torch.eye(N_ITEMS), torch.from_numpy(item_targets())

    def builder(kind, **options):
        return lambda: kind(work, linear_start(work, N_ITEMS), inputs, targets, **options)

    variants = {
        "eager, seed after seed": (EAGER, builder(EagerLinear)),
        "stacked, autograd": (CANDIDATE, builder(StackedAutograd)),
        "stacked, own gradients": (CANDIDATE, builder(OwnGradients)),
        "hidden layer rotated to the directions that take part": (INFORMATION, builder(HiddenResponses, rotated=True)),
    }
    for chunk in (None, 50, 200):
        if chunk is not None and chunk >= work["seeds"]:
            continue
        for transposed, augmented, padded in itertools.product((False, True), repeat=3):
            if augmented and work["bias"] == "none":
                continue
            name = (("stacked" if chunk is None else f"stacks of {chunk}") + ", own gradients, hidden responses"
                    + ", transposed" * transposed + ", bias as a unit" * augmented + ", 16 outputs" * padded)
            options = {"chunk": chunk, "transposed": transposed, "augmented": augmented, "padded": padded}
            variants[name] = (CANDIDATE, builder(HiddenResponses, **options))
    return variants


# -- linear networks on the full batch of images -----------------------------------------------------------------------

class FullBatch:
    """What the hand-written forms share. A bias of the first layer is one more input that is always 1. `padded` adds outputs
    that stay at zero up to a multiple of eight, which products like."""

    def __init__(self, work, start, inputs, targets, padded=False):
        self.dtype, self.bias, self.rate = dtype_of(work), work["bias"] == "all", work["learning_rate"]
        w1, b1, w2, b2 = (tensor[0].to(self.dtype) for tensor in start)
        x = inputs.to(self.dtype)
        if self.bias:
            x = torch.cat([x, torch.ones(len(x), 1, dtype=self.dtype)], 1)
            w1 = torch.cat([w1, b1[:, None]], 1)
        if padded:
            targets, w2, b2 = (F.pad(tensor, (0,) * (2 * places) + (0, -N_LABELS % 8))
                               for tensor, places in ((targets, 0), (w2, 1), (b2, 0)))
        self.x, self.targets = x, targets.to(self.dtype)
        self.w1, self.w2, self.b2 = w1.clone(), w2.clone(), b2.clone()
        self.prepare()

    def prepare(self):
        pass

    def state(self):
        w1, w2, b2 = self.w1.double(), self.w2.double()[:N_LABELS], self.b2.double()[:N_LABELS]
        b1 = w1[:, -1] if self.bias else torch.zeros(len(w1), dtype=torch.float64)
        return [w1[:, :-1][None] if self.bias else w1[None], b1[None], w2[None], b2[None]]


class SampleGradients(FullBatch):
    """Gradients written out, layer by layer."""

    def run(self, steps):
        n, rate = len(self.x), self.rate / len(self.x)
        hidden = torch.empty(n, len(self.w1), dtype=self.dtype)
        error, back = torch.empty_like(self.targets), torch.empty_like(hidden)
        for _ in range(steps):
            torch.mm(self.x, self.w1.t(), out=hidden)
            torch.addmm(self.targets, hidden, self.w2.t(), beta=-1.0, out=error)
            if self.bias:
                error.add_(self.b2)
            torch.mm(error, self.w2, out=back)
            self.w2.addmm_(error.t(), hidden, alpha=-rate)
            if self.bias:
                self.b2.sub_(error.sum(0), alpha=rate)
            self.w1.addmm_(back.t(), self.x, alpha=-rate)


class ProductGradients(FullBatch):
    """Both layers multiplied first, [labels, inputs]: each pass over the samples needs width/labels times fewer products.
    """

    def run(self, steps):
        rate = self.rate / len(self.x)
        error = torch.empty_like(self.targets)
        gradient = torch.empty(len(self.w2), self.x.shape[1], dtype=self.dtype)
        for _ in range(steps):
            torch.addmm(self.targets, self.x, (self.w2 @ self.w1).t(), beta=-1.0, out=error)
            if self.bias:
                error.add_(self.b2)
            torch.mm(error.t(), self.x, out=gradient)
            self.descend(gradient, rate)

    def descend(self, gradient, rate):
        """One step, given the gradient by the product of the layers."""
        change = gradient @ self.w1.t()
        self.w1.addmm_(self.w2.t(), gradient, alpha=-rate)
        self.w2.sub_(change, alpha=rate)
        if self.bias:
            self.b2.sub_(gradient[:, -1], alpha=rate)


class Correlations(ProductGradients):
    """Sigma_x and Sigma_yx in place of the samples."""

    def prepare(self):
        x, targets, n = self.x.double(), self.targets.double(), len(self.x)
        self.inputs = (x.mT @ x / n).to(self.dtype)
        self.outputs = (targets.mT @ x / n).to(self.dtype)
        self.mean = x.mean(0).to(self.dtype)
        self.x = None

    def run(self, steps):
        gradient = torch.empty_like(self.outputs)
        for _ in range(steps):
            torch.addmm(self.outputs, self.w2 @ self.w1, self.inputs, beta=-1.0, out=gradient)
            if self.bias:
                gradient.addr_(self.b2, self.mean)
            self.descend(gradient, self.rate)


def full_batch_variants(work):
    def builder(kind, **options):
        def build():
            pixels, classes = load_images("mnist", work["data"])
            chosen = slice(None) if work["images"] is None else slice(work["images"])
            inputs = torch.from_numpy(pixels[chosen].reshape(-1, 784)).float() / 255
            targets = torch.from_numpy(item_targets())[torch.from_numpy(classes[chosen])]
            return kind(work, linear_start(work, 784), inputs, targets, **options)
        return build

    return {
        "eager on the samples": (EAGER, builder(EagerLinear)),
        "own gradients on the samples": (CANDIDATE, builder(SampleGradients)),
        "own gradients on the samples, 16 outputs": (CANDIDATE, builder(SampleGradients, padded=True)),
        "own gradients on the samples, layers multiplied first": (CANDIDATE, builder(ProductGradients)),
        "own gradients on the samples, layers multiplied first, 16 outputs":
            (CANDIDATE, builder(ProductGradients, padded=True)),
        "correlation matrices": (INFORMATION, builder(Correlations)),
        "correlation matrices, 16 outputs": (INFORMATION, builder(Correlations, padded=True)),
    }


# -- convolutional networks --------------------------------------------------------------------------------------------

CHANNELS, BATCH_SIZE = (16, 32, 64), 64


class Block(torch.nn.Module):
    """Convolution, max pooling, ReLU; the last two commute."""

    def __init__(self, channels_in, channels_out, pool_first):
        super().__init__()
        self.convolution = torch.nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.pool_first = pool_first

    def forward(self, x):
        x = self.convolution(x)
        return F.relu(F.max_pool2d(x, 2)) if self.pool_first else F.max_pool2d(F.relu(x), 2)


class Convolutional:
    """`mixed`: None, "autocast" or "cast" (weights kept in float32, a bfloat16 copy of them computes)."""

    def __init__(self, work, channels_last=False, pool_first=False, update="default", mixed=None, bytes_kept=False):
        pixels, classes = load_images(work["dataset"], work["data"])
        dtype = torch.bfloat16 if mixed == "cast" and not bytes_kept else torch.float32
        self.images = torch.from_numpy(pixels) if bytes_kept else (torch.from_numpy(pixels) / 255).to(dtype)
        self.channels_last = channels_last
        if channels_last:
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.bytes_kept = bytes_kept
        self.targets = torch.from_numpy(item_targets()).float()[torch.from_numpy(classes)]
        # The same start for every variant, uniform in half of PyTorch's default range.
        torch.manual_seed(1)
        blocks = [Block(before, after, pool_first) for before, after in zip((pixels.shape[1],) + CHANNELS, CHANNELS)]
        side = pixels.shape[2] // 8
        self.network = torch.nn.Sequential(*blocks, torch.nn.Flatten(), torch.nn.Linear(CHANNELS[-1] * side ** 2, N_LABELS))
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.mul_(0.0 if name.endswith("bias") else 0.5)
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.mixed, self.rate, self.update = mixed, work["learning_rate"], update
        self.masters = list(self.network.parameters())
        if mixed == "cast":
            self.masters = [parameter.detach().clone() for parameter in self.network.parameters()]
            self.network = self.network.to(torch.bfloat16)
        self.parameters = list(self.network.parameters())
        options = {"default": {}, "fused": {"fused": True}, "foreach": {"foreach": True}}
        self.optimiser = None
        if update in options and mixed != "cast":
            self.optimiser = torch.optim.SGD(self.parameters, lr=self.rate, **options[update])
        self.generator = torch.Generator().manual_seed(2)
        self.order, self.position = torch.empty(0, dtype=torch.int64), 0

    def next_batch(self):
        if self.position + BATCH_SIZE > len(self.order):
            self.order, self.position = torch.randperm(len(self.images), generator=self.generator), 0
        chosen = self.order[self.position:self.position + BATCH_SIZE]
        self.position += BATCH_SIZE
        images = self.images[chosen]
        if self.bytes_kept:
            images = images.to(torch.bfloat16 if self.mixed == "cast" else torch.float32) / 255
        if self.channels_last:
            # Indexing may lose the layout.
            images = images.contiguous(memory_format=torch.channels_last)
        return images, self.targets[chosen]

    def run(self, steps):
        for _ in range(steps):
            images, targets = self.next_batch()
            if self.mixed == "autocast":
                with torch.autocast("cpu", torch.bfloat16):
                    responses = self.network(images)
            else:
                responses = self.network(images)
            loss = 0.5 / BATCH_SIZE * F.mse_loss(responses.float(), targets, reduction="sum")
            if self.optimiser is not None:
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()
                continue
            gradients = torch.autograd.grad(loss, self.parameters)
            with torch.no_grad():
                if self.mixed == "cast":
                    gradients = [gradient.float() for gradient in gradients]
                torch._foreach_add_(self.masters, gradients, alpha=-self.rate)
                if self.mixed == "cast":
                    torch._foreach_copy_(self.parameters, self.masters)

    def state(self):
        return [parameter.detach().double().contiguous() for parameter in self.masters]


def convolutional_variants(work):
    def builder(**options):
        return lambda: Convolutional(work, **options)

    both = {"channels_last": True, "pool_first": True}
    if work["dtype"] == "float32":
        return {
            "eager": (EAGER, builder()),
            "channels-last": (CANDIDATE, builder(channels_last=True)),
            "pooling first": (CANDIDATE, builder(pool_first=True)),
            "channels-last, pooling first": (CANDIDATE, builder(**both)),
            "channels-last, pooling first, foreach SGD": (CANDIDATE, builder(**both, update="foreach")),
            "channels-last, pooling first, fused SGD": (CANDIDATE, builder(**both, update="fused")),
            "channels-last, pooling first, own update": (CANDIDATE, builder(**both, update="own")),
            "channels-last, pooling first, own update, bytes": (CANDIDATE, builder(**both, update="own", bytes_kept=True)),
        }
    return {
        "eager": (EAGER, builder()),
        "autocast": (CANDIDATE, builder(mixed="autocast")),
        "channels-last, autocast": (CANDIDATE, builder(channels_last=True, mixed="autocast")),
        "channels-last, pooling first, autocast": (CANDIDATE, builder(**both, mixed="autocast")),
        "channels-last, pooling first, autocast, fused SGD": (CANDIDATE, builder(**both, mixed="autocast", update="fused")),
        "channels-last, pooling first, autocast, own update": (CANDIDATE, builder(**both, mixed="autocast", update="own")),
        "cast weights": (CANDIDATE, builder(mixed="cast")),
        "channels-last, pooling first, cast weights": (CANDIDATE, builder(**both, mixed="cast")),
        "channels-last, pooling first, cast weights, bytes": (CANDIDATE, builder(**both, mixed="cast", bytes_kept=True)),
    }


VARIANTS = {"one-hot": one_hot_variants, "full-batch": full_batch_variants, "cnn": convolutional_variants}


# -- what the driver asks for ------------------------------------------------------------------------------------------

def say(answer):
    print(json.dumps(answer), flush=True)


def peak_memory():
    """Bytes; of this process alone, which getrusage's number is not after a fork."""
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])
    raise OSError("/proc/self/status tells no VmHWM")


def gradients_for(learner):
    """Autograd is off where gradients are written out."""
    return torch.set_grad_enabled(not isinstance(learner, (OwnGradients, HiddenResponses, FullBatch)))


def serve(work):
    _, build = VARIANTS[work["work"]](work)[work["variant"]]
    learner = build()
    say({"torch": torch.__version__})
    for line in sys.stdin:
        steps = int(line)
        with gradients_for(learner):
            learner.run(max(1, steps // 20))
            start = time.perf_counter()
            learner.run(steps)
            seconds = time.perf_counter() - start
        say({"seconds": seconds, "peak_memory": peak_memory()})


def difference(start, reference, tensors, together=False):
    """||reference - tensors|| / ||reference - start||: the largest over tensors, or that of all tensors together. What
    training moved is the measure, so that small changes of large weights count. A tensor that did not move has to be
    equal to 1e-12."""
    apart = [float((a - b).norm()) for a, b in zip(reference, tensors)]
    moved = [float((a - b).norm()) for a, b in zip(reference, start)]
    if together:
        apart, moved = [math.hypot(*apart)], [math.hypot(*moved)]
    ratios = [a / max(m, 1e-12) for a, m in zip(apart, moved)]
    return float("inf") if any(map(math.isnan, ratios)) else max(ratios)


def check(work):
    start = reference = None
    answer = {}
    for name, (role, build) in VARIANTS[work["work"]](work).items():
        learner = build()
        if reference is None:
            start = [tensor.clone() for tensor in learner.state()]
        with gradients_for(learner):
            learner.run(work["steps"])
        if reference is None:
            reference = learner.state()
            moved = difference([torch.zeros_like(tensor) for tensor in start], start, reference, together=True)
            if role != EAGER or not moved > 1e-3:
                sys.exit(f"the check trains too little to tell anything: weights moved by {moved:.2g} of their norm")
        answer[name] = difference(start, reference, learner.state(), together=work["dtype"] == "bfloat16")
    say(answer)


def read_safetensors(path):
    content = pathlib.Path(path).read_bytes()
    header_size = struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8:8 + header_size]).items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        dtype = {"F32": numpy.float32, "F64": numpy.float64}[entry["dtype"]]
        values = numpy.frombuffer(content[8 + header_size + first:8 + header_size + last], dtype)
        tensors[name] = torch.from_numpy(values.astype(numpy.float64).reshape(entry["shape"]))
    return tensors


def program_weights(path, bias):
    """Weights and biases as `linear_start` gives them, from a checkpoint of one seed."""
    tensors, weights = read_safetensors(path), []
    for layer in ("layer1", "layer2"):
        weight = tensors[f"{layer}.weight"]
        vector = torch.zeros(len(weight), dtype=torch.float64) if bias == "none" else tensors[f"{layer}.bias"]
        weights += [weight[None], vector.reshape(1, len(weight))]
    return weights


def follow(work):
    """Eager PyTorch goes from the program's weights before some steps; where is it when the program has done them?"""
    start, end = (program_weights(work[key], work["bias"]) for key in ("start", "end"))
    if work["work"] == "one-hot":
        inputs, targets = torch.eye(N_ITEMS), torch.from_numpy(item_targets())
    else:
        pixels, classes = load_images("mnist", work["data"])
        inputs = torch.from_numpy(pixels.reshape(-1, 784)).double() / 255
        targets = torch.from_numpy(item_targets())[torch.from_numpy(classes)]
    learner = EagerLinear(work, start, inputs, targets)
    learner.run(work["steps"])
    say({"difference": difference(start, end, learner.state())})


def multiply(work):
    """Most floating-point operations a second over sizes and tries."""
    dtype, most = dtype_of(work), 0.0
    for size in work["sizes"]:
        a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
        out = torch.empty(size, size, dtype=dtype)
        torch.mm(a, b, out=out)
        for _ in range(work["tries"]):
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            most = max(most, 2 * size ** 3 / (time.perf_counter() - start))
    say({"operations_per_second": most})


def trivial(work):
    VARIANTS["one-hot"](work)["eager, seed after seed"][1]().run(work["steps"])
    say({"peak_memory": peak_memory()})


def main():
    task, work = sys.argv[1], json.loads(sys.argv[2])
    torch.set_num_threads(work.get("threads", 1))
    torch.set_num_interop_threads(1)
    if task == "variants":
        say([[name, role] for name, (role, _) in VARIANTS[work["work"]](work).items()])
    else:
        {"serve": serve, "check": check, "follow": follow, "multiply": multiply, "trivial": trivial}[task](work)


if __name__ == "__main__":
    main()
