"""Checks that includes between the folders point down the layer picture of docs/design.md.

- A source includes public headers of folders below it and its own private headers; private ones of
  folders below only if they end up in the same library, where symbols are not hidden from it, or
  are header-only.
- A core source includes nothing of an I/O module.
- Examples see public headers only.
- <libwebsockets.h> is included in one file of server-core/ and one of clients/, nowhere else.

Usage: check_includes.py SOURCE_DIR MODULES_FILE
"""

import pathlib
import re
import sys

PROTOCOLS = {"wallclock", "cii", "ts", "discovery"}
# folder -> folders whose headers its sources may include, besides its own
BELOW = {
    "common": set(),
    "clock": {"common"},
    "wallclock": {"common", "clock"},
    "cii": {"common", "clock"},
    "ts": {"common", "clock"},
    "discovery": {"common"},
    "server-core": {"common", "clock"},
    "app2app": {"common", "server-core"},
    "clients": {"common", "clock"} | PROTOCOLS,
    "tools": {"common", "clock", "server-core", "app2app", "clients"} | PROTOCOLS,
    "examples": {"common", "clock", "server-core", "app2app", "clients"} | PROTOCOLS,
}
# The I/O parts of the protocols stand on the server base.
IO_BELOW = {folder: BELOW[folder] | {"server-core"} for folder in PROTOCOLS}
HEADER_ONLY = {"common/list.h", "common/bytes.h", "common/utf8.h"}
IO_FOLDERS = {"server-core", "app2app", "clients"}
SEES_PUBLIC_ONLY = {"examples"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
WEBSOCKETS = re.compile(r"^\s*#\s*include\s*<libwebsockets", re.MULTILINE)


class Tree:
    """What the build says about modules, and whose each header is."""

    def __init__(self, root, modules_file):
        self.root = root
        self.io_sources = set()
        self.public = {}
        self.io_headers = set()
        for line in modules_file.read_text().splitlines():
            kind, _, folder, sources, headers = line.split("|")
            folder = pathlib.Path(folder)
            for header in filter(None, headers.split(";")):
                self.public[header] = folder.name
                if kind == "IO":
                    self.io_headers.add(header)
            if kind == "IO":
                self.io_sources |= {folder / source for source in sources.split(";")}

    def is_io(self, path):
        """Whether a source or private header belongs to an I/O module. wc_socket.h is the header of
        wc_socket.c, or of wc_socket_linux.c and its like; one without a source belongs to those
        that include it."""
        if path.relative_to(self.root).parts[0] in IO_FOLDERS or path in self.io_sources:
            return True
        if path.suffix != ".h":
            return False
        beside = set(path.parent.glob("*.c"))
        own = {source for source in beside if f"{source.stem}_".startswith(f"{path.stem}_")}
        users = own or {source for source in beside if f"{path.name}\"" in source.read_text()}
        return bool(users) and users <= self.io_sources

    def complaint(self, path, include):
        """What is wrong with an include, or None."""
        folder = path.relative_to(self.root).parts[0]
        is_io = self.is_io(path)
        below = IO_BELOW.get(folder, BELOW[folder]) if is_io else BELOW[folder]
        if include.startswith("dvbcss/"):
            name = include[len("dvbcss/") :]
            owner = self.public.get(name)
            if owner is None:
                return f"{name} is in no module's HEADERS"
            if name in self.io_headers and not is_io and folder in PROTOCOLS:
                return "a core source includes an I/O header"
            if owner != folder and owner not in below:
                return f"{folder} must not know {owner}"
            return None
        if folder in SEES_PUBLIC_ONLY:
            return "only public headers here"
        if (path.parent / include).exists() and "/" not in include:
            return None
        target = self.root / include
        if not target.exists():
            return "no such file, seen from the top of the tree"
        owner = pathlib.PurePath(include).parts[0]
        if owner == folder:
            return None
        if owner not in below:
            return f"{folder} must not know {owner}"
        if include in HEADER_ONLY or not (is_io or folder == "tools"):
            return None
        if is_io and self.is_io(target):
            return None
        return f"the private symbols of {owner} are hidden in the library"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    tree = Tree(root, pathlib.Path(sys.argv[2]))
    complaints = []
    websockets = []
    files = [path for folder in BELOW for path in sorted((root / folder).rglob("*.[ch]"))]
    for path in files:
        text = path.read_text()
        name = path.relative_to(root)
        if WEBSOCKETS.search(text):
            websockets.append(name)
        for include in INCLUDE.findall(text):
            complaint = tree.complaint(path, include)
            if complaint:
                complaints.append(f'{name}: "{include}": {complaint}')
    if sorted(name.parts[0] for name in websockets) != ["clients", "server-core"]:
        names = ", ".join(map(str, websockets)) or "no file"
        complaints.append(f"<libwebsockets.h> wants one file in server-core and one in clients: {names}")
    print(*complaints, sep="\n")
    print(f"{len(files)} files, {len(complaints)} complaints")
    return 1 if complaints or not files else 0


sys.exit(main())
