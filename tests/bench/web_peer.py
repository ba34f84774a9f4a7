"""The web client beside Roundcube on Dovecot, with the same mail: page to inbox, opening a message, searching. By hand, in the
environment of the system tests:

    LETTERLOCK_TEST_BINARY=build/letterlock LETTERLOCK_TEST_WORK=/somewhere/empty python3 tests/bench/web_peer.py PEER [LETTERS]

PEER is a file of JSON: {"url": where Roundcube is, "imap": port of Dovecot without TLS on 127.0.0.1, "user", "password"}; its
mailbox is filled if it is empty. Roundcube must search whole messages: $config['search_mods'] = ['*' => ['text' => 1]]. 100,000
letters without an argument. One line of JSON for each thing measured; ratios are for docs/performance.md."""
import imaplib
import itertools
import json
import pathlib
import random
import subprocess
import sys

PEER = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
sys.argv[1:] = []
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "system")]
from harness import Imap, Installation  # noqa: E402
from prose import FIRST, RARE, USUAL, USUAL_PHRASE, letters  # noqa: E402
from test_web import DOMAIN, WEB, add_person  # noqa: E402


def newest(text):
    """The number of the newest letter that has it."""
    return next(n for n, letter in zip(itertools.count(COUNT - 1, -1), reversed(list(mailbox()))) if text.encode() in b" ".join(letter.split()))


def mailbox():
    return letters(random.Random(0), 0, COUNT)


def dated():
    return zip(itertools.count(FIRST, 60), mailbox())


def fill_peer():
    with imaplib.IMAP4("127.0.0.1", PEER["imap"]) as m:
        m.login(PEER["user"], PEER["password"])
        if int(m.select()[1][0]) != COUNT:
            Imap.fill(m, dated())


def main():
    fill_peer()
    world = Installation(domains=(DOMAIN,)).start().populate()
    try:
        person = add_person(world, "alice")
        with world.imap(f"alice@{DOMAIN}") as m:
            m.fill(dated())
        searches = [{"name": what, "word": text, "newest": f"{newest(text):06}"}
                    for what, text in (("a seldom word", RARE), ("a usual word", USUAL), ("a phrase", USUAL_PHRASE))]
        config = {"clients": {"letterlock": f"https://localhost:{world.ports['https']}/", "roundcube": PEER["url"]}, "user": f"alice@{DOMAIN}",
                  "password": person["password"], "peerUser": PEER["user"], "peerPassword": PEER["password"], "searches": searches}
        subprocess.run(["node", "browser/bench_peer.mjs"], cwd=WEB, input=json.dumps(config).encode(), check=True)
    finally:
        world.stop()


main()
