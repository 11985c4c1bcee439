#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens a model with Python's safetensors package and compares it with what it states.

usage: check_safetensors.py MODEL.safetensors [WHOLE.safetensors] | FRUGAL

WHOLE is the model that MODEL was quantized from, of the same layers: its weights are compared
to half a step.

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


# Of the tensors of two axes and more; bfloat16 is not NumPy's, so the file's own word counts.
TYPES = {"f32": "F32", "bf16": "BF16", "f16": "F16", "int8-dynamic": "I8", "int8": "I8",
         "int8-aware": "I8"}


def entries(path):
    """The header, read by hand, and the bytes behind it."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(length)), file.read()


def from_bf16(path, key):
    """A tensor of bfloat16 as float32: its upper half."""
    header, data = entries(path)
    begin, end = header[key]["data_offsets"]
    halves = numpy.frombuffer(data[begin:end], "<u2").astype(numpy.uint32) << 16
    return halves.view(numpy.float32).reshape(header[key]["shape"])


def read(path):
    """Metadata, tensors as float32 (bytes times their scale), and what is wrong."""
    wrong = []
    types = {key: entry["dtype"] for key, entry in entries(path)[0].items()
             if key != "__metadata__"}
    with safe_open(path, framework="np") as model:
        metadata = model.metadata() or {}
        tensors = {key: from_bf16(path, key) if types[key] == "BF16" else model.get_tensor(key)
                   for key in model.keys()}
    for key in list(tensors):
        scale = tensors.get(f"{key}.scale")
        wanted = TYPES[metadata.get("scheme", "f32")] if tensors[key].ndim > 1 else "F32"
        if types[key] != (wanted if key not in ("ranges", "inside") else "F32"):
            wrong.append(f"tensor {key} is {types[key]}, not {wanted}")
        if types[key] == "I8":
            tensors[key] = tensors[key].astype(numpy.float32) * scale
        tensors[key] = tensors[key].astype(numpy.float32)
    extra = [key for key in tensors if key.endswith(".scale") or key in ("ranges", "inside")]
    return metadata, {key: t for key, t in tensors.items() if key not in extra}, wrong


def compare(path, whole):
    """How far weights are from those that they were rounded from, in half steps."""
    metadata, tensors, _ = read(path)
    scheme = metadata["scheme"]
    wrong = []
    for key, was in read(whole)[1].items():
        size = numpy.abs(was)
        step = {"bf16": size * 2.0 ** -8, "f16": size * 2.0 ** -11 + 2.0 ** -25}.get(
            scheme, size.max(axis=tuple(range(was.ndim - 1)), initial=0) / 254 * 1.0001)
        if was.ndim > 1 and (numpy.abs(tensors[key] - was) > step + 1e-12).any():
            wrong.append(f"tensor {key} is not rounded to {scheme}")
    return wrong


def check(path):
    """Prints the model and returns what is wrong with it, a sentence each."""
    metadata, tensors, wrong = read(path)
    for key, text in sorted(metadata.items()):
        print(f"{key}: {text if len(text) < 100 else text[:97] + '...'}")
    for key, tensor in sorted(tensors.items()):
        print(f"{key}: {list(tensor.shape)} {tensor.dtype}")
        if not numpy.isfinite(tensor).all():
            wrong.append(f"tensor {key} is not finite")
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
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory:
        path = sys.argv[1]
        if os.access(path, os.X_OK):
            path = os.path.join(directory, "model.safetensors")
            train(sys.argv[1], path)
        wrong = check(path)
        if len(sys.argv) == 3:
            wrong += compare(path, sys.argv[2])
    for sentence in wrong:
        print(f"check_safetensors: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
