#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden.h: an event file's records by TensorBoard's own messages and writer, and
histograms by NumPy.

Needs the packages tensorboard and numpy.

    python3 tests/events/golden.py > tests/events/golden.h
"""
import io

import numpy
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

TIME = 1700000000.5


def event(step, tag, plugin, data_class, tensor, content=b""):
    """One record with one value."""
    plugin_data = summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    metadata = summary_pb2.SummaryMetadata(plugin_data=plugin_data, data_class=data_class)
    value = summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
    return event_pb2.Event(wall_time=TIME, step=step, summary=summary_pb2.Summary(value=[value]))


def hparams(kind, **data):
    """What the hparams plugin keeps under one of its tags."""
    content = plugin_data_pb2.HParamsPluginData(version=0, **data)
    nothing = tensor_util.make_tensor_proto([], dtype=types_pb2.DT_FLOAT, shape=(0,))
    return event(0, "_hparams_/" + kind, "hparams", summary_pb2.DATA_CLASS_TENSOR, nothing,
                 content.SerializeToString(deterministic=True))


def session():
    """Parameters in the order of their names, as deterministic maps are written."""
    start = plugin_data_pb2.SessionStartInfo(group_name="repeats", start_time_secs=TIME)
    start.hparams["batch"].number_value = 64
    start.hparams["dropout"].number_value = 0
    start.hparams["net"].string_value = "small"
    start.hparams["resume"].bool_value = False
    types = [("batch", api_pb2.DATA_TYPE_FLOAT64), ("dropout", api_pb2.DATA_TYPE_FLOAT64),
             ("net", api_pb2.DATA_TYPE_STRING), ("resume", api_pb2.DATA_TYPE_BOOL)]
    metric = api_pb2.MetricInfo(name=api_pb2.MetricName(tag="validation/accuracy"))
    experiment = api_pb2.Experiment(
        time_created_secs=TIME, metric_infos=[metric],
        hparam_infos=[api_pb2.HParamInfo(name=name, type=kind) for name, kind in types])
    return hparams("experiment", experiment=experiment), hparams("session_start_info",
                                                                 session_start_info=start)


def records():
    """The events that test_records.c writes, in its order."""
    yield from session()
    yield event(7, "train/loss", "scalars", summary_pb2.DATA_CLASS_SCALAR,
                tensor_util.make_tensor_proto(0.1, dtype=types_pb2.DT_FLOAT))
    # TensorBoard's helper packs arrays into bytes; both forms are the same tensor, and a list
    # of doubles needs no byte order.
    shape = tensor_util.make_tensor_proto(numpy.zeros((30, 3))).tensor_shape
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, tensor_shape=shape)
    for k in range(30):
        tensor.double_val.extend([k, k + 1, 5 if k == 29 else 4])
    yield event(8, "weights", "histograms", summary_pb2.DATA_CLASS_TENSOR, tensor)
    yield event(9, "notes", "text", summary_pb2.DATA_CLASS_TENSOR,
                tensor_util.make_tensor_proto("**größer** 手"))
    log = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    for _ in range(2):  # TensorBoard takes the first of a run for its beginning
        yield event_pb2.Event(wall_time=TIME, step=10, session_log=log)
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=TIME)
    yield hparams("session_end_info", session_end_info=end)


def show(name, kind, values):
    print(f"\nstatic const {kind} {name}[{len(values)}] = {{")
    line = "   "
    for value in values:
        if len(line) + len(value) + 2 > 90:
            print(line)
            line = "   "
        line += f" {value},"
    print(line + "};")


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tests/events/golden.py. */")
    file = io.BytesIO()
    writer = RecordWriter(file)
    for record in records():
        writer.write(record.SerializeToString(deterministic=True))
    show("golden_records", "unsigned char", [str(byte) for byte in file.getvalue()])
    data = numpy.random.default_rng(1).normal(size=100).astype(numpy.float32)
    counts, edges = numpy.histogram(data.astype(numpy.float64), bins=30)
    show("golden_values", "float", [f"{x:.9g}f" for x in data.tolist()])
    show("golden_edges", "double", [f"{x:.17g}" for x in edges])
    show("golden_counts", "unsigned char", [str(x) for x in counts])


if __name__ == "__main__":
    main()
