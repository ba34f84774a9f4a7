#!/usr/bin/env python3
"""Fails when a setting of the configuration or a command of the web API is in the code and not in its document, or the reverse."""
import pathlib
import re
import sys


def settings(root):
    code = (root / "src/os/config.c").read_text()
    found = set(re.findall(r'^\t\{"(\w+)", "(\w+)", [A-Z]', code, re.M))
    return found | {("listen", name) for name in re.findall(r'\[SERVICE_\w+\] = "(\w+)"', code)}


def written_settings(root):
    found = set()
    for part in (root / "docs/configuration.md").read_text().split("\n## ")[1:]:
        section = re.match(r"`\[(\w+)\]`", part).group(1)
        for row in re.findall(r"^\| (`.*?) \|", part, re.M):
            found |= {(section, name) for name in re.findall(r"`(\w+)`", row)}
    return found


def commands(root):
    table = (root / "src/ipc/web.h").read_text().split("#define WEB_COMMANDS(M)", 1)[1].split("/*", 1)[0]
    return set(re.findall(r'M\("([a-z-]+)"', table))


def written_commands(root):
    heads = [line for line in (root / "docs/api/auth.md").read_text().splitlines() if line.startswith("### `")]
    found = {name for line in heads for name in re.findall(r"`([a-z-]+)`", line)}
    for part in (root / "docs/api/letters.md").read_text().split("\n## ")[1:]:
        prefix = "letter-" if part.startswith("Reading\n") else ""
        rows = part.split("| command | request | answer |\n")
        found |= {prefix + name for name in re.findall(r"^\| `([a-z-]+)` \|", rows[1].split("\n\n")[0], re.M)} if rows[1:] else set()
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    bad = 0
    for what, coded, written in (("setting", settings(root), written_settings(root)),
                                 ("command", commands(root), written_commands(root))):
        for name in sorted(coded ^ written):
            print(f"{what} {name}: only in the {'code' if name in coded else 'document'}")
        bad += len(coded ^ written) + (not coded)
        print(f"{len(coded)} {what}s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
