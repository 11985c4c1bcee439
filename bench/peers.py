#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One network at work in another library, for networks.py; the protocol is network.c's.

usage: peers.py PEER train|infer BATCH FOLDER

FOLDER is what `bench_network NETWORK write BATCH FOLDER` wrote: weights, data, ONNX. The
network is read from the weights' metadata, so that it cannot be another one. Exit 2: the
peer cannot do what was asked.
"""
import json
import os
import re
import sys
import time

import numpy

RATE = 1e-3
CHECK_STEPS = 3
TURN_NS = 4_000_000


class Unsupported(Exception):
    pass


def read_model(folder):
    """Layers as [(name, [arguments])], tensors by name, shape of a sample, classes."""
    with open(f"{folder}/model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    facts = header.pop("__metadata__")
    tensors = {name: numpy.frombuffer(data[slice(*t["data_offsets"])], numpy.float32)
               .reshape(t["shape"]).copy() for name, t in header.items()}
    layers = [(name, arguments.split(",") if arguments else []) for name, arguments
              in re.findall(r"(\w+)(?:\(([^)]*)\))?", facts["architecture"])]
    shape = json.loads(facts["input"])
    return layers, tensors, shape, len(json.loads(facts["classes"]))


class Model:
    def __init__(self, folder, batch):
        self.folder, self.batch = folder, batch
        self.layers, self.tensors, (self.steps, self.channels), self.classes = read_model(folder)
        self.x = numpy.fromfile(f"{folder}/x.f32", numpy.float32)
        self.x = self.x.reshape(-1, batch, self.steps, self.channels)
        self.label = numpy.fromfile(f"{folder}/label.u32", numpy.uint32).astype(numpy.int64)
        self.label = self.label.reshape(-1, batch)

    def of(self, index, name):
        return self.tensors[f"{index}.{name}"]

    def feeds(self, index, family):
        return index + 1 < len(self.layers) and self.layers[index + 1][0] == family


# ---- PyTorch ----

def torch_layer(torch, model, index, channels):
    """The layer with frugal's weights, and the channels that it gives."""
    name, arguments = model.layers[index]
    nn, of = torch.nn, model.of
    size = int(arguments[0]) if arguments and arguments[0].isdigit() else 0
    if name == "conv1d":
        layer = nn.Conv1d(channels, size, int(arguments[1]))
        state = {"weight": of(index, "weight").transpose(2, 1, 0), "bias": of(index, "bias")}
    elif name == "dense":
        layer = nn.Linear(channels, size)
        state = {"weight": of(index, "weight").T, "bias": of(index, "bias")}
    elif name == "lstm":
        layer = nn.LSTM(channels, size, batch_first=True)
        bias = of(index, "bias")
        state = {"weight_ih_l0": of(index, "weight").T, "weight_hh_l0": of(index, "recurrent").T,
                 "bias_ih_l0": bias, "bias_hh_l0": 0 * bias}
    elif name == "bn":
        layer = nn.BatchNorm1d(channels, eps=float(arguments[0]) if arguments else 1e-5)
        state = {key: of(index, key) for key in ("weight", "bias", "running_mean")}
        state["running_var"] = of(index, "running_variance")
    elif name == "relu":
        return nn.ReLU(), channels
    elif name == "avgpool" and arguments == ["all"]:
        return nn.AdaptiveAvgPool1d(1), channels
    else:
        raise Unsupported(f"no '{name}' here")
    layer.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()}, strict=False)
    return layer, size or channels


def torch_net(torch, model):
    class Net(torch.nn.Module):
        """Convolutions take (B, C, T), recurrent layers (B, T, C), dense ones (B, C)."""

        def __init__(self):
            super().__init__()
            self.inner = torch.nn.ModuleList()
            channels = model.channels
            for index in range(len(model.layers)):
                layer, channels = torch_layer(torch, model, index, channels)
                self.inner.append(layer)

        def forward(self, x):
            channels_first = model.layers[0][0] == "conv1d"
            for index, layer in enumerate(self.inner):
                name = model.layers[index][0]
                if name == "lstm":
                    x = x.transpose(1, 2) if channels_first else x
                    channels_first = False
                    x = layer(x)[0]
                    x = x if model.feeds(index, "lstm") else x[:, -1]
                elif name == "avgpool":
                    x = layer(x).squeeze(-1)
                else:
                    x = layer(x)
            return x

    return Net()


