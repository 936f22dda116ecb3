#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include to the table "Folders and what they may include" of ARCHITECTURE.md.

A cell names folders and files in backticks; "all" allows everything, "the above" what the row above
may include and that row itself, "skeletons" the generated *.skel.h. test/, bench/ and deploy/ may
include what they like, and no row can allow anybody to include them. Fails on an include that no row
allows, on a cycle between rows, on a production file without a row and on a row without a folder.
"""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

FREE = ("test/", "bench/", "deploy/")
QUOTED = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_table(text):
    """Returns {row: set of allowed rows, files and words}, one row for each name in a first cell."""
    table, above = {}, set()
    for line in text.split("## Folders and what they may include", 1)[1].splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not line.startswith("| `") or len(cells) != 3:
            continue
        names = [n.rstrip("/") for n in re.findall(r"`([^`]+)`", cells[0])]
        allowed = {a.rstrip("/") for a in re.findall(r"`([^`]+)`", cells[2])}
        allowed |= {word for word in ("all", "skeletons") if re.search(rf"\b{word}\b", cells[2])}
        if "the above" in cells[2]:
            allowed |= above
        above = allowed | set(names)
        table.update({name: allowed for name in names})
    return table


def row_of(path, table):
    """The longest row that covers a file: its folder, or the file by name or pattern."""
    rows = [r for r in table if path.startswith(r + "/") or fnmatch(path, r)]
    return max(rows, key=len, default=None)


def target_of(source, include, root):
    """An include's path from the root; also found beside its includer, as in maps/."""
    beside = str(Path(source).parent / include)
    return next((p for p in (include, beside) if (root / p).is_file()), None)


def may(allowed, row, target):
    return "all" in allowed or target in allowed or any(fnmatch(row, a) for a in allowed)


def check(root, files, table):
    """Yields a message for each fault and fills the graph of rows on the way."""
    graph = {row: set() for row in table}
    for row in table:
        if not list(root.glob(row)):
            yield f"ARCHITECTURE.md names {row}, which does not exist"
    for path in files:
        row = row_of(path, table)
        if row is None:
            if not path.startswith(FREE):
                yield f"{path}: its folder has no row in ARCHITECTURE.md"
            continue
        for include in QUOTED.findall((root / path).read_text()):
            if include.endswith(".skel.h"):
                if "skeletons" not in table[row] and "all" not in table[row]:
                    yield f"{path}: {row} may not include skeletons ({include})"
                continue
            target = target_of(path, include, root)
            if target is None:
                yield f'{path}: "{include}" is no file of this tree (write <...> for others\' headers)'
                continue
            to = row_of(target, table)
            if to is None or (to != row and not may(table[row], to, target)):
                yield f"{path}: {row} may not include {target}"
            elif to != row:
                graph[row].add(to)
    yield from cycles(graph)


def cycles(graph):
    """Yields each cycle once, written a -> b -> a."""
    seen = set()

    def visit(node, path):
        if node in path:
            loop = path[path.index(node) :]
            if frozenset(loop) not in seen:
                seen.add(frozenset(loop))
                yield "cycle: " + " -> ".join([*loop, node])
            return
        for following in sorted(graph[node]):
            yield from visit(following, [*path, node])

    for start in graph:
        yield from visit(start, [])


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.c", "*.h", "*.cpp"],
        capture_output=True, text=True, check=True,
    ).stdout.split()
    files = sorted({f for f in listed if (root / f).is_file()})
    table = read_table((root / "ARCHITECTURE.md").read_text())
    faults = list(check(root, files, table))
    print("\n".join(faults) or f"{len(files)} files, {len(table)} rows: as ARCHITECTURE.md says")
    return 1 if faults or not files or not table else 0


if __name__ == "__main__":
    sys.exit(main())
