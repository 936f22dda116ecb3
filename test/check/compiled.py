#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that run a compiler on one file at a time, and remember what passed.

compiled.py tidy|headers DIR     The preset `clang` is configured in DIR/clang, for its commands.
  tidy     clang-tidy 19 on the production sources, as .clang-tidy says. Most of its time goes into
           library headers, so sources of one folder are read together, as one translation unit;
           where they do not fit together (two local names that clash), one by one.
  headers  each header compiles on its own (clang++, the flags of a source beside it). Where the
           source of the same name includes it first, the build has shown that already.
A file is looked at again when it, a header of this tree it includes, its flags or the tool change.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ("lib/", "agent/", "cli/", "cni-plugin/", "controller/", "deploy/")
TIDY = "clang-tidy-19"
COMPILER = "clang++-19"
TOGETHER = 8  # sources in one translation unit


def included(path, seen):
    """The file and all headers of this tree that it includes, directly or not."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M):
        for candidate in (ROOT / name, path.parent / name):
            if candidate.is_file():
                included(candidate.resolve(), seen)
                break
    return seen


def key(paths, flags, salt):
    """Names the whole input of a check of some files."""
    digest = hashlib.sha256(f"{salt}\0{shlex.join(flags)}".encode())
    for file in sorted(set().union(*(included(path, set()) for path in paths))):
        digest.update(f"{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def commands(build):
    """{source: compiler arguments without output and input}, of the clang preset."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if not path.is_relative_to(ROOT) or path.is_relative_to(build):
            continue
        words = shlex.split(entry["command"])
        start = next(i for i, word in enumerate(words) if "clang" in Path(word).name)
        words = words[start + 1 :]
        out = words.index("-o")
        found[str(path.relative_to(ROOT))] = [w for w in words[:out] + words[out + 2 :] if w not in ("-c", entry["file"])]
    return found


def tidy(sources, flags, unit):
    """clang-tidy on sources read as one unit. Returns its complaints, "" for none."""
    lines = [f'#include "{ROOT / source}" // NOLINT(bugprone-suspicious-include)\n' for source in sources]
    unit.write_text("".join(lines))
    command = [TIDY, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", unit, "--", *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    unit.unlink()
    if done.returncode == 0:
        return ""
    if "clang-diagnostic-error" in done.stdout and len(sources) > 1:
        return "\n".join(filter(None, (tidy([source], flags, unit) for source in sources)))
    return done.stdout.strip() or done.stderr.strip() or f"exit status {done.returncode}"


def jobs_tidy(cache, known):
    """Yields (name, key, check): up to TOGETHER sources of one folder with the same flags."""
    salt = must(TIDY, "--version") + (ROOT / ".clang-tidy").read_text()
    groups = {}
    for source in sorted(known):
        if source.startswith(PRODUCTION):
            groups.setdefault((os.path.dirname(source), tuple(known[source])), []).append(source)
    for (_, flags), sources in groups.items():
        for i in range(0, len(sources), TOGETHER):
            some = sources[i : i + TOGETHER]
            digest = key([ROOT / source for source in some], flags, salt)
            yield " ".join(some), digest, partial(tidy, some, flags, cache / f"{digest}.cpp")


def compile_header(header, flags):
    command = [COMPILER, *flags, "-fsyntax-only", "-x", "c++", ROOT / header]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"


def comes_first(header):
    """Whether the source of the same name includes this header before anything else."""
    source = (ROOT / header).with_suffix(".cpp")
    if not source.is_file():
        return False
    first = re.search(r"^\s*#\s*include\s+(\S+)", source.read_text(), re.M)
    return first is not None and first.group(1) == f'"{header}"'


def jobs_headers(_, known):
    """Yields (name, key, check) for each header outside maps/ and bpf/, which have their own checks."""
    for header in must(ROOT / "test/check/sources", "*.h").split():
        if header.startswith(("maps/", "bpf/")) or comes_first(header):
            continue
        # Flags of a source in the same folder or, for a folder of headers only, of any source.
        near = [s for s in known if os.path.dirname(s) == os.path.dirname(header)] or list(known)
        flags = [*known[sorted(near)[0]], "-Wno-pragma-once-outside-header"]
        yield header, key([ROOT / header], flags, COMPILER), partial(compile_header, header, flags)


def run(job, cache):
    """Does one check unless it passed before on the same input. Returns its complaints."""
    _, digest, check = job
    if (cache / digest).exists():
        return "cached"
    complaints = check()
    if not complaints:
        (cache / digest).touch()
    return complaints


def must(*command):
    """Runs a command that has to work; returns its output."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def prepare(build):
    """Configures the clang preset and makes the generated headers, without building the rest."""
    if not (build / "build.ninja").exists():
        must("cmake", "-S", ROOT, "-B", build, "--preset", "clang")
    # This also writes compile_commands.json anew where a CMakeLists.txt has changed.
    must("ninja", "-C", build, "build.ninja")
    generated = re.findall(r"^(\w+_skel_files): phony", must("ninja", "-C", build, "-t", "targets", "all"), re.M)
    if generated:
        must("ninja", "-C", build, *generated)


def main():
    what, build = sys.argv[1], Path(sys.argv[2]).resolve() / "clang"
    prepare(build)
    cache = build.parent / "checked" / what
    cache.mkdir(parents=True, exist_ok=True)
    jobs = list({"tidy": jobs_tidy, "headers": jobs_headers}[what](cache, commands(build)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda job: run(job, cache), jobs))
    failed = 0
    for (name, _, _), outcome in zip(jobs, outcomes):
        if outcome not in ("", "cached"):
            failed += 1
            print(f"== {name}\n{outcome}")
    print(f"{what}: {len(jobs)} units, {outcomes.count('cached')} unchanged since they passed, {failed} failed")
    return 1 if failed or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
