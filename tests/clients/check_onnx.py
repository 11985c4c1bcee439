#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ONNX files that frugal wrote in ONNX Runtime and compares with frugal's own outputs.

usage: check_onnx.py FOLDER

FOLDER is what tests/model/write_onnx_cases.c writes: NAME.onnx with NAME.input and NAME.output,
raw float32 of a few samples. Each is run sample by sample and as one batch, without the
runtime's own rewriting and with it. Needs the packages onnxruntime and numpy; exits 77
(skipped) where they are missing.
"""
import json
import pathlib
import sys

try:
    import numpy
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TOLERANCE = 1e-5  # of the greatest output, where that is above 1
KEYS = {"frugal_version", "architecture", "classes", "channels", "task", "window", "rate_hz"}


def session(path, optimized):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 2 if optimized else 3
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (levels.ORT_ENABLE_ALL if optimized
                                        else levels.ORT_DISABLE_ALL)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_interface(run):
    """What is wrong with names, shapes and metadata, a sentence each, and the sample's shape."""
    wrong = []
    (taken,), (given,) = run.get_inputs(), run.get_outputs()
    if (taken.name, given.name) != ("input", "output"):
        wrong.append(f"takes {taken.name}, gives {given.name}")
    if taken.shape[0] != "batch" or given.shape[0] != "batch" or len(taken.shape) != 3:
        wrong.append(f"takes {taken.shape}, gives {given.shape}")
    metadata = run.get_modelmeta().custom_metadata_map
    if not KEYS <= set(metadata):
        wrong.append(f"lacks metadata {', '.join(sorted(KEYS - set(metadata)))}")
    elif len(json.loads(metadata["classes"])) != given.shape[1]:
        wrong.append(f"{given.shape[1]} outputs for the classes {metadata['classes']}")
    return wrong, taken.shape[1:], metadata.get("architecture", "")


def greatest_difference(run, samples, expected):
    """Over all samples, each alone and all at once, relative to the outputs' scale."""
    whole = run.run(None, {"input": samples})[0]
    alone = numpy.concatenate([run.run(None, {"input": samples[i:i + 1]})[0]
                               for i in range(len(samples))])
    if whole.shape != expected.shape or alone.shape != expected.shape:
        return float("inf")
    scale = max(1.0, float(numpy.abs(expected).max()))
    differences = [numpy.abs(got - expected).max() for got in (whole, alone)]
    return float(max(differences)) / scale if numpy.isfinite(differences).all() else float("inf")


def check(path):
    wrong, shape, architecture = check_interface(session(path, False))
    samples = numpy.fromfile(path.with_suffix(".input"), numpy.float32).reshape(-1, *shape)
    expected = numpy.fromfile(path.with_suffix(".output"), numpy.float32)
    expected = expected.reshape(len(samples), -1)
    if numpy.ptp(expected, axis=0).max() == 0:
        wrong.append("every sample has the same output: nothing is compared")
    for optimized in (False, True):
        difference = greatest_difference(session(path, optimized), samples, expected)
        print(f"{path.name}: {difference:.1e} {architecture}")
        if difference > TOLERANCE:
            wrong.append(f"differs by {difference} (optimized: {optimized})")
    return [f"{path.name} ({architecture}) {sentence}" for sentence in wrong]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
    wrong = [] if paths else ["no .onnx file is there"]
    for path in paths:
        wrong += check(path)
    for sentence in wrong:
        print(f"check_onnx: {sentence}", file=sys.stderr)
    print(f"{len(paths)} files in ONNX Runtime {onnxruntime.__version__}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
