#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/performance.md and README's table of figures say what is in bench/results: bench/report writes both."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))

from peers_text import with_peers  # noqa: E402
from report_text import page  # noqa: E402


def main():
    results = {f.stem: json.loads(f.read_text()) for f in sorted((ROOT / "bench/results").glob("*.json"))}
    about = results.pop("about", {})
    if not results:
        sys.exit("bench/results has no results: this check looks at nothing")
    faults = []
    written = (ROOT / "docs/performance.md").read_text().splitlines()
    wanted = page(results, about, [], "").splitlines()  # without plots: drawing needs more than Python
    faults += [f"docs/performance.md has not: {line}" for line in wanted if line not in set(written)]
    old = [line for line in written if line.startswith("|") and line not in set(wanted)]
    faults += [f"docs/performance.md has, but bench/results does not: {line}" for line in old]
    readme = (ROOT / "README.md").read_text()
    try:
        if with_peers(readme, results) != readme:
            faults.append("README.md's table of figures is not that of bench/results")
    except ValueError as error:
        faults.append(f"README.md: {error}")
    if faults:
        sys.exit("\n".join([*faults[:20], f"{len(faults)} faults: run bench/report and commit what it writes"]))
    print(f"docs/performance.md and README.md have the figures of {len(results)} results")


if __name__ == "__main__":
    main()
