#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes nn_golden.h: outputs and gradients of lstm, conv1d, bn and gelu.

Written from the formulas of the papers that the layers cite, in double precision, with
loops and nothing but the standard library; the gradients are central differences, so that
no derivative is written down twice. Inputs and weights are sines (see `sines`), which the
test computes too.

    python3 tests/golden/nn_golden.py > tests/golden/nn_golden.h
"""
import math
import struct


def single(x):
    """The nearest float32."""
    return struct.unpack("f", struct.pack("f", x))[0]


def sines(key, count):
    return [single(0.8 * math.sin(1.7 * i + 0.9 * key)) for i in range(count)]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def lstm(x, weight, recurrent, bias, batch, steps, channels, units):
    """All states, (B, T, H); gates in the order i, f, g, o."""
    out = [0.0] * (batch * steps * units)
    for b in range(batch):
        h, c = [0.0] * units, [0.0] * units
        for t in range(steps):
            row = x[(b * steps + t) * channels:][:channels]
            z = list(bias)
            for j in range(4 * units):
                z[j] += sum(row[k] * weight[k * 4 * units + j] for k in range(channels))
                z[j] += sum(h[k] * recurrent[k * 4 * units + j] for k in range(units))
            for u in range(units):
                i, f = sigmoid(z[u]), sigmoid(z[units + u])
                g, o = math.tanh(z[2 * units + u]), sigmoid(z[3 * units + u])
                c[u] = f * c[u] + i * g
                h[u] = o * math.tanh(c[u])
                out[(b * steps + t) * units + u] = h[u]
    return out


def conv1d(x, weight, bias, batch, steps, channels, units, width, stride, left,
           out_steps):
    """y[t, o] = bias[o] + sum over w, c of x[t stride + w - left, c] weight[w, c, o]."""
    out = []
    for b in range(batch):
        for t in range(out_steps):
            for o in range(units):
                total = bias[o]
                for w in range(width):
                    s = t * stride + w - left
                    if 0 <= s < steps:
                        for c in range(channels):
                            total += (x[(b * steps + s) * channels + c] *
                                      weight[(w * channels + c) * units + o])
                out.append(total)
    return out


def moments(x, channels):
    rows = len(x) // channels
    mean = [sum(x[c::channels]) / rows for c in range(channels)]
    square = [sum((v - mean[c]) ** 2 for v in x[c::channels]) for c in range(channels)]
    return rows, mean, square


def bn(x, gamma, beta, channels):
    rows, mean, square = moments(x, channels)
    return [gamma[i % channels] * (v - mean[i % channels]) /
            math.sqrt(square[i % channels] / rows + 1e-5) + beta[i % channels]
            for i, v in enumerate(x)]


def gelu(x):
    """Hendrycks and Gimpel 2016, with tanh."""
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gradient(function, arguments, index, factors):
    """d (factors . function) / d arguments[index] by central differences."""
    def loss(values):
        changed = list(arguments)
        changed[index] = values
        return sum(f * y for f, y in zip(factors, function(*changed)))
    result, h = [], 1e-5
    for i in range(len(arguments[index])):
        up, down = list(arguments[index]), list(arguments[index])
        up[i] += h
        down[i] -= h
        result.append((loss(up) - loss(down)) / (2 * h))
    return result


def emit(name, values):
    print(f"static const double golden_{name}[{len(values)}] = {{")
    for i in range(0, len(values), 5):
        print("    " + ", ".join(f"{v:.9g}" for v in values[i:i + 5]) + ",")
    print("};\n")


def case(name, function, arguments, tensors):
    """`tensors`: names of the arguments behind the first."""
    y = function(*arguments)
    emit(f"{name}_y", y)
    factors = sines(9, len(y))
    for i, tensor in enumerate(tensors):
        emit(f"{name}_{tensor}", gradient(function, arguments, i + 1, factors))


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tests/golden/nn_golden.py. */\n")
    batch, steps, channels, units = 2, 5, 3, 4
    case("lstm", lambda *a: lstm(*a, batch, steps, channels, units),
         [sines(1, batch * steps * channels), sines(2, channels * 4 * units),
          sines(3, units * 4 * units), sines(4, 4 * units)],
         ["weight", "recurrent", "bias"])
    # pad=same: 4 outputs reach over (4 - 1) 2 + 3 = 9 of 7 steps: 1 step of zeros in front
    case("conv1d", lambda *a: conv1d(*a, 2, 7, 3, 4, 3, 2, 1, 4),
         [sines(1, 2 * 7 * 3), sines(2, 3 * 3 * 4), sines(3, 4)], ["weight", "bias"])
    x = sines(1, 3 * 2 * 3)
    case("bn", lambda *a: bn(*a, 3), [x, sines(2, 3), sines(3, 3)], ["weight", "bias"])
    rows, mean, square = moments(x, 3)
    emit("bn_running_mean", [0.1 * m for m in mean])
    emit("bn_running_variance", [0.9 + 0.1 * s / (rows - 1) for s in square])
    emit("gelu_y", [gelu(3 * v) for v in sines(1, 12)])


main()
