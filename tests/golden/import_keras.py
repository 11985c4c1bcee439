#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what tests/model/test_import.c takes from Keras: the weights of a model under
their paths as safetensors and, in import_keras.h, an input and the model's output for it.

    KERAS_BACKEND=torch python3 tests/golden/import_keras.py

Needs keras, a backend of it, and safetensors (keras 3.15 on torch 2.15, safetensors 0.8
wrote the files).
"""
import pathlib

import keras
import numpy
from keras import layers
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
random = numpy.random.default_rng(20240611)


def model():
    x = start = keras.Input((16, 3))
    x = layers.Conv1D(8, 5)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv1D(8, 3, groups=2)(x)
    x = layers.LSTM(6, return_sequences=True)(x)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(6, activation="relu")(x)
    x = layers.Dense(5)(x)
    return keras.Model(start, x)


def array(name, tensor):
    numbers = [f"{v:.9g}f" for v in numpy.asarray(tensor).flatten().tolist()]
    numbers = [n if "." in n or "e" in n else n[:-1] + ".0f" for n in numbers]
    lines = [", ".join(numbers[i:i + 5]) + "," for i in range(0, len(numbers), 5)]
    body = "\n    ".join(lines)
    return f"static const float {name}[{len(numbers)}] = {{\n    {body}\n}};\n"


def main():
    net = model()
    for weight in net.weights:
        low = 0.5 if weight.path.endswith("moving_variance") else -0.5
        weight.assign(random.random(weight.shape, dtype=numpy.float32) + low)
    state = {w.path: keras.ops.convert_to_numpy(w).copy() for w in net.weights}
    save_file(state, HERE / "import_keras.safetensors")
    x = random.standard_normal((3, 16, 3), dtype=numpy.float32)
    y = keras.ops.convert_to_numpy(net(x, training=False))
    (HERE / "import_keras.h").write_text(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Written by tests/golden/import_keras.py: (3, 16, 3), then (3, 5). */\n\n"
        + array("keras_x", x) + "\n" + array("keras_y", y))


if __name__ == "__main__":
    main()
