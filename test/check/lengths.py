#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lengths of files and functions: warns over 300 and 40 lines, fails over 500 and 80."""

import json
import subprocess
import sys
from pathlib import Path

FILE_WARN, FILE_MAX = 300, 500
FUNCTION_WARN, FUNCTION_MAX = 40, 80


def functions(root, files):
    """Yields (file, name, lines) for each C and C++ function, by universal-ctags."""
    tags = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "--kinds-C++=f",
         "--langmap=C++:.cpp.h", "-I", "SEC+", "-f", "-", "-L", "-"],
        input="\n".join(files), cwd=root, capture_output=True, text=True, check=True,
    ).stdout
    for line in tags.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["name"], tag["end"] - tag["line"] + 1


def main():
    root = Path(__file__).resolve().parents[2]

    def sources(*patterns):
        listed = subprocess.run([root / "test/check/sources", *patterns], capture_output=True, text=True, check=True)
        return listed.stdout.split()

    code = sources("*.c", "*.h", "*.cpp")
    scripts = subprocess.run([root / "test/check/scripts"], capture_output=True, text=True, check=True).stdout.split()
    measured = [(f, "", len((root / f).read_text().splitlines()), FILE_WARN, FILE_MAX)
                for f in sorted({*code, *scripts, *sources("*.py")})]
    found = list(functions(root, code))
    measured += [(f, name + "()", lines, FUNCTION_WARN, FUNCTION_MAX) for f, name, lines in found]
    failed = not found
    for file, name, lines, warn, most in sorted(measured, key=lambda m: -m[2] / m[4]):
        if lines > warn:
            failed |= lines > most
            print(f"{'FAIL' if lines > most else 'warn'} {file} {name}: {lines} lines (aim {warn}, most {most})")
    print(f"{len(measured) - len(found)} files, {len(found)} functions")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
