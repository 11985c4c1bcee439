#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes sequence_golden.h: outputs and gradients of lstm, gru and attention by PyTorch.

Three samples of 5, 3 and 1 steps in one batch, behind a product with the identity, whose
gradient tells that of the layer's input. Each array holds the output, then the gradients
of the tensors in the network's order. Inputs and weights are sines (see `sines`), which
the test computes too; the loss is the output times sines. Double precision.

    python3 tests/golden/sequence_golden.py > tests/golden/sequence_golden.h

Needs torch (Debian's python3-torch 1.13 wrote the file).
"""
import torch
from torch.nn.utils.rnn import (PackedSequence, pack_padded_sequence,
                                pad_packed_sequence)

LENGTHS = [5, 3, 1]
BATCH, STEPS = len(LENGTHS), max(LENGTHS)


def sines(key, shape):
    count = 1
    for n in shape:
        count *= n
    x = 0.8 * torch.sin(1.7 * torch.arange(count, dtype=torch.float64) + 0.9 * key)
    return x.to(torch.float32).to(torch.float64).reshape(shape)


def emit(name, values):
    print(f"static const double golden_{name}[{len(values)}] = {{")
    for i in range(0, len(values), 5):
        print("    " + ", ".join(f"{v:.9g}" for v in values[i:i + 5]) + ",")
    print("};\n")


def valid():
    """1 where a step belongs to its sample, (B, T, 1)."""
    return torch.tensor([[[float(t < n)] for t in range(STEPS)] for n in LENGTHS],
                        dtype=torch.float64)


def case(name, channels, shapes, layer):
    """`layer` maps x (B, T, C) and tensors of `shapes` to the output."""
    x = sines(1, (BATCH, STEPS, channels)) * valid()
    tensors = [torch.eye(channels, dtype=torch.float64),
               torch.zeros(channels, dtype=torch.float64)]
    tensors += [sines(2 + i, shape) for i, shape in enumerate(shapes)]
    for tensor in tensors:
        tensor.requires_grad_(True)
    y = layer((x @ tensors[0] + tensors[1]) * valid(), *tensors[2:])
    y = y.reshape(BATCH, -1)
    (y * sines(9, y.shape)).sum().backward()
    flat = [y] + [tensor.grad for tensor in tensors]
    emit(name, [v.item() for part in flat for v in part.reshape(-1)])


def recurrent(function, x, every, tensors):
    """Both directions; `tensors` of the forward direction, then of the reverse one."""
    half, units = len(tensors) // 2, tensors[1].shape[0]
    weights = []
    for own in (tensors[:half], tensors[half:]):
        weights += [own[0].T, own[1].T, own[2],
                    own[3] if half == 4 else torch.zeros_like(own[2])]
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True)
    zero = torch.zeros(2, BATCH, units, dtype=torch.float64)
    state = (zero, zero) if function is torch.lstm else zero
    data, last = function(packed.data, packed.batch_sizes, state, weights, True, 1, 0.0,
                          True, True)[:2]
    if every:
        return pad_packed_sequence(PackedSequence(data, packed.batch_sizes),
                                   batch_first=True, total_length=STEPS)[0]
    return torch.cat([last[0], last[1]], dim=1)


def attention(x, heads, weight, bias, output, output_bias):
    behind = valid()[:, :, 0] == 0
    y, _ = torch.nn.functional.multi_head_attention_forward(
        x.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1), x.shape[2], heads,
        weight.T, bias, None, None, False, 0.0, output.T, output_bias,
        key_padding_mask=behind)
    return y.transpose(0, 1) * valid()


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tests/golden/sequence_golden.py. */\n")
    units, channels = 3, 2
    for name, function, gates in (("lstm", torch.lstm, 4), ("gru", torch.gru, 3)):
        shapes = [(channels, gates * units), (units, gates * units), (gates * units,)]
        shapes += [(gates * units,)] if name == "gru" else []
        for every in (True, False):
            case(f"{name}_{'all' if every else 'last'}", channels, shapes + shapes,
                 lambda x, *t: recurrent(function, x, every, t))
    case("attention", 4, [(4, 12), (12,), (4, 4), (4,)],
         lambda x, *t: attention(x, 2, *t))


main()
