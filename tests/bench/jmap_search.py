"""How long a search takes over JMAP, as the web client asks: the newest 50 conversations, then the count, while another
connection of the account asks for its mailboxes all the time. By hand, in the environment of the system tests:

    LETTERLOCK_TEST_BINARY=build/letterlock LETTERLOCK_TEST_WORK=/somewhere/empty python3 tests/bench/jmap_search.py [LETTERS...]

For each number of letters (20,000 and 100,000 without arguments) one line of JSON for each word: how many letters have it, and
milliseconds to the rows, from there to the count, of the same question again, and the longest that the other connection waited.
LETTERLOCK_BENCH_OTHER names a second binary, which is asked the same of the same mail."""
import base64
import bisect
import email.utils
import http.client
import itertools
import json
import os
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import BINARY, Installation, check, check_equal  # noqa: E402
from test_web import DOMAIN, add_person  # noqa: E402

SIZES = [int(n) for n in sys.argv[1:]] or [20_000, 100_000]
OTHER = os.environ.get("LETTERLOCK_BENCH_OTHER")
FIRST = 1_500_000_000
BATCH = 500
WORDS_PER_LETTER = 300
SYLLABLES = "ba ber con da en fi gel ha in ker lo ment na or per qui re sta ti un ver wo ya zen".split()
RARE, USUAL, PHRASE = "xylophone", "invoice", "invoice harbour"


def vocabulary(rng):
    """A language in which a word's frequency falls with its rank; the words we look for are in it."""
    words = ["".join(rng.choices(SYLLABLES, k=1 if i < 60 else rng.randint(2, 4))) for i in range(20_000)]
    words[30], words[31] = USUAL, "harbour"
    return words, list(itertools.accumulate(1 / (i + 5) for i in range(len(words))))


def letters(rng, start, end):
    words, weights = vocabulary(random.Random(1))
    for n in range(start, end):
        text = [words[bisect.bisect(weights, rng.random() * weights[-1])] for _ in range(WORDS_PER_LETTER)]
        if n % 5000 == 77:
            text.append(RARE)
        lines = "\r\n".join(" ".join(text[i:i + 10]) for i in range(0, len(text), 10))
        yield (f"From: Writer {n % 100} <writer{n % 100}@large.example>\r\nTo: alice@{DOMAIN}\r\nSubject: {text[0]} {text[1]} {n}\r\n"
               f"Date: {email.utils.formatdate(FIRST + 60 * n)}\r\nMessage-ID: <{n}@large.example>\r\n\r\n{lines}\r\n").encode()


def fill(world, start, end):
    with world.imap(f"alice@{DOMAIN}") as m:
        sock, lines = m.sock, m.sock.makefile("rb")
        all_of_them = letters(random.Random(start), start, end)
        for first in range(start, end, BATCH):
            parts = []
            for n, text in zip(range(first, min(first + BATCH, end)), all_of_them):
                date = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(FIRST + 60 * n))
                parts.append(b' "%s" {%d+}\r\n%s' % (date.encode(), len(text), text))
            sock.sendall(b"x APPEND INBOX" + b"".join(parts) + b"\r\n")
            while not (line := lines.readline()).startswith(b"x "):
                check(line, "the connection ended")
            check(line.startswith(b"x OK"), line)


class Client:
    def __init__(self, world, person):
        self.http = http.client.HTTPSConnection("localhost", world.ports["https"], context=world.tls())
        pair = f"{person['address']}:{person['app']}".encode()
        self.headers = {"Authorization": "Basic " + base64.b64encode(pair).decode(), "Content-Type": "application/json"}
        self.http.request("GET", "/jmap/session", headers=self.headers)
        session = json.loads(self.http.getresponse().read())
        self.account = session["primaryAccounts"]["urn:ietf:params:jmap:mail"]

    def call(self, *calls):
        """The answers, and the milliseconds."""
        body = json.dumps({"using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"], "methodCalls": [
            [name, {"accountId": self.account} | args, str(i)] for i, (name, args) in enumerate(calls)]})
        start = time.monotonic()
        self.http.request("POST", "/jmap/api", body, self.headers)
        answer = json.loads(self.http.getresponse().read())
        took = (time.monotonic() - start) * 1000
        return [r[1] for r in answer["methodResponses"]], took


class Neighbour(threading.Thread):
    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.longest, self.stopped = client, 0.0, False
        self.start()

    def run(self):
        while not self.stopped:
            _, took = self.client.call(("Mailbox/get", {"ids": None}))
            self.longest = max(self.longest, took)

    def stop(self):
        self.stopped = True
        self.join()
        return self.longest


def measure(world, person, what):
    client, other = Client(world, person), Client(world, person)
    client.call(("Email/query", {"limit": 1, "calculateTotal": True}))
    for text in ("nowhereatall", RARE, USUAL, f'"{PHRASE}"', "the same again"):
        again = text == "the same again"
        query = {"filter": {"text": USUAL if again else text}, "collapseThreads": True,
                 "sort": [{"property": "receivedAt", "isAscending": False}]}
        neighbour = Neighbour(other)
        (q, got), rows = client.call(("Email/query", query | {"limit": 50}), ("Email/get", {
            "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}, "properties": ["from", "subject", "preview", "keywords"]}))
        (total,), count = client.call(("Email/query", query | {"limit": 0, "calculateTotal": True}))
        check_equal(len(got["list"]), len(q["ids"]), "letters of the rows")
        print(json.dumps(what | {"word": text, "found": total["total"], "rows": round(rows, 1), "count": round(count, 1),
                                 "neighbour": round(neighbour.stop(), 1)}), flush=True)


def main():
    world = Installation(domains=(DOMAIN,)).start().populate()
    person = add_person(world, "alice")
    have = 0
    for size in SIZES:
        fill(world, have, size)
        have = size
        for binary in (b for b in (BINARY, OTHER) if b):
            world.stop()
            world.binary = binary
            world.start()
            measure(world, person, {"letters": size, "binary": binary})
    world.stop()


main()