def torch_batches(torch, model):
    x = model.x
    if model.layers[0][0] == "conv1d":
        x = x.transpose(0, 1, 3, 2)
    if model.steps == 1:
        x = x[:, :, 0]
    return ([torch.from_numpy(numpy.ascontiguousarray(b)) for b in x],
            [torch.from_numpy(b) for b in model.label])


def torch_train(torch, model, net, how):
    xs, labels = torch_batches(torch, model)
    adam = torch.optim.Adam(net.parameters(), lr=RATE, fused=True if "fused" in how else None)
    compute = torch.compile(net) if "compile" in how else net
    loss_of = torch.nn.functional.cross_entropy
    autocast = torch.autocast("cpu", torch.bfloat16, enabled="bf16" in how)

    def step(turn):
        adam.zero_grad(set_to_none=True)
        with autocast:
            loss = loss_of(compute(xs[turn]), labels[turn])
        loss.backward()
        adam.step()
        return loss

    net.train()
    return step, len(xs), lambda loss: [float(loss.detach())]


def torch_infer(torch, model, net, how):
    xs, _ = torch_batches(torch, model)
    net.eval()
    compute = net
    if "jit" in how:
        compute = torch.jit.freeze(torch.jit.trace(net, xs[0]))
        compute = torch.jit.optimize_for_inference(compute)
    if "compile" in how:
        compute = torch.compile(net)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled="bf16" in how)

    def step(turn):
        with autocast:
            return compute(xs[turn])

    def plain(turn):
        return compute(xs[turn])

    torch.set_grad_enabled(False)
    return (step if "bf16" in how else plain), len(xs), lambda y: y[0].float().tolist()


def start_torch(how, mode, model):
    import torch
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    net = torch_net(torch, model)
    parameters = sum(p.numel() for p in net.parameters())
    start = torch_train if mode == "train" else torch_infer
    return (f"PyTorch {torch.__version__}", parameters, *start(torch, model, net, how))


# ---- TensorFlow ----

def tf_layer(keras, model, index):
    name, arguments = model.layers[index]
    layers, of = keras.layers, model.of
    size = int(arguments[0]) if arguments and arguments[0].isdigit() else 0
    weights = []
    if name == "conv1d":
        layer = layers.Conv1D(size, int(arguments[1]))
        weights = [of(index, "weight"), of(index, "bias")]
    elif name == "dense":
        layer = layers.Dense(size)
        weights = [of(index, "weight"), of(index, "bias")]
    elif name == "lstm":
        layer = layers.LSTM(size, return_sequences=model.feeds(index, "lstm"))
        weights = [of(index, "weight"), of(index, "recurrent"), of(index, "bias")]
    elif name == "bn":
        layer = layers.BatchNormalization(
            momentum=0.9, epsilon=float(arguments[0]) if arguments else 1e-5)
        weights = [of(index, n) for n in ("weight", "bias", "running_mean", "running_variance")]
    elif name == "relu":
        layer = layers.ReLU()
    elif name == "avgpool" and arguments == ["all"]:
        layer = layers.GlobalAveragePooling1D()
    else:
        raise Unsupported(f"no '{name}' here")
    return layer, weights


def tf_net(keras, model):
    single = model.steps == 1
    x = given = keras.Input((model.channels,) if single else (model.steps, model.channels))
    made = []
    for index in range(len(model.layers)):
        layer, weights = tf_layer(keras, model, index)
        x = layer(x)
        made.append((layer, weights))
    for layer, weights in made:
        layer.set_weights(weights)
    return keras.Model(given, x)


