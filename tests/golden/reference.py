#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers by PyTorch for layers.py: the numbers that they are given, and what they do.

Weights lie in frugal's layout, permuted into PyTorch's on the way to its functions, so
that gradients come out in frugal's.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# ---- numbers from a hash ----


def bits(name, seed, count):
    """splitmix64 (Steele et al. 2014) of FNV-1a of the name, the seed and the index."""
    key = 0x811C9DC5
    for c in name.encode():
        key = (key ^ c) * 0x01000193 % 2**32
    z = np.arange(count, dtype=np.uint64) | np.uint64((key ^ seed) << 32)
    z += np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def below(n, name, seed, count):
    """Whole numbers in [0, n)."""
    return ((bits(name, seed, count) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)


def uniform(name, seed, shape):
    """In [-1, 1), multiples of 2^-19."""
    z = bits(name, seed, int(np.prod(shape))) >> np.uint64(44)
    return torch.tensor(z.astype(np.float64) * 2.0**-19 - 1).reshape(shape)


def tensor(name, seed, shape):
    """A matrix in 2^(1-s), s the least with 4^s >= the inputs of one output; else in 1/4,
    around 1 for what multiplies."""
    u = uniform(name, seed, shape)
    if len(shape) > 1:
        s = 0
        while 4**s < np.prod(shape[:-1]):
            s += 1
        return u * 2.0 ** (1 - s)
    return u / 4 + (1 if name.endswith(("weight", "variance")) else 0)


# ---- layers: text, tensors, output; x (B, T, C), n (B) steps that count, or None ----

margins = []  # distances from corners met since it was emptied


def beside(distance):
    if distance.numel():
        margins.append(distance.detach().min().item())


def held(x, n):
    """x with zeros behind the samples' ends, and which of its steps count."""
    steps = torch.arange(x.shape[1])[None, :, None] < n[:, None, None]
    return x * steps, steps


class Layer:
    def __init__(self, text):
        self.text = text

    def needs(self, steps, channels):
        """Shapes of the tensors, and of the output."""
        return {}, (steps, channels)

    def lengths(self, n, steps, out_steps):
        return n if steps == out_steps else torch.ones_like(n)


class Dense(Layer):
    def __init__(self, units):
        super().__init__(f"dense({units})")
        self.units = units

    def needs(self, steps, channels):
        return ({"weight": (steps * channels, self.units), "bias": (self.units,)},
                (1, self.units))

    def run(self, x, w, n, train):
        return F.linear(x.flatten(1), w["weight"].T, w["bias"])[:, None]


class Conv(Layer):
    def __init__(self, units, width, stride=1, dilation=1, groups=1, pad="none",
                 tell=True):
        more = f",{stride}" if stride > 1 else ""
        more += f",dilation={dilation}" if dilation > 1 else ""
        more += f",groups={groups}" if groups > 1 else ""
        more += f",pad={pad}" if pad != "none" and tell else ""
        super().__init__(f"conv1d({units},{width}{more})")
        self.units, self.width, self.groups = units, width, groups
        self.stride, self.dilation, self.pad = stride, dilation, pad

    def pads(self, steps):
        reach = (self.width - 1) * self.dilation
        if self.pad == "none":
            return 0, 0
        if self.pad == "causal":
            return reach, 0
        out_steps = -(-steps // self.stride)
        total = max((out_steps - 1) * self.stride + reach + 1 - steps, 0)
        return total // 2, total - total // 2

    def count(self, steps):
        reach = (self.width - 1) * self.dilation if self.pad == "none" else 0
        return (steps - reach - 1) // self.stride + 1

    def needs(self, steps, channels):
        return ({"weight": (self.width, channels // self.groups, self.units),
                 "bias": (self.units,)}, (self.count(steps), self.units))

    def lengths(self, n, steps, out_steps):
        return self.count(n)

    def run(self, x, w, n, train):
        x = F.pad(x.transpose(1, 2), self.pads(x.shape[1]))
        return F.conv1d(x, w["weight"].permute(2, 1, 0), w["bias"], self.stride, 0,
                        self.dilation, self.groups).transpose(1, 2)


class Pool(Layer):
    def __init__(self, greatest, width):
        super().__init__(f"{'max' if greatest else 'avg'}pool({width})")
        self.greatest, self.width = greatest, width

    def needs(self, steps, channels):
        return {}, (1 if self.width == "all" else steps // self.width, channels)

    def lengths(self, n, steps, out_steps):
        return torch.ones_like(n) if self.width == "all" else n // self.width

    def run(self, x, w, n, train):
        width = x.shape[1] if self.width == "all" else self.width
        if n is not None and self.width == "all":
            each = [x[b:b + 1, :n[b]] for b in range(len(x))]
            return torch.cat([self.run(sample, w, None, train) for sample in each])
        if not self.greatest:
            return F.avg_pool1d(x.transpose(1, 2), width).transpose(1, 2)
        windows = x[:, :x.shape[1] // width * width].unflatten(1, (-1, width))
        if width > 1:
            best = windows.topk(2, dim=2).values
            beside((best[:, :, 0] - best[:, :, 1])[best[:, :, 0] != 0])
        return F.max_pool1d(x.transpose(1, 2), width).transpose(1, 2)


class Recurrent(Layer):
    """states: "all" or "last"; tell=False: that is what the text means by itself."""

    def __init__(self, kind, units, states="last", both=False, tell=True):
        text = f"{kind}({units}{',' + states if tell else ''}{',both' if both else ''})"
        super().__init__(text)
        self.kind, self.units = kind, units
        self.all, self.ends = states == "all", ["", "_reverse"][:1 + both]

    def needs(self, steps, channels):
        gates = (4 if self.kind == "lstm" else 3) * self.units
        need = {}
        for end in self.ends:
            need["weight" + end] = (channels, gates)
            need["recurrent" + end] = (self.units, gates)
            need["bias" + end] = (gates,)
            if self.kind == "gru":
                need["recurrent_bias" + end] = (gates,)
        return need, (steps if self.all else 1, len(self.ends) * self.units)

    def flat(self, w):
        for end in self.ends:
            yield from (w["weight" + end].T, w["recurrent" + end].T, w["bias" + end])
            yield w.get("recurrent_bias" + end, torch.zeros_like(w["bias" + end]))

    def run(self, x, w, n, train):
        h = torch.zeros(len(self.ends), len(x), self.units)
        begin = (h, h) if self.kind == "lstm" else h
        function = torch.lstm if self.kind == "lstm" else torch.gru
        rest = (list(self.flat(w)), True, 1, 0.0, train, len(self.ends) == 2)
        if n is None:
            y, last, *_ = function(x, begin, *rest, True)
        else:
            packed = pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False)
            y, last, *_ = function(packed.data, packed.batch_sizes, begin, *rest)
            y = PackedSequence(y, *packed[1:])
            y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
            last = last[:, packed.unsorted_indices]
        return y if self.all else last.transpose(0, 1).flatten(1)[:, None]


class Bn(Layer):
    def __init__(self, epsilon=None):
        super().__init__(f"bn({epsilon})" if epsilon else "bn")
        self.epsilon = epsilon or 1e-5

    def needs(self, steps, channels):
        names = ["weight", "bias", "running_mean", "running_variance"]
        return dict.fromkeys(names, (channels,)), (steps, channels)

    def run(self, x, w, n, train):
        counted = torch.full(x.shape[:2], True) if n is None else held(x, n)[1][:, :, 0]
        rows = x[counted]
        rows = F.batch_norm(rows, w["running_mean"], w["running_variance"], w["weight"],
                            w["bias"], train and len(rows) > 1, 0.1, self.epsilon)
        y = torch.zeros_like(x)
        y[counted] = rows
        return y


class LayerNorm(Layer):
    def __init__(self, epsilon=None):
        super().__init__(f"layernorm({epsilon})" if epsilon else "layernorm")
        self.epsilon = epsilon or 1e-5

    def needs(self, steps, channels):
        return {"weight": (channels,), "bias": (channels,)}, (steps, channels)

    def run(self, x, w, n, train):
        return F.layer_norm(x, x.shape[2:], w["weight"], w["bias"], self.epsilon)


class Attention(Layer):
    def __init__(self, heads):
        super().__init__(f"attention({heads})")
        self.heads = heads

    def needs(self, steps, channels):
        return {"weight": (channels, 3 * channels), "bias": (3 * channels,),
                "output": (channels, channels),
                "output_bias": (channels,)}, (steps, channels)

    def run(self, x, w, n, train):
        x = x.transpose(0, 1)
        mask = None if n is None else torch.arange(len(x))[None] >= n[:, None]
        y, _ = F.multi_head_attention_forward(
            x, x, x, x.shape[2], self.heads, w["weight"].T, w["bias"], None, None, False,
            0.0, w["output"].T, w["output_bias"], train, mask, False)
        return y.transpose(0, 1)


class Function(Layer):
    """`corners`: where the slope jumps."""

    def __init__(self, text, function, corners=()):
        super().__init__(text)
        self.function, self.corners = function, corners

    def run(self, x, w, n, train):
        for corner in self.corners:
            distance = (x - corner).abs()
            beside(distance if n is None else distance[held(x, n)[1].expand_as(x)])
        return self.function(x)


RELU = Function("relu", F.relu, (0,))
LEAKY = Function("leaky(0.25)", lambda x: F.leaky_relu(x, 0.25), (0,))
GELU = Function("gelu", lambda x: F.gelu(x, approximate="tanh"))
HARDSWISH = Function("hardswish", F.hardswish, (-3, 3))
SIGMOID = Function("sigmoid", torch.sigmoid)
TANH = Function("tanh", torch.tanh)
SOFTMAX = Function("softmax", lambda x: F.softmax(x, 2))
# Only where it stays as it is: in testing and frozen.
DROPOUT = Function("dropout(0.4)", lambda x: x)
SPATIALDROPOUT = Function("spatialdropout(0.4)", lambda x: x)


class Flatten(Layer):
    def __init__(self):
        super().__init__("flatten")

    def needs(self, steps, channels):
        return {}, (1, steps * channels)

    def run(self, x, w, n, train):
        return x.flatten(1)[:, None]


class Chain:
    def __init__(self, layers):
        self.layers = layers
        self.text = " ".join(layer.text for layer in layers)

    def needs(self, steps, channels):
        need = {}
        for i, layer in enumerate(self.layers):
            own, (steps, channels) = layer.needs(steps, channels)
            need |= {f"{i}.{name}": shape for name, shape in own.items()}
        return need, (steps, channels)

    def run(self, x, w, n, train, first=0):
        for i, layer in enumerate(self.layers):
            own = inside(w, i)
            y = layer.run(x, own, n, train and i >= first)
            if n is not None:
                n = layer.lengths(n, x.shape[1], y.shape[1])
                y, _ = held(y, n)
            x = y
        return x


def inside(w, i):
    """What is below "i."."""
    return {name[len(f"{i}."):]: t for name, t in w.items() if name.startswith(f"{i}.")}


class Residual(Layer):
    def __init__(self, *layers):
        self.chain = Chain(layers)
        super().__init__(f"residual({self.chain.text})")

    def needs(self, steps, channels):
        need, out = self.chain.needs(steps, channels)
        if out[1] != channels:
            need["shortcut"] = (channels, out[1])
        return need, out

    def run(self, x, w, n, train):
        f = self.chain.run(x, w, n, train)
        return (x @ w["shortcut"] if "shortcut" in w else x) + f


class Parallel(Layer):
    def __init__(self, *branches):
        self.branches = [Chain(layers) for layers in branches]
        super().__init__(f"parallel({' | '.join(b.text for b in self.branches)})")

    def needs(self, steps, channels):
        need, width = {}, 0
        for i, branch in enumerate(self.branches):
            own, out = branch.needs(steps, channels)
            need |= {f"{i}.{name}": shape for name, shape in own.items()}
            width += out[1]
        return need, (out[0], width)

    def run(self, x, w, n, train):
        return torch.cat([b.run(x, inside(w, i), n, train)
                          for i, b in enumerate(self.branches)], 2)
