#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A network in integers by docs/int8.md, in Python's own integers and NumPy's floats.

usage: int8_golden.py > int8_golden.h

conv1d(3,2) relu dense(2) on (5, 2), from weights and ranges alone: how weights are rounded,
which integers stand for real factors, and what every output is. Knows nothing of the library.
"""
import math

import numpy as np

STEPS, CHANNELS, UNITS, WIDTH, CLASSES, SAMPLES = 5, 2, 3, 2, 2, 6


def away(x):
    """The nearest whole number, halves away from zero."""
    return int(math.floor(abs(x) + 0.5)) * (1 if x >= 0 else -1)


def round_weights(w):
    """float32 weights (inputs, outputs) as whole steps of each output's scale."""
    out = np.zeros_like(w)
    for o in range(w.shape[1]):
        scale = np.float32(np.float32(np.abs(w[:, o]).max()) / np.float32(127))
        for i in range(w.shape[0]):
            out[i, o] = np.float32(away(float(np.float32(w[i, o] / scale)))) * scale
    return out


def bytes_of(w):
    """int8 weights and what a step of each output is worth."""
    scale = [float(np.abs(w[:, o]).max()) / 127 for o in range(w.shape[1])]
    return [[away(float(w[i, o]) / scale[o]) for i in range(w.shape[0])]
            for o in range(w.shape[1])], scale


def asymmetric(low, high):
    """Scale and zero of a range."""
    scale = (float(high) - float(low)) / 255
    return scale, away(-128 - float(low) / scale)


def integers(factor, addend):
    """mul, add and shift of (mul sum + add) >> shift."""
    _, exponent = math.frexp(max(abs(f) for f in factor))
    shift = 30 - exponent
    return ([away(math.ldexp(f, shift)) for f in factor],
            [away(math.ldexp(a, shift)) + (1 << (shift - 1)) for a in addend], shift)


def clamp(q, low, high):
    return max(low, min(high, q))


def quantize(x, scale, zero):
    factor = np.float32(2 / scale)
    twice = int(np.float32(abs(np.float32(x)) * factor))
    half = (min(twice, 1024) + 1) >> 1
    return clamp((-half if x < 0 else half) + zero, -128, 127)


def run(x, conv, conv_bias, dense, dense_bias, ranges):
    """One sample (STEPS, CHANNELS) to its logits."""
    s_in, z_in = asymmetric(*ranges[0])
    s_mid, z_mid = asymmetric(*ranges[2])
    s_out = 2 * max(-float(ranges[3][0]), float(ranges[3][1])) / 32767
    w, s_w = bytes_of(conv)
    mul, add, shift = integers([s * s_in / s_mid for s in s_w],
                               [float(b) / s_mid + z_mid for b in conv_bias])
    q = [quantize(v, s_in, z_in) for v in x.reshape(-1)]
    mid = []
    for t in range(STEPS - WIDTH + 1):
        for u in range(UNITS):
            total = sum((q[t * CHANNELS + i] - z_in) * w[u][i] for i in range(WIDTH * CHANNELS))
            mid.append(clamp((mul[u] * total + add[u]) >> shift, -128, 127))
    w, s_w = bytes_of(dense)
    mul, add, shift = integers([s * s_mid / s_out for s in s_w],
                               [float(b) / s_out for b in dense_bias])
    out = []
    for k in range(CLASSES):
        total = sum((v - z_mid) * w[k][i] for i, v in enumerate(mid))
        value = clamp((mul[k] * total + add[k]) >> shift, -32768, 32767)
        out.append(np.float32(value) * np.float32(s_out))
    return out


def text(name, values):
    numbers = ", ".join(f"{float(v)!r}f" for v in np.asarray(values).reshape(-1))
    return f"static const float {name}[] = {{{numbers}}};"


def main():
    rng = np.random.default_rng(8)
    conv = rng.normal(size=(WIDTH * CHANNELS, UNITS)).astype(np.float32)
    dense = rng.normal(size=((STEPS - WIDTH + 1) * UNITS, CLASSES)).astype(np.float32)
    conv_bias = rng.normal(size=UNITS).astype(np.float32)
    dense_bias = rng.normal(size=CLASSES).astype(np.float32)
    x = rng.normal(size=(SAMPLES, STEPS, CHANNELS)).astype(np.float32)
    # of the input, of the convolution (not asked for: relu's is behind it), of relu, the output
    ranges = np.array([[-2.5, 1.75], [-4, 4.5], [0, 4.5], [-6, 5]], np.float32)
    rounded = [round_weights(conv), round_weights(dense)]
    outputs = [run(s, rounded[0], conv_bias, rounded[1], dense_bias, ranges) for s in x]
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tests/golden/int8_golden.py. */")
    for name, values in (("golden_conv", conv), ("golden_conv_bias", conv_bias),
                         ("golden_dense", dense), ("golden_dense_bias", dense_bias),
                         ("golden_ranges", ranges), ("golden_x", x), ("golden_y", outputs)):
        print(text(name, values))


main()
