# SPDX-License-Identifier: Apache-2.0
"""What `frugal meter --listen` answers, read by Prometheus's own parser: before the first sample,
while a command runs in phases with awkward names, and without a command."""
import re
import subprocess
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

PHASES = r'''printf '%s\n' 'begin a"b\c' >&$FRUGAL_PHASE_FD; sleep 0.5
printf '%s\n' 'begin größe {x="1"}' 'begin unmarked' >&$FRUGAL_PHASE_FD; sleep 30'''


def scrape(url):
    text = urllib.request.urlopen(url, timeout=20).read().decode()
    metrics = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type in ('counter', 'gauge'), family
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in metrics, ('twice', key)
            assert sample.value == sample.value, ('not a number', key)
            metrics[key] = sample.value
    return metrics


def value(metrics, name, **labels):
    return metrics.get((name, tuple(sorted(labels.items()))))


def parts(metrics, name):
    return {labels[0][1]: v for (n, labels), v in metrics.items() if n == name}


def start(*arguments):
    process = subprocess.Popen([sys.argv[1], 'meter', '--listen', '127.0.0.1:0', *arguments],
                               stderr=subprocess.PIPE, text=True)
    address = re.search(r'http://\S+', process.stderr.readline()).group()
    return process, address


def early():
    process, address = start('-i', '10s', '--', 'sleep', '30')
    metrics = scrape(address)
    assert value(metrics, 'frugal_power_watts') is None, metrics
    assert value(metrics, 'frugal_meter_seconds_total') != 0, metrics
    process.terminate()
    process.wait(timeout=20)


def running():
    process, address = start('-i', '20ms', '--', 'sh', '-c', PHASES)
    metrics = {}
    while len(parts(metrics, 'frugal_phase_energy_joules_total')) < 4:
        before, metrics = metrics, scrape(address)
        for key, was in before.items():
            if key[0].endswith('_total'):
                assert metrics[key] >= was, (key, was, metrics[key])
    total = value(metrics, 'frugal_energy_joules_total', domain='total')
    phases = parts(metrics, 'frugal_phase_energy_joules_total')
    inner = 'a"b\\c/größe {x="1"}'
    assert set(phases) == {'a"b\\c', inner, inner + '/unmarked', 'unmarked'}, phases
    assert sum(phases.values()) <= total * (1 + 1e-8), (phases, total)
    assert value(metrics, 'frugal_power_watts') > 0
    assert value(metrics, 'frugal_program_energy_joules_total') < total
    seconds = value(metrics, 'frugal_meter_seconds_total')
    assert 0 < value(metrics, 'frugal_meter_cpu_seconds_total') < seconds, metrics
    process.terminate()
    process.wait(timeout=20)


def machine():
    process, address = start('-i', '20ms')
    metrics = {}
    while value(metrics, 'frugal_power_watts') is None:
        metrics = scrape(address)
    assert value(metrics, 'frugal_energy_joules_total', domain='total') > 0
    assert value(metrics, 'frugal_program_energy_joules_total') is None
    assert value(metrics, 'frugal_cpu_seconds_total') is None
    process.terminate()
    process.wait(timeout=20)


early()
running()
machine()
print('metrics: read by prometheus_client')
