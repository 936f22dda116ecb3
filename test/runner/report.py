#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up the results of all suites: ctest's JUnit files and gtest's own XML.

report.py [--strict] [--allowed FILE] SUITE=FILE[=HOW]... prints the skips with their reasons, the
failures with HOW to run them again ({name} stands for the test), and one closing line. A FILE that
is missing, unreadable or holds no test is a failure of its suite. With --strict a skip whose reason
matches no line of the allowed list is a failure. Exit status: 0 if nothing failed.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

# ctest marks these as skipped though the test never had the chance to say why.
CTEST_SKIP = re.compile(r"SKIP_(RETURN_CODE|REGULAR_EXPRESSION)")

WHOLE = "(the suite)"  # stands for a test's name where a suite as such failed


def gtest_reason(text):
    """The message of GTEST_SKIP(): what follows the line "FILE:LINE: Skipped"."""
    lines = [line.strip() for line in text.splitlines()]
    for i, line in enumerate(lines):
        if re.search(r":\d+(: Skipped)?$", line):
            rest = []
            for more in lines[i + 1 :]:
                if not more or more.startswith("[") or re.search(r":\d+: Skipped$", more):
                    break
                rest.append(more)
            if rest:
                return " ".join(rest)
    for line in lines:
        if line.startswith("SKIP: "):  # our scripts' own words, exit status 77
            return line[6:]
    return ""


def cases(path):
    """Yields (name, outcome, reason) for each test in one file."""
    root = ET.parse(path).getroot()
    for case in root.iter("testcase"):
        name, group = case.get("name"), case.get("classname")
        if group and group != name:
            name = f"{group}.{name}"
        skipped, output = case.find("skipped"), case.findtext("system-out") or ""
        message = (skipped.get("message") or "") if skipped is not None else ""
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", ""
        elif case.get("status") == "run" and skipped is None:
            yield name, "passed", ""
        elif case.get("result") == "skipped":  # gtest
            yield name, "skipped", gtest_reason(message)
        elif CTEST_SKIP.search(message):
            yield name, "skipped", gtest_reason(output)
        elif case.get("status") == "fail":
            yield name, "failed", ""
        else:  # not built, disabled, not started: it did not pass, so it failed
            yield name, "failed", message or case.get("status", "did not run")


def allowed_reasons(path):
    """The regular expressions of the allowed list; what follows ' # ' says why it is impossible."""
    lines = Path(path).read_text().splitlines() if path else []
    return [re.compile(line.split(" # ")[0].strip()) for line in lines if line.strip() and line[0] != "#"]


def collect(results, allowed, strict):
    """Returns number passed, list of skips, list of failures."""
    passed, skips, failures = 0, [], []
    for result in results:
        suite, path, how = (result.split("=", 2) + [""])[:3]
        try:
            found = list(cases(path))
        except (OSError, ET.ParseError) as error:
            failures.append((suite, WHOLE, f"left no results: {error}", how))
            continue
        if not found:
            failures.append((suite, WHOLE, "ran no test", how))
        for name, outcome, reason in found:
            if outcome == "skipped" and not reason:
                outcome, reason = "failed", "skipped without a reason"
            if outcome == "skipped" and strict and not any(a.search(reason) for a in allowed):
                outcome, reason = "failed", f"skip not in test/allowed-skips: {reason}"
            if outcome == "passed":
                passed += 1
            elif outcome == "skipped":
                skips.append((suite, name, reason))
            else:
                failures.append((suite, name, reason, how))
    return passed, skips, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--allowed")
    parser.add_argument("results", nargs="+", metavar="SUITE=FILE[=HOW]")
    args = parser.parse_args()
    passed, skips, failures = collect(args.results, allowed_reasons(args.allowed), args.strict)
    if skips:
        print("\nskipped:")
        for suite, name, reason in skips:
            print(f"  {suite}: {name}: {reason}")
    if failures:
        print("\nfailed:")
        for suite, name, reason, how in failures:
            print(f"  {suite}: {name}" + (f": {reason}" if reason else ""))
            if how:
                again = f"test/run {suite}" if name == WHOLE else how.replace("{name}", name)
                print(f"      again: {again}")
    print(f"\n{passed} passed, {len(failures)} failed, {len(skips)} skipped")
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
