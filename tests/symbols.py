#!/usr/bin/env python3
"""symbols.py PROGRAM ARCHIVE...: fails when a function of our archives has the name of one that a shared library of
the program has, too. The linker quietly lets ours stand for the other, where our own code calls it."""
import subprocess
import sys


def names(path, *options):
    out = subprocess.run(["nm", "--defined-only", *options, path], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in out.splitlines())
    return {row[2].split("@")[0] for row in rows if len(row) == 3 and row[1] in "TW"}


def libraries(path):
    out = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    return [word for line in out.splitlines() for word in line.split()[2:3] if word.startswith("/")]


def main():
    program, *archives = sys.argv[1:]
    own = set().union(*(names(archive) for archive in archives))
    clashes = [f"{name} is also in {library}" for library in libraries(program) if "san.so" not in library
               for name in sorted(own & names(library, "-D"))]
    print("\n".join(clashes))
    if len(own) < 1000:
        print("hardly any symbols were found: is this the right program?")
    return 1 if clashes or len(own) < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
