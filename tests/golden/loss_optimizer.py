#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes loss_optimizer.h: losses, optimizers and schedules by PyTorch (1.13), in double
precision but for the schedules' own arithmetic. Inputs are sines (see `sines`), which the
tests compute too.

    python3 tests/golden/loss_optimizer.py > tests/golden/loss_optimizer.h
"""
import math
import struct
import textwrap

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim import lr_scheduler

torch.set_default_dtype(torch.float64)
NAN = float("nan")


def sines(key, *shape):
    count = math.prod(shape)
    single = [struct.unpack("f", struct.pack("f", 0.8 * math.sin(1.7 * i + 0.9 * key)))[0]
              for i in range(count)]
    return torch.tensor(single).reshape(shape)


def show(name, numbers):
    numbers = [float(x) for x in numbers]
    print(f"\nstatic const double golden_{name}[{len(numbers)}] = {{")
    text = " ".join(f"{x:.9g}," for x in numbers)
    print(textwrap.fill(text, 90, initial_indent="    ", subsequent_indent="    "))
    print("};")


# ---- losses: the value, then the gradient ----

B, K = 4, 3
LABEL = torch.tensor([1, 0, 2, 2])
WEIGHT = torch.tensor([0.5, 2.0, 1.25])
POSITIVE = torch.tensor([3.0, 0.25, 40.0])
VALUE = torch.tensor([[1, 0, NAN], [0, 0, 1], [NAN, NAN, NAN], [1, 1, 0]])
TEMPERATURE, SHARE, SMOOTHING, GAMMA = 2.5, 0.75, 0.1, 1.5


def entropy(z, label=LABEL, weight=None, smoothing=0.0, reduction="mean"):
    return F.cross_entropy(z, label, weight, label_smoothing=smoothing, ignore_index=-1,
                           reduction=reduction)


def focal(z, weight=None, smoothing=0.0):
    """(1 - p_y)^gamma times each sample's loss; over the sum of the weights."""
    p = F.softmax(z, 1).gather(1, LABEL[:, None])[:, 0]
    each = (1 - p) ** GAMMA * entropy(z, LABEL, weight, smoothing, "none")
    return each.sum() / (B if weight is None else weight[LABEL].sum())


def distilled(z, weight=None, smoothing=0.0):
    w = torch.ones(K) if weight is None else weight
    log_p = F.log_softmax(z / TEMPERATURE, 1)
    taught = F.softmax(3 * sines(8, B, K) / TEMPERATURE, 1)
    each = F.kl_div(log_p, taught, reduction="none").sum(1) * w[LABEL]
    return ((1 - SHARE) * entropy(z, LABEL, weight, smoothing)
            + SHARE * TEMPERATURE**2 * each.sum() / w[LABEL].sum())


def binary(z, weight=None, gamma=0.0, positive=None):
    told = ~VALUE.isnan()
    t = VALUE.nan_to_num(0)
    each = F.binary_cross_entropy_with_logits(z, t, weight, reduction="none",
                                              pos_weight=positive)
    p = torch.sigmoid(z)
    p_t = p * t + (1 - p) * (1 - t)
    return ((1 - p_t) ** gamma * each)[told].sum() / told.sum()


def squared(z, target):
    told = ~target.isnan()
    each = 0.5 * F.mse_loss(z, target.nan_to_num(0), reduction="none") * told
    return each.sum() / told.any(1).sum()


OTHER, SHARES = torch.tensor([2, 0, 1, 0]), torch.tensor([0.25, 0.5, 1.0, 0.875])


def mixed_weight(weight):
    w = torch.ones(K) if weight is None else weight
    return SHARES * w[LABEL] + (1 - SHARES) * w[OTHER]


def mixed(z, weight=None, smoothing=0.0, gamma=0.0):
    """lambda CE(a) + (1 - lambda) CE(b), each with its focal factor."""
    total = 0
    for label, share in ((LABEL, SHARES), (OTHER, 1 - SHARES)):
        p = F.softmax(z, 1).gather(1, label[:, None])[:, 0]
        each = entropy(z, label, weight, smoothing, "none")
        total = total + share * (1 - p) ** gamma * each
    return total.sum() / mixed_weight(weight).sum()


def mixed_distilled(z):
    log_p = F.log_softmax(z / TEMPERATURE, 1)
    taught = F.softmax(3 * sines(8, B, K) / TEMPERATURE, 1)
    w = mixed_weight(WEIGHT)
    each = F.kl_div(log_p, taught, reduction="none").sum(1) * w
    return ((1 - SHARE) * mixed(z, WEIGHT, SMOOTHING, GAMMA)
            + SHARE * TEMPERATURE**2 * each.sum() / w.sum())


def mixed_target():
    one, two = F.one_hot(LABEL, K).double(), F.one_hot(OTHER, K).double()
    return SHARES[:, None] * one + (1 - SHARES)[:, None] * two


