"""A large mailbox in the web client: brought by the wizard from an mbox file, with a break in the middle, then opened, read,
searched, and exported. Also a file of 5 GB, most of which is one message that is far too large. By hand, in the environment of
the system tests:

    LETTERLOCK_TEST_BINARY=build/letterlock LETTERLOCK_TEST_WORK=/somewhere/large python3 tests/bench/web_large.py [LETTERS [KIB]]

100,000 letters of 10 KiB without arguments. Prints one line of JSON for each thing that was measured, and ends with status 1 when
mail is missing or doubled."""
import base64
import http.client
import json
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import Installation, WORK, all_processes, check_equal, resident_kib  # noqa: E402
from test_web import DOMAIN, WEB, add_person, ready, spki  # noqa: E402

LETTERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
KIB = float(sys.argv[2]) if len(sys.argv) > 2 else 10
EPOCH = 1_500_000_000
SYLLABLES = "ka lo mi tu ren sa vel dor pin gra the on ist qua zem".split()
BODIES = 500
RARE_EVERY = 20_000
STEPS = ("bring", "toInbox", "openLetters", "typed", "take", "hollow")


def say(**what):
    print(json.dumps(what), flush=True)


def vocabulary(rng, size=4000):
    return sorted({"".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(size)})


def bodies(rng, words):
    """Some words in most letters, many in few, as people write."""
    weights = [1 / (i + 1) for i in range(len(words))]
    out = []
    for _ in range(BODIES):
        text, size = [], 0
        while size < KIB * 1024 - 500:
            line = " ".join(rng.choices(words, weights, k=10))
            text.append(line)
            size += len(line) + 1
        out.append("\n".join(text))
    return out


def write_mbox(path):
    rng = random.Random(1)
    words = vocabulary(rng)
    rng.shuffle(words)
    texts = bodies(rng, words)
    with open(path, "w", encoding="ascii", newline="\n") as out:
        for i in range(LETTERS):
            when = EPOCH + i * 600
            date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(when))
            file = i % 10 == 0
            out.write(f"From w{i % 500}@large.example {time.asctime(time.gmtime(when))}\nStatus: RO\nMessage-ID: <large-{i}@large.example>\n"
                      f"From: Writer {i % 500} <w{i % 500}@large.example>\nTo: alice@{DOMAIN}\nSubject: Letter {i:06d} {words[i % 97]}\nDate: {date}\nMIME-Version: 1.0\n")
            if file:
                out.write("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n")
            else:
                out.write("Content-Type: text/plain\n\n")
            out.write(f"unique{i:06d} {'seldom' if i % RARE_EVERY == 7 else ''}\n{texts[(i * 7) % BODIES]}\n")
            if file:
                out.write("--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=plan.pdf\n\nplan\n--b--\n")
            out.write("\n")
    return {"common": words[3], "second": words[60], "seldom": "seldom"}


def write_hollow(path, size=5 << 30):
    """A letter, a message of nothing but zeros, and a letter beyond 4 GiB. On the disk it is next to nothing."""
    letter = "From a@large.example Fri Jul 14 02:40:00 2017\nSubject: {}\nFrom: a@large.example\n\nHere.\n\n"
    with open(path, "wb") as out:
        out.write(letter.format("Before the hollow").encode() + b"From b@large.example Fri Jul 14 02:40:00 2017\nSubject: Hollow\nFrom: b@large.example\n\n")
        out.seek(size)
        out.write(b"\n\n" + letter.format("Behind the hollow").encode())


class Watch:
    """What the server's processes take, as they go."""

    def __init__(self, world):
        self.world, self.most, self.over = world, {}, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.wait(1):
            here = all_processes()
            for pid, (parent, _, line) in here.items():
                if self.world.daemon.pid in (pid, parent, here.get(parent, (0,))[0]):
                    role = line[-1] if len(line) > 1 else "?"
                    self.most[role] = max(self.most.get(role, 0), resident_kib(pid))

    def take(self):
        most, self.most = self.most, {}
        return {role: f"{kib / 1024:.0f} MiB" for role, kib in sorted(most.items()) if kib > 30_000}


