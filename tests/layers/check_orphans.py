"""Checks that nothing lies about unused: every C source is compiled by the build, every public
header is installed by exactly one module, and every fuzz corpus has its target.

Usage: check_orphans.py SOURCE_DIR MODULES_FILE COMPILE_COMMANDS
"""

import collections
import json
import pathlib
import sys

# What other builds compile: consumers of the installed library, and the header test.
ELSEWHERE = {"tests/install", "tests/headers"}
# Only sanitizer builds need it.
SANITIZED_ONLY = {"tests/support/leaks_on_purpose.c"}
SOURCES = ["common", "clock", "wallclock", "cii", "ts", "discovery", "server-core", "app2app", "clients", "tools", "examples"]


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    claimed = collections.Counter()
    for line in pathlib.Path(sys.argv[2]).read_text().splitlines():
        claimed.update(filter(None, line.split("|")[4].split(";")))
    commands = json.loads(pathlib.Path(sys.argv[3]).read_text())
    compiled = {pathlib.Path(entry["file"]).resolve() for entry in commands}
    complaints = []
    for header in sorted((root / "include/dvbcss").glob("*.h")):
        if claimed[header.name] != 1:
            complaints.append(f"{header.name} is in the HEADERS of {claimed[header.name]} modules")
    for path in [path for folder in [*SOURCES, "tests"] for path in (root / folder).rglob("*.c")]:
        name = path.relative_to(root)
        excused = str(name) in SANITIZED_ONLY or any(
            str(name).startswith(folder + "/") for folder in ELSEWHERE
        )
        if path not in compiled and not excused and "node_modules" not in name.parts:
            complaints.append(f"{name} is compiled nowhere")
    targets = {path.stem for path in (root / "tests/fuzz").glob("*/fuzz_*.c")}
    for corpus in sorted((root / "tests/fuzz/corpus").iterdir()):
        if f"fuzz_{corpus.name}" not in targets:
            complaints.append(f"{corpus.relative_to(root)} has no fuzz_{corpus.name}.c")
    print(*complaints, sep="\n")
    print(f"{len(compiled)} sources compiled, {len(claimed)} public headers")
    return 1 if complaints or not compiled or not claimed else 0


sys.exit(main())
