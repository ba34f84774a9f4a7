#!/usr/bin/env python3
"""Reads Meson's testlog.json: prints a line for each test, the end of the output of those that failed, and as its last line
the numbers passed, failed and skipped."""
import json
import sys

PASSED = ("OK", "EXPECTEDFAIL")


def main():
    passed = failed = skipped = 0
    with open(sys.argv[1], encoding="utf-8") as log:
        tests = [json.loads(line) for line in log if line.strip()]
    if not tests:
        return 1
    for test in sorted(tests, key=lambda t: t["name"]):
        name = f"{sys.argv[2]}: {test['name'].split(' / ')[-1]}"
        if test["result"] in PASSED:
            passed += 1
            print(f"ok    {name} ({test['duration']:.1f} s)")
        elif test["result"] == "SKIP":
            skipped += 1
            print(f"SKIPPED  {name}")
        else:
            failed += 1
            print(f"FAIL  {name}: {test['result']}")
            output = test.get("stdout", "") + test.get("stderr", "")
            for line in output.splitlines()[-40:]:
                print(f"   | {line}")
    print(passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main())
