#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens a model with Python's safetensors package and compares it with what it states.

usage: check_safetensors.py MODEL.safetensors | FRUGAL

Given the frugal program it trains a small model on synthetic walkers first. Needs the
packages safetensors and numpy; exits 77 (skipped) where they are missing.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import numpy
    from safetensors import safe_open
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

REQUIRED = ("frugal_version", "architecture", "input", "classes", "channels", "task", "data",
            "split", "validate", "window", "step", "rate_hz", "seed")


def conv_steps(steps, args):
    """Output steps of conv1d(channels,width[,stride][,pad])."""
    width = int(args[1])
    stride = int(args[2]) if len(args) > 2 and args[2].isdigit() else 1
    pad = args[-1].removeprefix("pad=")
    return -(-steps // stride) if pad in ("same", "causal") else (steps - width) // stride + 1


def layer_shapes(name, args, steps, channels):
    """Tensors of one layer by name, and the shape of what it gives."""
    if name == "dense":
        units = int(args[0])
        return {"weight": [steps * channels, units], "bias": [units]}, 1, units
    if name == "conv1d":
        out = int(args[0])
        tensors = {"weight": [int(args[1]), channels, out], "bias": [out]}
        return tensors, conv_steps(steps, args), out
    if name == "lstm":
        units = int(args[0])
        tensors = {"weight": [channels, 4 * units], "recurrent": [units, 4 * units],
                   "bias": [4 * units]}
        return tensors, steps if "all" in args else 1, units
    if name == "bn":
        kinds = ("weight", "bias", "running_mean", "running_variance")
        return {kind: [channels] for kind in kinds}, steps, channels
    if name in ("maxpool", "avgpool"):
        return {}, 1 if args[0] == "all" else steps // int(args[0]), channels
    if name == "flatten":
        return {}, 1, steps * channels
    return {}, steps, channels


def expected_shapes(metadata):
    """Every tensor's shape by the architecture's text, without the library's help."""
    steps, channels = json.loads(metadata["input"])
    shapes = {}
    layers = re.findall(r"([a-z0-9]+)(?:\(([^)]*)\))?", metadata["architecture"])
    for number, (name, args) in enumerate(layers):
        words = [word.strip() for word in args.split(",")]
        tensors, steps, channels = layer_shapes(name, words, steps, channels)
        shapes.update({f"{number}.{kind}": shape for kind, shape in tensors.items()})
    return shapes, channels


def check(path):
    """Prints the model and returns what is wrong with it, a sentence each."""
    wrong = []
    with safe_open(path, framework="np") as model:
        metadata = model.metadata() or {}
        tensors = {key: model.get_tensor(key) for key in model.keys()}
    for key, text in sorted(metadata.items()):
        print(f"{key}: {text if len(text) < 100 else text[:97] + '...'}")
    for key, tensor in sorted(tensors.items()):
        print(f"{key}: {list(tensor.shape)} {tensor.dtype}")
        if tensor.dtype != numpy.float32 or not numpy.isfinite(tensor).all():
            wrong.append(f"tensor {key} is not of finite float32")
    missing = [key for key in REQUIRED if key not in metadata]
    if missing:
        return wrong + [f"metadata lacks {', '.join(missing)}"]
    shapes, outputs = expected_shapes(metadata)
    found = {key: list(tensor.shape) for key, tensor in tensors.items()}
    if shapes != found:
        wrong.append(f"the architecture has {shapes}, the file {found}")
    if outputs != len(json.loads(metadata["classes"])):
        wrong.append(f"{outputs} outputs do not fit the classes {metadata['classes']}")
    return wrong


def train(program, path):
    """A model made by the program."""
    subprocess.run([program, "train", "--data", "synthetic:subjects=3", "--task", "subject",
                    "--net", "conv1d(8,5) bn relu maxpool(2) lstm(8) dense(classes)",
                    "--epochs", "1", "--quiet", "-o", path],
                   check=True, stdout=subprocess.DEVNULL)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory:
        path = sys.argv[1]
        if os.access(path, os.X_OK):
            path = os.path.join(directory, "model.safetensors")
            train(sys.argv[1], path)
        wrong = check(path)
    for sentence in wrong:
        print(f"check_safetensors: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
