#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verdict and reason of maps/verdicts.h is explained in docs/datapath.md.

A name counts as explained where a table row or list item starts with it in backticks.
"""

import re
import sys
from pathlib import Path


def names(header, macro):
    body = re.search(rf"#define {macro}\(X\)(.*?)\n\n", header, re.S).group(1)
    return re.findall(r'X\(\w+,\s*"(\w+)"', body)


def main():
    root = Path(__file__).resolve().parents[2]
    header = (root / "maps/verdicts.h").read_text()
    document = (root / "docs/datapath.md").read_text()
    known = names(header, "DF_VERDICTS") + names(header, "DF_REASONS")
    explained = set(re.findall(r"^\s*(?:\||[-*])\s*`(\w+)`", document, re.M))
    missing = [name for name in known if name not in explained]
    for name in missing:
        print(f"docs/datapath.md: no table row or list item starts with `{name}`")
    if len(known) < 10:
        print("maps/verdicts.h: found no list of reasons; has DF_REASONS changed its form?")
    return 1 if missing or len(known) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
