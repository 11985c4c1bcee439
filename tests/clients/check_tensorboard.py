#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what tests/events/write_sample.c wrote with TensorBoard: with its Python reader, and
as its pages get it, from a TensorBoard on a loopback port, with either of its loaders.

usage: check_tensorboard.py FOLDER | WRITE_SAMPLE

Given the program write_sample it runs that first, into a folder that is removed. Needs the
package tensorboard; exits 77 (skipped) where it is missing.
"""
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.plugin_event_accumulator import (
        EventAccumulator as PagesAccumulator)
    from tensorboard.plugins.hparams import api_pb2, metadata
    from tensorboard.util import tensor_util
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

FAR = 1 << 40
RISING = [[k, k + 1, 5 if k == 29 else 4] for k in range(30)]
EQUAL = [[2.5, 2.5, 7 if k == 29 else 0] for k in range(30)]
REST = [[4, 4, 1 if k == 29 else 0] for k in range(30)]
TAGS = {"scalars": ["odd/far", "odd/values", "train/loss", "validation/accuracy"],
        "histograms": ["weights/equal", "weights/nan", "weights/none", "weights/rising"],
        "distributions": ["weights/equal", "weights/nan", "weights/none", "weights/rising"],
        "text": ["notes"]}
HPARAMS = {
    "first": {"learning_rate": 0.002, "dropout": 0, "net": "small", "resume": False},
    "second": {"learning_rate": 0.01, "dropout": 0, "net": "größer", "resume": True}}
STATUS = {"first": "STATUS_SUCCESS", "second": "STATUS_FAILURE"}
METRICS = ["validation/accuracy", "train/loss"]
# A run of two writers, the second of which was taken up before step 5 of the first's 7.
RESTARTED = [(step, 0 if step < 5 else 1) for step in range(7)]


def scalars(run):
    """Steps and values of each curve."""
    loss, accuracy = (1, 0.5) if run == "first" else (2, 0.25)
    return {"train/loss": [(step, loss / (step + 1)) for step in range(5)],
            "validation/accuracy": [(step, accuracy + 0.1 * step) for step in range(5)],
            "odd/far": [(FAR, 3)], "odd/values": [(0, math.nan), (1, math.inf)]}


def histograms():
    """Buckets of each histogram at steps 0, 1 and 2."""
    return {"weights/rising": [[[low + step, high + step, n] for low, high, n in RISING]
                               for step in range(3)],
            "weights/equal": [EQUAL] * 3, "weights/nan": [REST] * 3, "weights/none": [[]] * 3}


def same(one, other):
    """Equal to the precision of float32, NaN to NaN, lists by their elements."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return type(one) is type(other) is bool and one == other or (
            bool not in (type(one), type(other)) and
            math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-12))
    return one == other


class Findings:
    """What is not as expected, a sentence each."""

    def __init__(self, where):
        self.where, self.wrong, self.count = where, [], 0

    def expect(self, what, found, expected):
        self.count += 1
        if not same(found, expected):
            self.wrong.append(f"{self.where}: {what}: {found!r} in place of {expected!r}")


def tags_of(events, plugin):
    """The tags that a plugin shows; the reader raises where it has none."""
    try:
        return sorted(events.PluginTagToContent(plugin))
    except KeyError:
        return []


def check_metadata(findings, run, events):
    """Hyper-parameters as the reader keeps them: in the metadata of fixed tags."""
    content = {tag: events.SummaryMetadata(tag).plugin_data.content
               for tag in tags_of(events, "hparams")}
    findings.expect(f"{run} hparams", sorted(content),
                    sorted((metadata.EXPERIMENT_TAG, metadata.SESSION_START_INFO_TAG,
                            metadata.SESSION_END_INFO_TAG)))
    if len(content) != 3:
        return
    start = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])
    found = {key: getattr(value, value.WhichOneof("kind")) for key, value in start.hparams.items()}
    findings.expect(f"{run} parameters", sorted(found), sorted(HPARAMS[run]))
    for key, value in HPARAMS[run].items():
        findings.expect(f"{run} {key}", found.get(key), value)
    end = metadata.parse_session_end_info_plugin_data(content[metadata.SESSION_END_INFO_TAG])
    findings.expect(f"{run} outcome", api_pb2.Status.Name(end.status), STATUS[run])
    experiment = metadata.parse_experiment_plugin_data(content[metadata.EXPERIMENT_TAG])
    findings.expect(f"{run} metrics", [m.name.tag for m in experiment.metric_infos], METRICS)
    findings.expect(f"{run} times", 0 <= end.end_time_secs - start.start_time_secs < 60, True)


def check_reader(folder):
    """The files, by the reader that notebooks and other tools use."""
    findings = Findings("reader")
    for run in HPARAMS:
        events = EventAccumulator(os.path.join(folder, run)).Reload()
        findings.expect("version", events.file_version, 2.0)
        findings.expect("age", abs(events.FirstEventTimestamp() - time.time()) < 3600, True)
        for plugin in ("scalars", "histograms", "text"):
            findings.expect(plugin, tags_of(events, plugin), TAGS[plugin])
        tensors = {tag: [(e.step, tensor_util.make_ndarray(e.tensor_proto).tolist())
                         for e in events.Tensors(tag)] for tag in events.Tags()["tensors"]}
        for tag, curve in scalars(run).items():
            findings.expect(f"{run} {tag}", tensors.get(tag), curve)
        for tag, steps in histograms().items():
            findings.expect(f"{run} {tag}", tensors.get(tag), list(enumerate(steps)))
        findings.expect(f"{run} notes", tensors.get("notes"),
                        [(1, "**bold** and größer".encode())])
        check_metadata(findings, run, events)
    # The other one drops nothing that is kept as a tensor, as everything here is.
    events = PagesAccumulator(os.path.join(folder, "restarted")).Reload()
    findings.expect("restarted", [(e.step, tensor_util.make_ndarray(e.tensor_proto).item())
                                  for e in events.Tensors("train/loss")], RESTARTED)
    return findings


