"""Compares the table in docs/errors.md with the codes and texts in include/dvbcss/error.h.

Usage: check_errors.py SOURCE_DIR [--update]
--update writes the missing rows; what a row says beyond code, name and text is kept.
"""

import pathlib
import re
import sys

ENTRY = re.compile(r'X\((-\d+), (\w+),\s*(?:\\\s*)?"([^"]*)"\)')
ROW = re.compile(r"^\| (-\d+) \| `DVBCSS_(\w+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
HEAD = "| code | name | text | comes from |\n|---:|---|---|---|\n"


def main():
    root = pathlib.Path(sys.argv[1])
    header = (root / "include/dvbcss/error.h").read_text()
    document = root / "docs/errors.md"
    text = document.read_text()
    codes = ENTRY.findall(header)
    rows = ROW.findall(text)
    if "--update" in sys.argv[2:]:
        origins = {name: origin for _, name, _, origin in rows}
        table = "".join(
            f"| {code} | `DVBCSS_{name}` | {meaning} | {origins.get(name, '')} |\n"
            for code, name, meaning in codes
        )
        before, _, rest = text.partition(HEAD)
        after = ROW.sub("", rest).lstrip("\n")
        document.write_text(before + HEAD + table + "\n" + after)
        return 0
    documented = {(code, name, meaning) for code, name, meaning, _ in rows}
    missing = sorted(set(codes) - documented)
    stale = sorted(documented - set(codes))
    bare = [name for _, name, _, origin in rows if not origin.strip()]
    for entry in missing:
        print("not in docs/errors.md:", *entry)
    for entry in stale:
        print("no longer in error.h:", *entry)
    for name in bare:
        print(f"docs/errors.md does not say where DVBCSS_{name} comes from")
    print(f"{len(codes)} codes")
    return 1 if missing or stale or bare or not codes else 0


sys.exit(main())
