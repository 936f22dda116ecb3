# SPDX-License-Identifier: Apache-2.0
"""What the cases share: commands, waiting for a condition, PASS/FAIL lines, results as JUnit XML."""

import json
import os
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
STATE = Path(os.environ.get("DF_CLUSTER_DIR", "/var/tmp/directfaas-cluster"))
CLUSTER = str(TOP / "test/cluster/cluster")


class Failed(Exception):
    """A case's condition does not hold; its text says what was seen instead."""


def run(*command, stdin=None, check=True, timeout=300):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def kubectl(*words, **options):
    return run(CLUSTER, "kubectl", *words, **options).stdout


def objects(*words):
    return json.loads(kubectl("get", "-o", "json", *words))["items"]


def apply(text):
    return kubectl("apply", "-f", "-", stdin=text)


def on_node(node, *words, **options):
    return run(CLUSTER, "exec", node, *words, **options).stdout


def processes(program, *words):
    """Numbers of this machine's processes that run `program` with all of `words` in their arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended
        if arguments[0] == program and all(any(word in given for given in arguments) for word in words):
            found.append(int(entry.parent.name))
    return found


def expect(condition, what):
    if not condition:
        raise Failed(what)


def until(what, condition, seconds=60):
    """Waits for condition() to be true and returns its value; what it said last is in the failure."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value, last = condition(), None
        except Failed as failed:
            value, last = None, failed
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"after {seconds} s: no {what}" + (f"; {last}" if last else ""))
        time.sleep(0.1)


after_failure = []  # called when a case has failed: what it would have ended itself


class Report:
    """Runs cases in order. After one that the rest stands on has failed, the rest has failed too."""

    def __init__(self, xml):
        self.xml = xml
        self.suite = ET.Element("testsuite", name="cluster")
        self.broken = None
        self.passed = self.failed = 0
        self.begin = time.monotonic()

    def case(self, name, function, needed=False):
        began = time.monotonic()
        text = f"not reached: {self.broken} failed" if self.broken else ""
        if not self.broken:
            try:
                said = function()
            except (Failed, subprocess.TimeoutExpired) as failure:
                text = str(failure) or repr(failure)
                if needed:
                    self.broken = name
        took = time.monotonic() - began
        element = ET.SubElement(self.suite, "testcase", name=name, status="run", time=f"{took:.1f}")
        self.passed, self.failed = self.passed + (not text), self.failed + bool(text)
        stamp = f"[{time.monotonic() - self.begin:4.0f} s]"
        if text:
            element.set("status", "fail")
            for end in after_failure:
                end()
            ET.SubElement(element, "failure", message=text.split("\n")[0]).text = text
            print(f"{stamp} FAIL {name}: {text}", flush=True)
        else:
            print(f"{stamp} PASS {name}" + (f": {said}" if said else ""), flush=True)
        ET.ElementTree(self.suite).write(self.xml)
        return not text
