"""Compares what the libraries export with cmake/exports/NAME.txt, and with the public headers.

Everything exported is declared DVBCSS_API in a header, and everything so declared is exported: a
function that was promised and never written is found here.

Usage: check_exports.py SOURCE_DIR NAME=LIBRARY... [--update]
--update writes the lists.
"""

import pathlib
import re
import subprocess
import sys

# From DVBCSS_API to the parenthesis after the function's name.
DECLARATION = re.compile(r"^DVBCSS_API\b[^;({]*?\b(\w+)\s*\(", re.MULTILINE)
VARIABLE = re.compile(r"^DVBCSS_API\b[^;({]*?\b(\w+)(?:\[[^]]*\])?;", re.MULTILINE)


def exported(library):
    """The symbols that a shared library defines for others."""
    output = subprocess.run(
        ["nm", "-D", "--defined-only", library], text=True, capture_output=True, check=True
    ).stdout
    entries = (line.split() for line in output.splitlines())
    return {name.split("@")[0] for _, kind, name in entries if kind != "A"}


def declared(root):
    """The symbols that the public headers declare."""
    symbols = set()
    for header in (root / "include/dvbcss").glob("*.h"):
        text = header.read_text()
        symbols |= set(DECLARATION.findall(text)) | set(VARIABLE.findall(text))
    return symbols


def main():
    root = pathlib.Path(sys.argv[1])
    update = sys.argv[-1] == "--update"
    libraries = dict(argument.split("=", 1) for argument in sys.argv[2:] if "=" in argument)
    complaints = []
    everything = set()
    for name, library in libraries.items():
        symbols = exported(library)
        everything |= symbols
        listed_file = root / "cmake/exports" / f"{name}.txt"
        if update:
            listed_file.write_text("".join(f"{symbol}\n" for symbol in sorted(symbols)))
        listed = set(listed_file.read_text().split()) if listed_file.exists() else set()
        complaints += [f"lib{name} exports {s}, not listed" for s in sorted(symbols - listed)]
        complaints += [f"lib{name} lacks {s}, listed" for s in sorted(listed - symbols)]
        complaints += [f"{s} lacks our prefix" for s in symbols if not s.startswith("dvbcss_")]
    promised = declared(root)
    complaints += [f"{s} is exported, but in no header" for s in sorted(everything - promised)]
    complaints += [f"{s} is declared, but not exported" for s in sorted(promised - everything)]
    print(*complaints, sep="\n")
    print(f"{len(everything)} symbols exported, {len(complaints)} complaints")
    return 1 if (complaints and not update) or not everything else 0


sys.exit(main())
