#!/usr/bin/env python3
"""Fails when a setting of the configuration, or a command, path, method or type of error of the interface, is in the code and not in
its document, or the reverse; and when the web client uses what is not in the document."""
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


def texts(root, folder, pattern):
    return "\n".join(path.read_text() for path in sorted((root / folder).rglob(pattern)))


def methods(root):
    return set(re.findall(r'^\t\{"([A-Z]\w+/\w+)",', texts(root, "src", "*.c"), re.M))


def written_methods(root):
    rows = re.findall(r"`([A-Z]\w+)/(\w+)`((?:,\s+`[a-z]\w+`)*)", (root / "docs/api/jmap.md").read_text())
    return {f"{kind}/{name}" for kind, first, rest in rows for name in [first] + re.findall(r"`(\w+)`", rest)}


def problems(root):
    """Pairs of a type's last word and its status."""
    code = texts(root, "src/roles", "*.c") + texts(root, "src/faces", "web_api.c")
    called = re.findall(r'(?:front_task|web_exchange)_problem\(\s*\w+,\s*([^,;"]+),\s*"([a-z-]+)"', code)
    called = {(name, status) for argument, name in called for status in re.findall(r"\b\d{3}\b", argument)}
    return called | set(re.findall(r'^\t\{"([a-z-]+)", (\d{3})\},', code, re.M))


def written_problems(root):
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (\d{3}(?:, \d{3})*) \|", texts(root, "docs/api", "*.md"), re.M)
    return {(name, status) for names, many in rows for name in re.findall(r"[a-z-]+", names) for status in many.split(", ")}


def paths(root):
    """As far as they are the same for all: what follows the last slash of a family of paths is described beside it."""
    table = re.findall(r'^\t\{"(/[^"]+)", (\w+)', (root / "src/roles/front_site.c").read_text(), re.M)
    return {path.rstrip("/") for path, run in table if run != "on_nothing"}


def written_paths(root):
    found = set()
    for path in re.findall(r"`(?:GET |POST )?(/[^`\s?{<]*)", texts(root, "docs/api", "*.md")):
        path = path.rstrip(".").rstrip("/")
        while path:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


def used(root):
    """What the web client asks for: methods, paths, types of error."""
    code = texts(root, "web/src", "*.ts*")
    asked = {path.rstrip("/") for path in re.findall(r'["`](/(?:api|jmap|oauth)/[a-z0-9/-]*)', code)}
    return set(re.findall(r'"([A-Z][A-Za-z]+/[a-z]\w+)"', code)) | asked | set(re.findall(r'"urn:letterlock:([a-z-]+)"', code))


def main():
    root = pathlib.Path(sys.argv[1])
    bad = 0
    for what, coded, written in (("setting", settings(root), written_settings(root)),
                                 ("command", commands(root), written_commands(root)),
                                 ("method", methods(root), written_methods(root)),
                                 ("type of error", problems(root), written_problems(root))):
        for name in sorted(coded ^ written):
            print(f"{what} {name}: only in the {'code' if name in coded else 'document'}")
        bad += len(coded ^ written) + (not coded)
        print(f"{what}: {len(coded)}")
    known = written_methods(root) | written_paths(root) | {"/api/v1/auth/" + name for name in written_commands(root)}
    known |= {name for name, _ in written_problems(root)}
    for name in sorted((paths(root) | used(root)) - known):
        print(f"{name}: not in a document")
        bad += 1
    print(len(paths(root)), "paths;", len(used(root)), "things that the web client asks for")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