class Jmap:
    """Requests as the page makes them, with what they cost the server: on a busy machine its processor time says more than a clock."""

    def __init__(self, world, person):
        self.world = world
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{person['address']}:{person['app']}".encode()).decode(), "Content-Type": "application/json"}
        self.http = http.client.HTTPSConnection(world.hostname, timeout=600)
        self.http.sock = world.connect_tls("https")
        self.http.sock.settimeout(600)
        self.account = next(iter(self.ask("GET", "/jmap/session")["accounts"]))

    def ask(self, method, path, body=None):
        self.http.request(method, path, body, self.headers)
        answer = self.http.getresponse()
        return json.loads(answer.read())

    def processor(self):
        """Milliseconds of all threads of the server."""
        total = 0
        here = all_processes()
        for pid in here:
            if self.world.daemon.pid in (pid, here[pid][0], here.get(here[pid][0], (0,))[0]):
                for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                    total += int(task.read_text().split()[0])
        return total / 1e6

    def search(self, condition):
        listed = ["id", "threadId", "mailboxIds", "subject", "from", "to", "receivedAt", "preview", "keywords", "hasAttachment"]
        calls = [["Email/query", {"accountId": self.account, "filter": condition, "sort": [{"property": "receivedAt", "isAscending": False}],
                                  "collapseThreads": True, "limit": 50, "calculateTotal": True}, "q"],
                 ["Email/get", {"accountId": self.account, "#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"}, "properties": listed}, "g"]]
        body = json.dumps({"using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"], "methodCalls": calls})
        cost, began = self.processor(), time.monotonic()
        answer = self.ask("POST", "/jmap/api", body)["methodResponses"][0][1]
        return answer["total"], round((time.monotonic() - began) * 1000), round(self.processor() - cost)


def searches(words):
    common, second, seldom = (words[w] for w in ("common", "second", "seldom"))

    def both(a, b):
        return {"operator": "AND", "conditions": [a, b]}
    return {
        "nothing but the newest": {"inMailboxOtherThan": []}, "a seldom word": {"text": seldom}, "a word of one letter": {"text": "unique000042"}, "a word that is nowhere": {"text": "xylophonist"},
        "a word of many letters": {"text": second}, "a word of most letters": {"text": common}, "two words, one seldom": both({"text": second}, {"text": seldom}),
        "two words of many": both({"text": common}, {"text": second}), "a phrase": {"text": f'"{common} {second}"'}, "a word in the body": {"body": seldom}, "from:": {"from": "w42@large.example"},
        "from: a name": {"from": "Writer 42"}, "subject:": {"subject": "000042"}, "has:attachment": {"hasAttachment": True}, "has:attachment and a word": both({"hasAttachment": True}, {"text": second}),
        "before:": {"before": "2017-08-01T00:00:00Z"},
    }


def search(world, person, words):
    jmap = Jmap(world, person)
    for what, condition in searches(words).items():
        runs = [jmap.search(condition) for _ in range(4)]
        say(search=what, found=runs[0][0], first_ms=runs[0][1], again_ms=min(r[1] for r in runs[1:]), first_cpu=runs[0][2], again_cpu=min(r[2] for r in runs[1:]))


def count_by_imap(world):
    with world.imap(f"alice@{DOMAIN}") as m:
        m.do("select", "Large", True)
        found = m.do("uid", "search", None, "ALL")[0].split()
        ids = set()
        for at in range(0, len(found), 5000):
            for part in m.do("uid", "fetch", f"{found[at].decode()}:{found[min(at + 4999, len(found) - 1)].decode()}", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"):
                if isinstance(part, tuple):
                    ids.add(part[1].strip())
        return len(found), len(ids)


def run(step, config, watch):
    """One step, in a browser of its own."""
    with open(WORK / "node.log", "ab") as log, subprocess.Popen(["node", "browser/bench_large.mjs"], cwd=WEB, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as node:
        node.stdin.write(json.dumps({**config, "step": step}).encode())
        node.stdin.close()
        for line in node.stdout:
            say(**json.loads(line), server=watch.take())
    if node.returncode:
        say(step=step, failed=(WORK / "node.log").read_text()[-1500:])
    return node.returncode == 0


def main():
    ready()
    folder = WORK / "files"
    folder.mkdir(parents=True, exist_ok=True)
    words = write_mbox(folder / "Large.mbox")
    write_hollow(folder / "Hollow.mbox")
    say(letters=LETTERS, bytes=(folder / "Large.mbox").stat().st_size)
    world = Installation(domains=(DOMAIN,)).start().populate()
    try:
        person = add_person(world, "alice")
        watch = Watch(world)
        config = {"host": world.hostname, "address": world.address, "port": world.ports["https"], "spki": spki(world.dir / "tls" / "certificate.pem"),
                  "people": {"alice": person}, "files": str(folder), "letters": LETTERS, "words": words}
        failed = []
        for step in STEPS:
            if not run(step, config, watch):
                failed.append(step)
            if step == "bring":
                search(world, person, words)
        check_equal(failed, [], "steps that failed")
        check_equal(count_by_imap(world), (LETTERS, LETTERS), "letters, and different ones among them")
        say(nothing="missing or doubled")
    finally:
        world.stop()


if __name__ == "__main__":
    main()
