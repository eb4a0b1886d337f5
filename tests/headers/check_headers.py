"""Compiles each public header alone, as C11 -pedantic and as C++17, with every warning an error.

Each `DVBCSS_X_INIT` in a header initialises a `struct dvbcss_x` there, which needs a macro and a
struct that fit. Every other macro with parameters that its own header does not expand has to be
used in use_macros.c, which is compiled in both languages, too: a macro that nobody expands may well
not compile.

Usage: check_headers.py SOURCE_DIR CC CXX [FLAG...]
"""

import pathlib
import re
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
LANGUAGES = {
    "C11": ["-x", "c", "-std=c11", "-pedantic"],
    "C++17": ["-x", "c++", "-std=c++17"],
}
# What only makes sense inside a declaration.
NOT_EXPRESSIONS = {"DVBCSS_PRINTF"}
# libuv's own header needs POSIX names, which -std=c11 hides.
POSIX = "-D_XOPEN_SOURCE=700"


def initialisers(text):
    """Code that uses every DVBCSS_X_INIT of a header."""
    lines = []
    for macro in re.findall(r"^#define (DVBCSS_\w+_INIT)\b(?!\()", text, re.MULTILINE):
        struct = macro[: -len("_INIT")].lower()
        lines.append(f"    struct {struct} {struct}_value = {macro};\n    (void){struct}_value;\n")
    return "int use(void);\nint use(void)\n{\n" + "".join(lines) + "    return 0;\n}\n"


def macros_to_use(text):
    """The macros with parameters that a header leaves defined for its users."""
    macros = re.findall(r"^#define (DVBCSS_\w+|dvbcss_\w+)\(", text, re.MULTILINE)
    undefined = re.findall(r"^#undef (\w+)", text, re.MULTILINE)
    code = re.sub(r"^#define (?:.*\\\n)*.*$", "", text, flags=re.MULTILINE)
    expanded = re.findall(r"^\s*(DVBCSS_\w+)\(", code, re.MULTILINE)
    return set(macros) - set(undefined) - set(expanded) - NOT_EXPRESSIONS


def compile_source(command, language, flags, source, what):
    """Compiles; returns the number of failures, after printing what was said."""
    run = subprocess.run(
        [*command, *LANGUAGES[language], *WARNINGS, *flags, "-"],
        input=source,
        text=True,
        capture_output=True,
        check=False,
    )
    if run.returncode:
        print(f"{what} does not compile as {language}:\n{run.stderr}")
    return 1 if run.returncode else 0


def main():
    root, compiler, cxx_compiler, *flags = sys.argv[1:]
    root = pathlib.Path(root)
    commands = {"C11": [compiler], "C++17": [cxx_compiler]}
    flags = [f"-I{root / 'include'}", *flags]
    headers = sorted((root / "include/dvbcss").glob("*.h"))
    used = (root / "tests/headers/use_macros.c").read_text()
    failures = 0
    for header in headers:
        text = header.read_text()
        source = f'#include "dvbcss/{header.name}"\n' + initialisers(text)
        for macro in sorted(macros_to_use(text)):
            if not re.search(rf"\b{macro}\(", used):
                print(f"{header.name}: use_macros.c does not use {macro}")
                failures += 1
        for language, command in commands.items():
            posix = [POSIX] if "#include <uv.h>" in text else []
            failures += compile_source(command, language, posix + flags, source, header.name)
    for language, command in commands.items():
        failures += compile_source(command, language, flags, used, "use_macros.c")
    print(f"{len(headers)} headers, {failures} failures")
    return 1 if failures or not headers else 0


sys.exit(main())