class Server:
    """TensorBoard on a free loopback port, as long as it is in use."""

    def __init__(self, folder, *options):
        self.log = tempfile.NamedTemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", "127.0.0.1",
             "--port", "0", *options], stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        for _ in range(600):
            with open(self.log.name, encoding="utf-8") as log:
                address = re.search(r"http://127\.0\.0\.1:\d+/", log.read())
            if address:
                self.address = address.group()
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit("check_tensorboard: TensorBoard does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def ask(self, path, body=None, **query):
        url = f"{self.address}data/{path}?{urllib.parse.urlencode(query)}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise SystemExit(f"check_tensorboard: {url}: {refusal}") from refusal

    def wait_for_runs(self):
        """Until the last thing that was written is there; it loads while it serves."""
        for _ in range(600):
            found = self.ask("plugin/text/tags")
            if all(found.get(run) for run in HPARAMS):
                return
            time.sleep(0.1)


def number(x):
    """TensorBoard's JSON has words for what JSON has no numbers for."""
    return float(x) if x in ("NaN", "Infinity", "-Infinity") else x


def check_sessions(findings, server):
    """The HPARAMS tab."""
    states = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
    answer = server.ask("plugin/hparams/session_groups",
                        {"allowedStatuses": states, "colParams": [], "startIndex": 0,
                         "sliceSize": 10})
    groups = {group["name"]: group for group in answer["sessionGroups"]}
    findings.expect("sessions", sorted(groups), sorted(HPARAMS))
    for run, group in groups.items():
        for key, value in HPARAMS[run].items():
            findings.expect(f"{run} {key}", group["hparams"].get(key), value)
        findings.expect(f"{run} outcome", group["sessions"][0]["status"], STATUS[run])
        values = {m["name"]["tag"]: m["value"] for m in group["metricValues"]}
        findings.expect(f"{run} metrics", [values.get(tag) for tag in METRICS],
                        [scalars(run)[tag][-1][1] for tag in METRICS])
    experiment = server.ask("plugin/hparams/experiment", {})
    types = {info["name"]: info["type"] for info in experiment["hparamInfos"]}
    findings.expect("types", [types.get(key) for key in HPARAMS["first"]],
                    ["DATA_TYPE_FLOAT64", "DATA_TYPE_FLOAT64", "DATA_TYPE_STRING",
                     "DATA_TYPE_BOOL"])


def check_tags(findings, server):
    """Which tabs there are, and what is listed in each."""
    tabs = server.ask("plugins_listing")
    for tab in ("timeseries", "hparams", *TAGS):
        findings.expect(f"tab {tab}", tabs[tab]["enabled"], True)
    for plugin, tags in TAGS.items():
        found = server.ask(f"plugin/{plugin}/tags")
        for run in HPARAMS:
            findings.expect(f"{run} {plugin}", sorted(found.get(run, [])), tags)
    series = server.ask("plugin/timeseries/tags")
    for kind in ("scalars", "histograms"):
        for run in HPARAMS:
            findings.expect(f"{run} time series of {kind}",
                            sorted(series[kind]["runTagInfo"].get(run, [])), TAGS[kind])


def check_server(folder, *options):
    """What the pages get."""
    findings = Findings(" ".join(["server", *options]))
    with Server(folder, *options) as server:
        server.wait_for_runs()
        check_tags(findings, server)
        for run in HPARAMS:
            for tag, curve in scalars(run).items():
                found = server.ask("plugin/scalars/scalars", run=run, tag=tag)
                findings.expect(f"{run} {tag}", [(step, number(x)) for _, step, x in found], curve)
            for tag, steps in histograms().items():
                found = server.ask("plugin/histograms/histograms", run=run, tag=tag)
                findings.expect(f"{run} {tag}", [(step, x) for _, step, x in found],
                                list(enumerate(steps)))
                found = server.ask("plugin/distributions/distributions", run=run, tag=tag)
                findings.expect(f"{run} least and greatest of {tag}",
                                [(x[0][1], x[-1][1]) for _, _, x in found],
                                [(h[0][0], h[-1][1]) if h else (0, 0) for h in steps])
            found = server.ask("plugin/text/text", run=run, tag="notes")
            findings.expect(f"{run} notes", [(x["step"], x["text"]) for x in found],
                            [(1, "<p><strong>bold</strong> and größer</p>")])
        found = server.ask("plugin/scalars/scalars", run="restarted", tag="train/loss")
        findings.expect("restarted", [(step, x) for _, step, x in found], RESTARTED)
        check_sessions(findings, server)
    return findings


def check(folder):
    """Prints what agrees and what does not; True where all does."""
    wrong = 0
    for way in (lambda: check_reader(folder), lambda: check_server(folder),
                lambda: check_server(folder, "--load_fast=false")):
        findings = way()
        wrong += len(findings.wrong)
        print(f"{findings.where}: {findings.count - len(findings.wrong)} of {findings.count} "
              "as expected", flush=True)
        for sentence in findings.wrong:
            print(f"check_tensorboard: {sentence}", file=sys.stderr)
    return wrong == 0


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory:
        folder = sys.argv[1]
        if not os.path.isdir(folder):
            subprocess.run([folder, directory], check=True)
            folder = directory
        return 0 if check(folder) else 1


if __name__ == "__main__":
    sys.exit(main())
