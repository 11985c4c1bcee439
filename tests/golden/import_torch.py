#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what tests/model/test_import.c takes from PyTorch: two state_dicts as safetensors
and, in import_torch.h, an input and the output of each network for it.

    python3 tests/golden/import_torch.py    # beside this file

Needs torch and safetensors (torch 2.15, safetensors 0.8 wrote the files). Weights are
random but what they are does not matter: the outputs beside them are torch's own.
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
torch.manual_seed(20240611)


class Sequence(nn.Module):
    """One layer of every family with weights, and what goes by other names there."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(3, 8, 5)
        self.bn1 = nn.BatchNorm1d(8)
        self.conv2 = nn.Conv1d(8, 8, 3, groups=2, bias=False)
        self.lstm = nn.LSTM(8, 6, num_layers=2, batch_first=True)
        self.gru = nn.GRU(6, 4, bidirectional=True, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 5)

    def forward(self, x):  # (B, T, C)
        x = torch.relu(self.bn1(self.conv1(x.transpose(1, 2))))
        x = self.conv2(x).transpose(1, 2)
        x, _ = self.lstm(x)
        x, _ = self.gru(x)
        x, _ = self.attention(x, x, x)
        return self.head(self.norm(x).mean(dim=1))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Conv1d(4, 6, 3, padding=1)
        self.shortcut = nn.Conv1d(4, 6, 1, bias=False)

    def forward(self, x):
        return self.shortcut(x) + self.inner(x)


def flat():
    """More than ten numbered layers, a shortcut, and a flatten of (C, T)."""
    return nn.Sequential(
        nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(0.5),
        Block(), nn.ReLU(), nn.Flatten(), nn.Linear(42, 6), nn.ReLU(), nn.Linear(6, 6),
        nn.ReLU(), nn.Linear(6, 4))


def stir(net):
    """Numbers in place of the ones and zeros that say nothing."""
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            low = 0.5 if name.endswith("running_var") else -0.5
            tensor.copy_(torch.rand_like(tensor) + low)
    return net.eval()


def lower(net, types):
    """Rounds the tensors whose name ends so to these types; the state_dict with them."""
    state = net.state_dict()
    for name in state:
        for end, kind in types.items():
            if name.endswith(end):
                rounded = state[name].to(kind)
                net.state_dict()[name].copy_(rounded)
                state[name] = rounded
    return state


def array(name, tensor):
    numbers = [f"{v:.9g}f" for v in tensor.flatten().tolist()]
    numbers = [n if "." in n or "e" in n else n[:-1] + ".0f" for n in numbers]
    lines = [", ".join(numbers[i:i + 5]) + "," for i in range(0, len(numbers), 5)]
    body = "\n    ".join(lines)
    return f"static const float {name}[{len(numbers)}] = {{\n    {body}\n}};\n"


def main():
    sequence, flattened = stir(Sequence()), stir(flat())
    save_file({k: v.contiguous() for k, v in sequence.state_dict().items()},
              HERE / "import_torch_sequence.safetensors")
    types = {"0.weight": torch.float64, "8.weight": torch.float16,
             "10.weight": torch.bfloat16}
    save_file(lower(flattened, types), HERE / "import_torch_flat.safetensors")
    x = torch.randn(3, 16, 3)
    with torch.no_grad():
        arrays = [array("torch_x", x), array("torch_sequence_y", sequence(x)),
                  array("torch_flat_y", flattened(x.transpose(1, 2)))]
    (HERE / "import_torch.h").write_text(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Written by tests/golden/import_torch.py: (3, 16, 3), then (3, 5), (3, 4). */\n\n"
        + "\n".join(arrays))


if __name__ == "__main__":
    main()
