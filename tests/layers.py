#!/usr/bin/env python3
"""Fails when an include points up: each layer may include itself and the layers its line names."""
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
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
