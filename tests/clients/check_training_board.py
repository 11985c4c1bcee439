#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what `frugal train --tensorboard FOLDER --json FILE` wrote with TensorBoard's reader
and compares it with the figures of the run.

usage: check_training_board.py FOLDER FILE
"""
import json
import math
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

folder, file = sys.argv[1:]
result = json.load(open(file))["result"]
board = EventAccumulator(folder, size_guidance={"tensors": 0})
board.Reload()


def curve(tag):
    return [(e.step, tensor_util.make_ndarray(e.tensor_proto).item()) for e in board.Tensors(tag)]


for tag in ("loss/train", "loss/validation", "accuracy/validation", "learning rate", "epoch",
            "energy/program J"):
    assert len(curve(tag)) == result["epochs"], (tag, curve(tag))
assert [value for _, value in curve("epoch")] == list(range(1, result["epochs"] + 1))
steps = [step for step, _ in curve("loss/train")]
assert steps == sorted(set(steps))
best = dict(zip(range(1, result["epochs"] + 1), curve("accuracy/validation")))
assert math.isclose(best[result["best_epoch"]][1], result["validate_accuracy"], abs_tol=1e-6)
assert math.isclose(curve("accuracy/test")[0][1], result["accuracy"]["value"], abs_tol=1e-6)
assert math.isclose(curve("macro F1/test")[0][1], result["macro_f1"]["value"], abs_tol=1e-6)
joules = [value for _, value in curve("energy/program J")]
assert joules == sorted(joules)

plugins = board.summary_metadata
weights = [tag for tag in plugins if tag.startswith("weights/")]
gradients = [tag for tag in plugins if tag.startswith("gradients/")]
assert weights and gradients and set(g[10:] for g in gradients) <= set(w[8:] for w in weights)
for tag in weights + gradients:
    assert plugins[tag].plugin_data.plugin_name == "histograms", tag
    shapes = [tensor_util.make_ndarray(e.tensor_proto).shape for e in board.Tensors(tag)]
    assert shapes == [(30, 3)] * result["epochs"], (tag, shapes)
counted = sum(tensor_util.make_ndarray(board.Tensors(tag)[0].tensor_proto)[:, 2].sum()
              for tag in gradients)
assert counted == result["parameters"], (counted, result["parameters"])

card = tensor_util.make_ndarray(board.Tensors("model card")[0].tensor_proto).item().decode()
assert f"{result['parameters']} parameters" in card, card
start = metadata.parse_session_start_info_plugin_data(
    plugins[metadata.SESSION_START_INFO_TAG].plugin_data.content)
assert start.hparams["network"].string_value == result["network"]
assert start.hparams["parameters"].number_value == result["parameters"]
print(f"{folder}: {result['epochs']} epochs, {len(weights)} weights, {len(gradients)} gradients")
