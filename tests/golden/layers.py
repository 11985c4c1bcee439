#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes layers.txt and networks.txt: outputs, losses, gradients and curves of ten steps
by PyTorch (1.13, Debian's python3-torch), in double precision.

    python3 tests/golden/layers.py layers > tests/golden/layers.txt
    python3 tests/golden/layers.py networks > tests/golden/networks.txt

The second takes four minutes and 2 GB. Weights, inputs and labels are not written: they
come from a hash of their name and index (reference.py), which tests/nn/golden.h computes
too; all of them are multiples of a power of two that float32 holds exactly.

The loss is the cross-entropy or 1/2 sum (y - t)^2 of a sample, averaged over the batch. A
case's seed is the first with which no rectifier is given a number, and no maximum a lead,
of less than its margin: on the other side of such a corner lies another gradient, and
rounding must not decide.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True  # reference.py leaves no folder beside it
from reference import (DROPOUT, GELU, HARDSWISH, LEAKY, RELU, SIGMOID, SOFTMAX,
                       SPATIALDROPOUT, TANH, Attention, Bn, Chain, Conv, Dense, Flatten,
                       LayerNorm, Parallel, Pool, Recurrent, Residual, below, bits, held,
                       margins, tensor, uniform)

STEPS = 10  # of a curve

# ---- a case: a network, its numbers, and what becomes of them ----


class Case:
    def __init__(self, name, shape, layers, loss="cross-entropy", lengths=None, first=0,
                 rate=1.0, margin=1e-4):
        self.name, self.chain, self.loss = name, Chain(layers), loss
        self.steps, self.channels, self.classes, self.batch = shape
        self.n = lengths and torch.tensor(lengths)
        self.first, self.rate, self.margin, self.seed = first, rate, margin, 0

    def make(self):
        """Weights and inputs from the hash."""
        need, out = self.chain.needs(self.steps, self.channels)
        assert out == (1, self.classes), (self.chain.text, out)
        self.x = uniform("input", self.seed, (self.batch, self.steps, self.channels))
        self.x.requires_grad_(self.first == 0)
        self.w = {name: tensor(name, self.seed, shape) for name, shape in need.items()}
        self.trained = {
            name: t.requires_grad_() for name, t in self.w.items()
            if "running" not in name and int(name.split(".")[0]) >= self.first}
        label = below(self.classes, "label", self.seed, self.batch).astype(np.int64)
        self.label = torch.tensor(label)
        self.value = uniform("value", self.seed, (self.batch, self.classes))
        return self

    def run(self, train=True):
        x = self.x if self.n is None else held(self.x, self.n)[0]
        return self.chain.run(x, self.w, self.n, train, self.first)[:, 0]

    def measure(self, y):
        if self.loss == "cross-entropy":
            return F.cross_entropy(y, self.label)
        return 0.5 * F.mse_loss(y, self.value, reduction="sum") / self.batch

    def train(self, optimizer):
        """Ten losses; outputs and gradients of the first step."""
        curve = []
        for step in range(STEPS):
            optimizer.zero_grad()
            y = self.run()
            loss = self.measure(y)
            loss.backward()
            curve.append(loss.item())
            if step == 0:
                self.y = y.detach()
                self.gradients = {
                    name: t.grad.clone() for name, t in self.trained.items()}
                if self.first == 0:
                    self.gradients["input"] = self.x.grad.clone()
            optimizer.step()
        assert curve[-1] < 0.99 * curve[0], (self.chain.text, curve)
        return curve

    def sgd(self):
        return torch.optim.SGD(self.trained.values(), lr=self.rate)

    def check_alone(self):
        """Samples of their own lengths give what each of them gives alone."""
        y = self.run(False)
        for b, steps in enumerate(self.n):
            alone = self.chain.run(self.x[b:b + 1, :steps], self.w, None, False)[:, 0]
            assert (alone - y[b]).abs().max() < 1e-12, self.chain.text

    def head(self):
        print(f"\ncase {self.name}\nnet {self.chain.text}")
        for word in ("steps", "channels", "classes", "batch", "seed", "first", "loss"):
            print(word, getattr(self, word))
        if self.n is not None:
            show("lengths", self.n)


def show(key, numbers):
    if torch.is_tensor(numbers):
        numbers = numbers.detach().flatten().tolist()
    print(key)
    line = ""
    for text in (f" {x + 0.0:.8g}" for x in numbers):
        if len(line) + len(text) > 90:
            print(line)
            line = ""
        line += text
    print(line)


def write_layers(case):
    """All there is; the seed is the first whose margin holds in all ten steps."""
    while True:
        margins.clear()
        curve = case.make().train(case.sgd())
        with torch.no_grad():
            after = case.run(False)
        if min(margins, default=1) > case.margin:
            break
        case.seed += 1
    case.head()
    show("rate", [case.rate])
    show("output", case.y)
    for name, gradient in case.gradients.items():
        show(f"gradient {name}", gradient)
    show("curve", curve)
    show("after", after)
    for name, t in case.w.items():
        if "running" in name:
            show(f"statistics {name}", t)
    if case.n is not None:
        with torch.no_grad():
            case.make().check_alone()


SAMPLES = 16
SIGNS = 4


def summary(name, gradient):
    """Some numbers of it, its sum, its sum of squares, its products with signs."""
    g = gradient.flatten().numpy()
    some = g[below(len(g), "sample " + name, 0, SAMPLES).astype(np.int64)]
    z = bits("sign", 0, len(g))
    signs = [np.where(z >> np.uint64(i) & np.uint64(1), g, -g).sum()
             for i in range(SIGNS)]
    return [*some, g.sum(), (g * g).sum(), *signs]


def write_network(case):
    """A summary; the seed is the first whose margin holds in the first step."""
    while True:
        margins.clear()
        with torch.no_grad():
            case.make().run()
        if min(margins, default=1) > case.margin:
            break
        case.seed += 1
    sgd = case.make().train(case.sgd())
    with torch.no_grad():
        after = case.run(False)
    case.head()
    show("rate", [case.rate])
    rows = [0, case.batch // 2, case.batch - 1]
    show("output", case.y[rows])
    for name, gradient in case.gradients.items():
        show(f"gradient {name}", summary(name, gradient))
    show("sgd", sgd)
    show("after", after[rows])
    show("adam", case.make().train(torch.optim.Adam(case.trained.values(), lr=0.001)))
    sys.stdout.flush()


# ---- the cases ----


def lstm(*arguments, **named):
    return Recurrent("lstm", *arguments, **named)


def gru(*arguments, **named):
    return Recurrent("gru", *arguments, **named)


def layers_cases():
    """(family, (steps, channels, classes, batch), layers in front of dense(classes))"""
    sequence, single, one = (5, 3, 2, 3), (1, 5, 3, 4), (1, 1, 1, 1)
    yield "dense", single, [Dense(6)]
    yield "dense", sequence, [Dense(2)]
    yield "dense", (2, 7, 4, 1), [Dense(17), TANH]
    yield "dense", one, []
    yield "conv1d", sequence, [Conv(4, 3)]
    yield "conv1d", single, [Conv(6, 1)]
    yield "conv1d", (7, 3, 2, 3), [Conv(4, 3, 2)]
    yield "conv1d", (7, 3, 1, 2), [Conv(3, 3, 2, pad="same")]
    yield "conv1d", (8, 2, 3, 1), [Conv(3, 4, 3, pad="same")]
    yield "conv1d", (6, 3, 2, 2), [Conv(3, 4, pad="causal")]
    yield "conv1d", (7, 2, 2, 2), [Conv(3, 3, 3, pad="causal")]
    yield "conv1d", (9, 3, 2, 2), [Conv(3, 3, dilation=2)]
    yield "conv1d", (7, 2, 3, 2), [Conv(3, 2, 2, dilation=3, pad="same")]
    yield "conv1d", (5, 6, 2, 2), [Conv(4, 3, groups=2)]
    yield "conv1d", (4, 3, 2, 3), [Conv(3, 3, groups=3, pad="same")]
    yield "conv1d", (5, 3, 2, 1), [Conv(6, 5, 3, groups=3, pad="same")]
    yield "conv1d", (6, 4, 2, 2), [Conv(8, 2, dilation=2, groups=4, pad="causal")]
    yield "conv1d", one, [Conv(1, 3, pad="same")]
    for greatest in (True, False):
        yield "pool", (7, 3, 2, 3), [TANH, Pool(greatest, 2)]
        yield "pool", (7, 3, 1, 2), [TANH, Pool(greatest, "all")]
        yield "pool", (1, 2, 2, 1), [TANH, Pool(greatest, 1)]
    for cell in (lstm, gru):
        name = cell(1).kind
        yield name, sequence, [cell(4)]
        yield name, sequence, [cell(4, "all")]
        yield name, (4, 2, 3, 2), [cell(3, "last", both=True)]
        yield name, (4, 2, 1, 2), [cell(3, "all", both=True)]
        yield name, (6, 2, 2, 1), [cell(2, "all", tell=False), cell(3, tell=False)]
        yield name, single, [cell(2)]
        yield name, one, [cell(1, both=True)]
    yield "bn", sequence, [Bn()]
    yield "bn", single, [Bn(0.1)]
    yield "bn", (6, 2, 1, 1), [Bn()]
    yield "bn", (6, 2, 3, 3), [Conv(3, 2), Bn(), TANH]
    yield "bn", (1, 3, 2, 1), [Bn()]
    yield "layernorm", (4, 5, 2, 2), [LayerNorm()]
    yield "layernorm", single, [LayerNorm(0.1)]
    yield "layernorm", (3, 7, 1, 1), [LayerNorm(), TANH]
    yield "attention", (5, 3, 2, 2), [Attention(1)]
    yield "attention", (4, 4, 3, 3), [Attention(2)]
    yield "attention", (3, 3, 1, 1), [Attention(3), TANH]
    yield "attention", (1, 2, 2, 2), [Attention(1)]
    for function in (RELU, LEAKY, GELU, HARDSWISH, SIGMOID, TANH, SOFTMAX):
        yield "activation", single, [Dense(5), function]
        yield "activation", (3, 3, 1, 2), [Conv(3, 1), function]
    yield "activation", sequence, [Flatten(), TANH]
    yield "residual", (4, 3, 2, 3), [Residual(Conv(3, 3, pad="same", tell=False), TANH)]
    yield "residual", (4, 3, 1, 2), [Residual(Conv(2, 2, pad="same", tell=False))]
    yield "residual", single, [Residual(Dense(2), RELU)]
    yield "residual", (4, 2, 3, 2), [Residual(lstm(3, "all"), Bn(), Residual(TANH))]
    yield "parallel", (4, 2, 2, 3), [Parallel([Conv(2, 3, pad="same", tell=False), TANH],
                                              [lstm(2, "all")], [])]
    yield "parallel", (4, 2, 1, 2), [Parallel([gru(2)], [Pool(False, "all")])]
    yield "parallel", single, [Parallel([Dense(2)], [Dense(3), Bn()])]
    yield "chain", (6, 3, 2, 2), [Conv(4, 3), RELU, Bn(), Pool(True, 2), lstm(3)]
    yield "chain", (4, 4, 3, 2), [
        Residual(LayerNorm(), Attention(2)), LayerNorm(), gru(2, both=True)]


def frozen_cases():
    """(first layer that is trained, shape, layers)"""
    yield 1, (3, 3, 2, 2), [DROPOUT, Conv(3, 2), TANH]
    yield 3, (3, 3, 2, 2), [Conv(3, 2), Bn(), SPATIALDROPOUT]
    yield 2, (5, 2, 1, 3), [lstm(3, "all"), DROPOUT, gru(2)]


def masked_cases():
    """(shape, lengths, layers)"""
    shape, lengths = (5, 3, 2, 4), [3, 5, 1, 2]
    for cell in (lstm, gru):
        yield shape, lengths, [cell(3)]
        yield shape, lengths, [cell(2, both=True)]
        yield shape, lengths, [cell(2, "all", both=True), cell(2)]
    yield shape, lengths, [Attention(3), Pool(False, "all")]
    yield (4, 4, 3, 2), [2, 4], [Attention(2), LayerNorm(), gru(2)]
    yield shape, lengths, [Bn(), Pool(False, "all")]
    yield shape, lengths, [Conv(3, 2, pad="causal"), Bn(), lstm(2)]
    yield shape, lengths, [TANH, Pool(True, "all")]
    yield (7, 2, 2, 3), [4, 7, 5], [Conv(3, 2), Pool(False, 2), lstm(2)]
    yield (8, 2, 1, 3), [5, 8, 7], [Conv(2, 3, 2), SIGMOID, gru(2)]
    yield shape, lengths, [Residual(Conv(2, 3, pad="same", tell=False), SOFTMAX), lstm(2)]
    yield shape, lengths, [Parallel([lstm(2)], [Pool(True, "all")])]


def one_case(name, shape, layers, **named):
    """Squared error where there is one class, for which cross-entropy is 0."""
    loss = "squared" if shape[2] == 1 else "cross-entropy"
    rate = 1 / 32 if loss == "squared" else 1 / 4
    return Case(name, shape, [*layers, Dense(shape[2])], loss, rate=rate, **named)


def layers():
    for name, shape, chain in layers_cases():
        write_layers(one_case(name, shape, chain))
    for first, shape, chain in frozen_cases():
        write_layers(one_case("frozen", shape, chain, first=first))
    for shape, lengths, chain in masked_cases():
        write_layers(one_case("lengths", shape, chain, lengths=lengths))


def n1():
    return [Conv(64, 5), RELU, Bn(), Conv(64, 5), RELU, Pool(False, "all"), Dense(24)]


def n2():
    convolutions = [layer for c in (64, 128, 192, 256) for layer in (Conv(c, 5), RELU)]
    return [*convolutions, lstm(128, "all", tell=False), lstm(128, tell=False), Dense(24)]


def n3():
    return [lstm(64, "all", tell=False), lstm(128, "all", tell=False),
            lstm(64, tell=False), Dense(64), RELU, Dense(32), RELU, Dense(10)]


def n4():
    return [Dense(512), RELU, Dense(256), RELU, Dense(60)]


def networks():
    """Each with few samples, then with its batch; margins as they can be found: n2 has
    five million rectifiers."""
    for name, make, shape, batch, rate, margin in (
            ("n1", n1, (128, 12, 24), 64, 0.5, 3e-6),
            ("n2", n2, (128, 12, 24), 64, 1, 4e-7),
            ("n3", n3, (30, 1662, 10), 32, 0.5, 1e-5),
            ("n4", n4, (1, 225, 60), 256, 0.5, 4e-6)):
        write_network(Case(name + "-few", (*shape, 3), make(), "squared", rate=rate / 16,
                           margin=4e-6))
        write_network(Case(name, (*shape, batch), make(), rate=rate, margin=margin))
    lengths = [7, 30, 1, 16, 29]
    write_network(Case("n3-lengths", (30, 1662, 10, 5), n3(), lengths=lengths, rate=0.5))


def main():
    if sys.argv[1:] not in (["layers"], ["networks"]):
        sys.exit("usage: layers.py layers|networks")
    print("# SPDX-License-Identifier: Apache-2.0")
    print(f"# Written by tests/golden/layers.py {sys.argv[1]} with PyTorch "
          f"{torch.__version__}, double precision.")
    print("# A word and its value, or a word and numbers on the lines below that begin")
    print("# with a space.\n")
    for name in ("input", "0.weight"):
        print(f"uniform {name}")
        print("".join(f" {x:.17g}" for x in uniform(name, 1, (4,)).tolist()))
    layers() if sys.argv[1] == "layers" else networks()


main()
