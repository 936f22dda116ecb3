#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every relative link of every *.md leads to a file, and its #anchor to a heading, of this tree."""

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")


def anchors(text):
    """The anchors that a Markdown viewer makes of the headings."""
    made = set()
    for heading in re.findall(r"^#+\s+(.*)$", text, re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        made.add(plain.replace(" ", "-"))
    return made


def main():
    root = Path(__file__).resolve().parents[2]
    listed = subprocess.run([root / "test/check/sources", "*.md"], capture_output=True, text=True, check=True)
    faults, count = [], 0
    for name in listed.stdout.split():
        text = re.sub(r"```.*?```", "", (root / name).read_text(), flags=re.S)
        for link in LINK.findall(text):
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            path, _, anchor = link.partition("#")
            target = (root / name).parent / path if path else root / name
            if not target.exists():
                faults.append(f"{name}: {link} leads nowhere")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
                faults.append(f"{name}: {link}: no such heading")
    print("\n".join(faults) or f"{count} links")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
