"""How long a search takes, over JMAP as the web client asks (the newest 50 conversations, then the count) and over IMAP (UID
SEARCH TEXT), while another connection of the account asks for its mailboxes all the time. By hand, in the environment of the
system tests:

    LETTERLOCK_TEST_BINARY=build/letterlock LETTERLOCK_TEST_WORK=/somewhere/empty python3 tests/bench/search.py [LETTERS...]

For each number of letters (20,000 and 100,000 without arguments) one line of JSON for each question: how many letters have it,
milliseconds to the rows and from there to the count (over IMAP to the answer), the longest that the other connection waited, and
for each of them what session and store took: milliseconds of processor time (without the other connection), and letters opened.
LETTERLOCK_BENCH_OTHER names a second binary, which is asked the same of the same mail."""
import base64
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import sys
import threading
import time

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import BINARY, Installation, check_equal  # noqa: E402
from prose import FIRST, PHRASE, RARE, USUAL, USUAL_PHRASE, letters  # noqa: E402
from test_web import DOMAIN, add_person  # noqa: E402

SIZES = [int(n) for n in sys.argv[1:]] or [20_000, 100_000]
OTHER = os.environ.get("LETTERLOCK_BENCH_OTHER")


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


class Spent:
    """Processor time of session and store, and what the store was asked for, since it was made."""

    def __init__(self, world):
        self.world, self.before = world, self.now(world)

    @staticmethod
    def now(world):
        ticks = 0
        for pid in world.pids("session-of-account") + world.pids("store"):
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                fields = f.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        reads = re.search(r"blob_reads[= ]+(\d+)", world.ctl("status"))
        return ticks * 1000 // os.sysconf("SC_CLK_TCK"), int(reads[1])

    def __call__(self):
        cpu, reads = self.now(self.world)
        return {"cpu": cpu - self.before[0], "opened": reads - self.before[1]}


QUESTIONS = ("nowhereatall", RARE, USUAL, f'"{PHRASE}"', f'"{USUAL_PHRASE}"', "the same again")


def ask_jmap(world, client, text):
    query = {"filter": {"text": text}, "collapseThreads": True, "sort": [{"property": "receivedAt", "isAscending": False}]}
    spent = Spent(world)
    (q, got), rows = client.call(("Email/query", query | {"limit": 50}), ("Email/get", {
        "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}, "properties": ["from", "subject", "preview", "keywords"]}))
    check_equal(len(got["list"]), len(q["ids"]), "letters of the rows")
    first, spent = spent(), Spent(world)
    (total,), count = client.call(("Email/query", query | {"limit": 0, "calculateTotal": True}))
    return {"found": total["total"], "rows": round(rows, 1), "rows_spent": first, "count": round(count, 1), "count_spent": spent()}


def ask_imap(world, client, text):
    spent, start = Spent(world), time.monotonic()
    found = client.do("uid", "search", "TEXT", text if text.startswith('"') else f'"{text}"')[0].split()
    took = (time.monotonic() - start) * 1000
    return {"found": len(found), "answer": round(took, 1), "spent": spent()}


def connected(world, person, face):
    """A client of a session that knows nothing yet but which letters there are."""
    world.stop()
    world.start()
    if face == "JMAP":
        client = Client(world, person)
        client.call(("Email/query", {"limit": 1, "calculateTotal": True}))
    else:
        client = world.imap(f"alice@{DOMAIN}")
        client.do("select", "INBOX")
    return client


def measure(world, person, what):
    for face, ask in (("JMAP", ask_jmap), ("IMAP", ask_imap)):
        lines = {}
        client = connected(world, person, face)
        for text in QUESTIONS:
            lines[text] = ask(world, client, f'"{USUAL_PHRASE}"' if text == QUESTIONS[-1] else text)
        client = connected(world, person, face)
        for text in QUESTIONS:
            neighbour = Neighbour(Client(world, person))
            ask(world, client, f'"{USUAL_PHRASE}"' if text == QUESTIONS[-1] else text)
            print(json.dumps(what | {"face": face, "text": text} | lines[text] | {"neighbour": round(neighbour.stop(), 1)}), flush=True)


def main():
    world = Installation(domains=(DOMAIN,)).start().populate()
    person = add_person(world, "alice")
    have = 0
    for size in SIZES:
        with world.imap(f"alice@{DOMAIN}") as m:
            m.fill(zip(itertools.count(FIRST + 60 * have, 60), letters(random.Random(have), have, size)))
        have = size
        for binary in (b for b in (BINARY, OTHER) if b):
            world.stop()
            world.binary = binary
            world.start()
            measure(world, person, {"letters": size, "binary": binary})
    world.stop()


main()
