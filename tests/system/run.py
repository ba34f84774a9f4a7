#!/usr/bin/env python3
"""Runs the system tests: each file in a process of its own, some at once, and one more of those that mostly wait.

Every test file is a program over harness.py that writes one JSON line for each of its tests. A file that breaks off or hangs
counts as a failure. Everything it started lives in its session and process group and ends with it."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
# A test waits for conditions, never for a time; this only ends what hangs.
LIMIT_SECONDS = 900
# The files that also run with the sanitized binary.
CORE = ("mail", "badinput", "separation", "restart", "relay")

# The longest start first, so that none of them runs alone at the end; the others have their order by name.
LONGEST = ("web", "pgp_web", "letter", "transfer", "pgp_sync", "offline", "hostile", "hang", "outgoing", "limits", "websign", "separation")
# These wait for the server's own times for nearly all of theirs, and work for a tenth. One of them runs beside the jobs.
WAITING = ("hang", "http", "limits", "outgoing", "separation", "webpush")

running = {}
lock = threading.Lock()


def run_file(path, args):
    name = path.stem.removeprefix("test_")
    work = pathlib.Path(args.work) / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    env = dict(os.environ, LETTERLOCK_TEST_BINARY=args.binary, LETTERLOCK_TEST_ATTACK=args.attack,
               LETTERLOCK_TEST_WORK=str(work), PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8", TZ="UTC")
    with open(work / "output.log", "wb") as log:
        proc = subprocess.Popen([sys.executable, str(path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                start_new_session=True)
        with lock:
            running[proc.pid] = proc
        broke = None
        try:
            proc.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            broke = f"still running after {LIMIT_SECONDS} s"
        end_group(proc)
        remove_namespaces(proc.pid)
        with lock:
            del running[proc.pid]
    results = []
    if (work / "results.jsonl").exists():
        results = [json.loads(line) for line in (work / "results.jsonl").read_text().splitlines()]
    if not broke and not any(r["result"] == "end" for r in results):
        broke = f"broke off with status {proc.returncode}"
    results = [r for r in results if r["result"] != "end"]
    if broke or not results:
        tail = (work / "output.log").read_text(errors="replace").splitlines()[-60:]
        results.append({"test": "the whole file", "result": "fail", "text": "\n".join([broke or "no tests"] + tail)})
    return name, results


def end_group(proc):
    """Ends the file's process, then what is left of its group. Servers stop in good order on the first signal."""
    for sig, wait in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        try:
            os.killpg(proc.pid, sig)
        except ProcessLookupError:
            return
        if proc.poll() is not None and sig == signal.SIGTERM:
            wait = 2
        try:
            proc.wait(wait)
        except subprocess.TimeoutExpired:
            pass


def remove_namespaces(pid):
    """Those that a file did not live to remove; harness.Network puts its process id into their names."""
    for path in pathlib.Path("/run/netns").glob(f"ll{pid}-*"):
        subprocess.run(["ip", "netns", "del", path.name], check=False)
        shutil.rmtree(f"/etc/netns/{path.name}", ignore_errors=True)


def on_signal(signum, frame):
    with lock:
        left = list(running.values())
    for proc in left:
        end_group(proc)
        remove_namespaces(proc.pid)
    os._exit(2)


def show(name, results, counts):
    for r in results:
        seconds = f" ({r['seconds']:.1f} s)" if "seconds" in r else ""
        label = {"ok": "ok    ", "fail": "FAIL  ", "skip": "SKIPPED  "}[r["result"]]
        print(f"{label}{name}: {r['test']}{seconds}" + (f": {r['text']}" if r["result"] == "skip" else ""))
        if r["result"] == "fail":
            for line in r["text"].splitlines():
                print(f"   | {line}")
        counts[r["result"]] += 1
    sys.stdout.flush()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--binary", required=True)
    p.add_argument("--attack", default="", help="the binary with tests/system/attack.c in it")
    p.add_argument("--work", required=True, help="a folder for installations, logs and results")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--core", action="store_true", help="only " + " ".join(CORE))
    p.add_argument("--counts", help="a file that gets the numbers passed, failed and skipped")
    p.add_argument("names", nargs="*", help="test files, without test_ and .py")
    args = p.parse_args()
    args.binary, args.attack, args.work = (os.path.abspath(x) if x else x for x in (args.binary, args.attack, args.work))
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    names = args.names or (CORE if args.core else None)
    files = sorted(HERE.glob("test_*.py"))
    if names:
        files = [f for f in files if f.stem.removeprefix("test_") in names]
    rank = {name: i for i, name in enumerate(LONGEST)}
    files.sort(key=lambda f: rank.get(f.stem.removeprefix("test_"), len(rank)))
    counts = {"ok": 0, "fail": 0, "skip": 0}
    waiting = [f for f in files if f.stem.removeprefix("test_") in WAITING]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool, concurrent.futures.ThreadPoolExecutor(1) as one:
        for done in concurrent.futures.as_completed([(one if f in waiting else pool).submit(run_file, f, args) for f in files]):
            show(*done.result(), counts)
    if args.counts:
        pathlib.Path(args.counts).write_text(f"{counts['ok']} {counts['fail']} {counts['skip']}\n")
    return 1 if counts["fail"] or not files else 0


if __name__ == "__main__":
    sys.exit(main())
