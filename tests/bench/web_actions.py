"""How soon the web client answers: every action of somebody who reads and writes mail, from the key or click to the frame in which
its effect is drawn, and what the page's main thread did for it. By hand, in the environment of the system tests:

    LETTERLOCK_TEST_BINARY=build/letterlock LETTERLOCK_TEST_WORK=/somewhere/empty python3 tests/bench/web_actions.py

    --pack FILE     another web.pack than the binary's; given twice, the two are measured in turns
    --letters N     letters in the inbox beside those of the demonstration; 100000 is a large one
    --rounds N      how often everything is done
    --only GROUP    moving, reading, filing, searching, composing, settings, scrolling or phone; may be given again
    --profile DIR   keeps what the profiler saw of each action

A table at the end: the shortest, the median and the longest time, in milliseconds. "whole" is when all of it is there, for actions
whose first sign is another one, like an opened letter's heading. "cpu" is the median processor time of the main thread, which is
steadier on a busy machine."""
import argparse
import email.message
import email.policy
import itertools
import json
import pathlib
import random
import statistics
import subprocess
import sys
import time

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--pack", action="append", default=[])
args.add_argument("--letters", type=int, default=0)
args.add_argument("--rounds", type=int, default=2)
args.add_argument("--only", action="append", default=[])
args.add_argument("--profile")
ARGS = args.parse_args()
sys.argv[1:] = []
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "system")]
from harness import Installation, command, wait_until  # noqa: E402
from prose import FIRST, letters  # noqa: E402
from test_web import DOMAIN, MAKE_MAIL, WEB, add_person, ready  # noqa: E402

ALICE = f"alice@{DOMAIN}"
SHOP = "Bench shop <news@shop.example>"
POLICY = email.policy.SMTP.clone(max_line_length=78)


def message(sender, subject, text, number, refs=()):
    m = email.message.EmailMessage(POLICY)
    m["From"], m["To"], m["Subject"] = sender, ALICE, subject
    m["Message-ID"] = f"<actions-{number}@bench.example>"
    if refs:
        m["In-Reply-To"], m["References"] = refs[-1], " ".join(refs[-8:])
    m.set_content(text)
    return m


def long_conversation(count=24):
    refs = []
    for i in range(count):
        text = "\n\n".join(f"Paragraph {p} of answer {i}: the keel is laid, and somebody must say who brings the tar." for p in range(6))
        m = message(f"Writer {i % 5} <writer{i % 5}@bench.example>", ("Re: " if i else "") + "Bench: a long conversation", text, f"long-{i}", refs)
        refs.append(m["Message-ID"])
        yield m


def newsletter(i):
    """Some 90 kB, as shops send them: tables in tables, styles in each cell, pictures elsewhere."""
    cell = ('<td style="padding:12px;font-family:Arial,sans-serif;font-size:14px;color:#333"><a href="https://click.shop.example/r?n={0}">'
            '<img src="https://cdn.shop.example/{0}.jpg" width="180" height="120" alt="Article {0}"></a><table><tr><td style="color:#900">'
            '<b>Article {0}</b></td></tr><tr><td style="line-height:1.4">Made of oak, ash and patience; now a little cheaper.</td></tr></table></td>')
    rows = "".join(f"<tr>{''.join(cell.format(r * 3 + c) for c in range(3))}</tr>" for r in range(80))
    m = message(SHOP, f"Bench: newsletter {i}", f"Newsletter {i}, in words.\n", f"news-{i}")
    m.add_alternative(f"<html><head><style>td {{ vertical-align: top }} .x{i} {{ color: red }}</style></head><body bgcolor='#ffffff'>"
                      f"<h1>Newsletter {i}</h1><table width='640'>{rows}</table></body></html>", subtype="html")
    return m