def start_tf(how, mode, model):
    import tensorflow as tf
    import keras
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    net = tf_net(keras, model)
    x = model.x[:, :, 0] if model.steps == 1 else model.x
    xs = [tf.constant(b) for b in x]
    labels = [tf.constant(b) for b in model.label]
    adam = keras.optimizers.Adam(RATE, epsilon=1e-8)
    adam.build(net.trainable_variables)

    @tf.function(jit_compile="xla" in how)
    def train(x, label):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(label, net(x, training=True))
            loss = tf.reduce_mean(losses)
        adam.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
        return loss

    @tf.function(jit_compile="xla" in how)
    def infer(x):
        return net(x, training=False)

    parameters = sum(int(numpy.prod(v.shape)) for v in net.trainable_variables)
    name = f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    if mode == "train":
        return (name, parameters, lambda turn: train(xs[turn], labels[turn]), len(xs),
                lambda loss: [float(loss)])
    return name, parameters, lambda turn: infer(xs[turn]), len(xs), lambda y: y[0].numpy().tolist()


# ---- ONNX Runtime ----

class Calibration:
    """What onnxruntime's static quantization reads its samples from."""

    def __init__(self, samples):
        self.rows = iter(samples[:512])

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"input": row[None]}


def quantize(model, how):
    from onnxruntime import quantization as q
    source, target = f"{model.folder}/model.onnx", f"{model.folder}/{'-'.join(sorted(how))}.onnx"
    if "dynamic" in how:
        q.quantize_dynamic(source, target, weight_type=q.QuantType.QInt8)
    else:
        samples = model.x.reshape(-1, model.steps, model.channels)
        q.quantize_static(source, target, Calibration(samples), quant_format=q.QuantFormat.QDQ,
                          per_channel=True, activation_type=q.QuantType.QUInt8,
                          weight_type=q.QuantType.QInt8)
    return target


def start_ort(how, mode, model):
    import onnxruntime as ort
    if mode == "train":
        raise Unsupported("onnxruntime infers")
    path = quantize(model, how) if "int8" in how else f"{model.folder}/model.onnx"
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    bindings = []
    for batch in model.x:
        binding = session.io_binding()
        binding.bind_cpu_input("input", numpy.ascontiguousarray(batch))
        binding.bind_output("output")
        bindings.append(binding)

    def step(turn):
        session.run_with_iobinding(bindings[turn])
        return turn

    parameters = sum(v.size for k, v in model.tensors.items() if "running" not in k)
    return (f"onnxruntime {ort.__version__}", parameters, step, len(bindings),
            lambda turn: bindings[turn].copy_outputs_to_cpu()[0][0].tolist())


# ---- what is asked ----

def peak_kib():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


def run(step, batches, batch, seconds):
    clock = time.process_time_ns
    turn = each = steps = 0
    start = clock()
    while clock() - start < TURN_NS:
        step(each % batches)
        each += 1
    wall, start, spent = time.perf_counter_ns(), clock(), 0
    while spent < seconds * 1e9:
        for _ in range(each):
            step(turn)
            turn = (turn + 1) % batches
        steps += each
        spent = clock() - start
    return f"{steps * batch} {spent * 1e-9:.9f} {(time.perf_counter_ns() - wall) * 1e-9:.9f}"


def serve(mode, batch, step, batches, numbers):
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            return
        if words[0] == "check":
            times = CHECK_STEPS + 1 if mode == "train" else 1
            answer = " ".join(f"{v:.7g}" for _ in range(times) for v in numbers(step(0)))
        elif words[0] == "run":
            answer = run(step, batches, batch, float(words[1]))
        elif words[0] == "memory":
            answer = str(peak_kib())
        else:
            answer = "error: not understood"
        print(answer, flush=True)


STARTS = {"torch": start_torch, "tf": start_tf, "ort": start_ort}


def main():
    peer, mode, batch, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    answers = os.fdopen(os.dup(1), "w")  # libraries that print do not meet the protocol
    os.dup2(2, 1)
    sys.stdout = answers
    family, *how = peer.split("-")
    try:
        model = Model(folder, batch)
        version, parameters, step, batches, numbers = STARTS[family](how, mode, model)
    except (Unsupported, ImportError) as error:
        print(f"{peer}: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"ready {parameters} {version}", flush=True)
    serve(mode, batch, step, batches, numbers)


main()
