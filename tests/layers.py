#!/usr/bin/env python3
"""Fails when an include points up: each layer may include itself and the layers its line names. And when the tables of
ARCHITECTURE.md, of layers and of processes that may talk, are not those of the code."""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "base": [],
    "os": ["base"],
    "ipc": ["base", "os"],
    "keys": ["base"],
    "store": ["base", "os", "ipc"],
    "mail": ["base"],
    "account": ["base", "keys", "mail", "store"],
    "faces": ["base", "ipc", "mail", "account"],
    "cli": ["base", "os", "ipc", "keys", "mail", "faces"],
    "roles": ["base", "os", "ipc", "keys", "store", "mail", "account", "faces"],
}
EXTRA = {"main.c": ["base", "roles", "cli"]}


def main():
    src = pathlib.Path(sys.argv[1]) / "src"
    bad = 0
    files = sorted(src.rglob("*.[ch]"))
    for path in files:
        layer = path.relative_to(src).parts[0]
        allowed = set(MAY_INCLUDE.get(layer, []) + EXTRA.get(layer, []) + [layer])
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found:
                continue
            target = found.group(1).split("/")[0]
            if target not in allowed:
                print(f"{path.relative_to(src.parent)}:{number}: {layer} may not include {found.group(1)}")
                bad += 1
    print(f"{len(files)} files, {bad} includes that point up")
    bad += tables_differ(src.parent)
    return 1 if bad or not files else 0


def tables_differ(root):
    text = (root / "ARCHITECTURE.md").read_text()
    written = {layer: set(MAY_INCLUDE) - {"cli", layer} if below == "all but cli" else set(below.split())
               for layers, below in table(text, "| layer | may include |") for layer in layers.split(", ")}
    allowed = {layer: set(below) for layer, below in MAY_INCLUDE.items() if below}
    pairs = {frozenset(pair.split(", ")) for pair, _ in table(text, "| pair | about |")}
    code = (root / "src/ipc/pairs.c").read_text()
    coded = {frozenset(name.lower() for name in pair) for pair in re.findall(r"\{ROLE_([A-Z]+), ROLE_([A-Z]+)\}", code)}
    bad = 0
    for name, one, other in (("layers", written, allowed), ("pairs", pairs, coded)):
        if one != other or not one:
            print(f"ARCHITECTURE.md: the table of {name} is not that of the code")
            bad += 1
    return bad


def table(text, head):
    """The cells of each row below a head line."""
    rows = text.split(head + "\n", 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]



if __name__ == "__main__":
    sys.exit(main())