def with_files(i):
    m = message("Bench office <office@bench.example>", f"Bench: files {i}", "The plans.\n", f"files-{i}")
    for n in range(6):
        m.add_attachment(bytes([n]) * 40_000, maintype="application", subtype="pdf", filename=f"plan {n}.pdf")
    return m


def plain(i):
    text = "\n\n".join(f"Paragraph {p}. " + "What was said at the harbour, and what was not. " * 5 for p in range(5))
    return message(f"Bench writer {i} <plain{i}@bench.example>", f"Bench: plain {i}", text, f"plain-{i}")


def mail_of_bench():
    """Newer than everything else: it stands at the top of the inbox."""
    all_of_it = [*long_conversation(), *map(newsletter, range(6)), *map(with_files, range(3)), *map(plain, range(24))]
    return [(int(time.time()) - 60 * (len(all_of_it) - i), m.as_bytes(policy=POLICY)) for i, m in enumerate(all_of_it)]


def dated():
    return zip(itertools.count(FIRST, 60), letters(random.Random(0), 0, ARGS.letters))


def has(world, word):
    with world.imap(ALICE) as m:
        m.do("select", "INBOX", True)
        return m.do("search", None, "TEXT", word)[0]


def populate(world):
    people = {name: add_person(world, name) for name in ("alice", "bob")}
    (world.dir / "accounts").write_text("".join(f"{p['address']} {p['app']} {p['password']}\n" for p in people.values()))
    with world.imap(ALICE) as m:
        m.fill(dated())
    command(sys.executable, "-B", MAKE_MAIL, world.dir, "localhost", world.ports["imaps"], world.ports["submissions"])
    wait_until(lambda: has(world, "Soup"), "bob's letter")
    subprocess.run(["node", "demo/run.mjs", world.dir, str(world.ports["https"])], cwd=WEB, check=True)
    with world.imap(ALICE) as m:
        m.fill(mail_of_bench())
    return people["alice"]


def measure(world, person, profile):
    config = {"url": f"https://localhost:{world.ports['https']}", "user": person["address"], "password": person["password"],
              "only": ARGS.only, "large": ARGS.letters >= 10_000, "profile": profile}
    done = subprocess.run(["node", "browser/bench_actions.mjs"], cwd=WEB, input=json.dumps(config).encode(), stdout=subprocess.PIPE, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def with_pack(world, pack):
    if pack:
        world.stop()
        world.configure({("server", "web"): str(pathlib.Path(pack).resolve())})
        world.start()


def show(name, samples):
    by = {}
    for s in samples:
        by.setdefault(s["action"], []).append(s)
    print(f"\n{name}\n{'action':44} {'n':>3} {'min':>5} {'median':>6} {'max':>5} {'whole':>6} {'max':>5} {'cpu':>5} {'task':>5}")
    for action, runs in by.items():
        ms = sorted(r["ms"] for r in runs)
        whole = sorted(r["whole"] for r in runs if r["whole"] is not None)
        print(f"{action:44} {len(runs):3} {ms[0]:5.0f} {statistics.median(ms):6.0f} {ms[-1]:5.0f} "
              f"{statistics.median(whole) if whole else 0:6.0f} {whole[-1] if whole else 0:5.0f} "
              f"{statistics.median(r['cpu'] for r in runs):5.0f} {max(r['task'] for r in runs):5.0f}{'  !' if ms[-1] > 100 else ''}")


def main():
    ready()
    packs = ARGS.pack or [None]
    world = Installation(domains=(DOMAIN,), settings={("server", "web_host"): "localhost"}).start().populate()
    samples, failed = {pack: [] for pack in packs}, 0
    try:
        person = populate(world)
        for _, pack in itertools.product(range(ARGS.rounds), packs):
            with_pack(world, pack)
            more, status = measure(world, person, ARGS.profile)
            samples[pack] += more
            failed |= status
        for pack in packs:
            show(pack or "the binary's own web.pack", samples[pack])
    finally:
        world.stop()
    return failed


sys.exit(main())