LOSSES = {
    "entropy": entropy,
    "entropy_unknown": lambda z: entropy(z, torch.tensor([1, -1, 2, 2])),
    "entropy_smooth": lambda z: entropy(z, smoothing=SMOOTHING),
    "entropy_weighted": lambda z: entropy(z, weight=WEIGHT),
    "entropy_smooth_weighted": lambda z: entropy(z, weight=WEIGHT, smoothing=SMOOTHING),
    "entropy_focal": focal,
    "entropy_focal_all": lambda z: focal(z, WEIGHT, SMOOTHING),
    "entropy_distilled": distilled,
    "entropy_distilled_all": lambda z: distilled(z, WEIGHT, SMOOTHING),
    "binary": binary,
    "binary_weighted": lambda z: binary(z, WEIGHT),
    "binary_focal": lambda z: binary(z, None, GAMMA),
    "binary_focal_weighted": lambda z: binary(z, WEIGHT, 2.0),
    "binary_positive": lambda z: binary(z, None, 0.0, POSITIVE),
    "binary_positive_all": lambda z: binary(z, WEIGHT, GAMMA, POSITIVE),
    "squared_label": lambda z: squared(z, F.one_hot(LABEL, K).double()),
    "squared_value": lambda z: squared(z, VALUE),
    "mixed": mixed,
    "mixed_smooth_weighted": lambda z: mixed(z, WEIGHT, SMOOTHING),
    "mixed_focal_all": lambda z: mixed(z, WEIGHT, SMOOTHING, GAMMA),
    "mixed_distilled_all": mixed_distilled,
    "mixed_binary": lambda z: F.binary_cross_entropy_with_logits(z, mixed_target(), WEIGHT),
    "mixed_squared": lambda z: squared(z, mixed_target()),
}


def losses():
    for name, loss in LOSSES.items():
        z = (3 * sines(7, B, K)).requires_grad_()
        value = loss(z)
        value.backward()
        show("loss_" + name, [value.item(), *z.grad.flatten()])


# ---- optimizers: ten losses, then the weights after each step ----

STEPS = 10
OPTIMIZERS = {
    "sgd": (optim.SGD, {"lr": 0.5}),
    "sgd_decay": (optim.SGD, {"lr": 0.5, "weight_decay": 0.1}),
    "sgd_momentum": (optim.SGD, {"lr": 0.2, "momentum": 0.8}),
    "sgd_nesterov": (optim.SGD, {"lr": 0.2, "momentum": 0.8, "nesterov": True,
                                 "weight_decay": 0.05}),
    "sgd_clip_norm": (optim.SGD, {"lr": 0.5, "momentum": 0.5, "clip_norm": 0.2}),
    "sgd_clip_value": (optim.SGD, {"lr": 0.5, "momentum": 0.5, "clip_value": 0.05}),
    "adam": (optim.Adam, {"lr": 0.05}),
    "adam_decay": (optim.Adam, {"lr": 0.05, "weight_decay": 0.1}),
    "adam_betas": (optim.Adam, {"lr": 0.05, "betas": (0.5, 0.7), "eps": 0.01}),
    "adamw_decay": (optim.AdamW, {"lr": 0.05, "weight_decay": 0.5}),
    "adamw_clip_both": (optim.AdamW, {"lr": 0.05, "weight_decay": 0.0, "eps": 0.05,
                                      "clip_value": 0.1, "clip_norm": 0.2}),
    "rmsprop": (optim.RMSprop, {"lr": 0.01}),
    "rmsprop_momentum": (optim.RMSprop, {"lr": 0.01, "momentum": 0.7, "alpha": 0.9,
                                         "eps": 1e-4, "weight_decay": 0.1}),
    "adamw_scheduled": (optim.AdamW, {"lr": 0.2, "weight_decay": 0.1, "one_cycle": True}),
}


def network():
    """dense(2) leaky(0.25) dense(2) on three numbers; tensors are sines of keys 2 to 5."""
    net = nn.Sequential(nn.Linear(3, 2), nn.LeakyReLU(0.25), nn.Linear(2, 2))
    with torch.no_grad():
        net[0].weight.copy_(sines(2, 3, 2).T)
        net[0].bias.copy_(sines(3, 2))
        net[2].weight.copy_(sines(4, 2, 2).T)
        net[2].bias.copy_(sines(5, 2))
    return net


def weights(net):
    return [x for layer in (net[0], net[2]) for t in (layer.weight.T, layer.bias)
            for x in t.flatten().tolist()]


def optimizers():
    x, label = sines(1, 5, 3), torch.tensor([0, 1, 1, 0, 1])
    for name, (kind, options) in OPTIMIZERS.items():
        options = dict(options)
        clip_norm, clip_value = options.pop("clip_norm", 0), options.pop("clip_value", 0)
        one_cycle = options.pop("one_cycle", False)
        net = network()
        optimizer = kind(net.parameters(), **options)
        schedule = one_cycle and lr_scheduler.OneCycleLR(
            optimizer, options["lr"], total_steps=STEPS, cycle_momentum=False)
        values, curve = [], []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), label)
            loss.backward()
            if clip_value:
                nn.utils.clip_grad_value_(net.parameters(), clip_value)
            if clip_norm:
                nn.utils.clip_grad_norm_(net.parameters(), clip_norm)
            optimizer.step()
            if schedule:
                schedule.step()
            values.append(loss.item())
            curve += weights(net)
        show("curve_" + name, values + curve)


# ---- schedules: factors of 24 steps, four an epoch ----

TOTAL, EPOCH = 24, 4


def factors(make, per_epoch=False):
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    out = []
    for step in range(TOTAL):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < TOTAL - 1 and (not per_epoch or step % EPOCH == EPOCH - 1):
            schedule.step()
    return out


def schedules():
    show("schedule_step", factors(lambda o: lr_scheduler.StepLR(o, 2, 0.3), True))
    show("schedule_exponential",
         factors(lambda o: lr_scheduler.ExponentialLR(o, 0.8), True))
    show("schedule_cosine",
         factors(lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL - 1, 0.05)))
    show("schedule_one_cycle", factors(lambda o: lr_scheduler.OneCycleLR(
        o, 1.0, total_steps=TOTAL, pct_start=0.25, div_factor=20, final_div_factor=50,
        cycle_momentum=False)))


print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Written by tests/golden/loss_optimizer.py with PyTorch. */")
losses()
optimizers()
schedules()
