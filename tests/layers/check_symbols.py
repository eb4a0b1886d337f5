"""Checks that a library uses no symbol from outside but those on a list.

Usage: check_symbols.py LIBRARY LIST
The list has one pattern (* matches anything) a line; # starts a comment.
"""

import fnmatch
import pathlib
import subprocess
import sys


def main():
    library, listed = sys.argv[1:]
    output = subprocess.run(
        ["nm", "-D", "--undefined-only", library], text=True, capture_output=True, check=True
    ).stdout
    symbols = {line.split()[-1].split("@")[0] for line in output.splitlines()}
    lines = (line.partition("#")[0].split() for line in pathlib.Path(listed).read_text().splitlines())
    patterns = [pattern for line in lines for pattern in line]
    refused = sorted(
        symbol
        for symbol in symbols
        if not any(fnmatch.fnmatchcase(symbol, pattern) for pattern in patterns)
    )
    for symbol in refused:
        print(f"{pathlib.Path(library).name} uses {symbol}, which is not in {listed}")
    print(f"{len(symbols)} symbols used, {len(refused)} refused")
    return 1 if refused or not symbols else 0


sys.exit(main())
