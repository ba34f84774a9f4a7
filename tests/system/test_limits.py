"""Limits: what is too much is refused or cut into parts, and nobody else notices."""
import contextlib
import json
import re
import smtplib
import socket
import struct
import threading
import time

from harness import WORK, Installation, Network, check, check_equal, inside, letter, main, stop_and_inspect, token, wait_until

ALICE, BOB = "alice@letterlock.test", "bob@letterlock.test"
MEMORY = 48  # MiB
LARGE = 20 << 20


def setup():
    return Installation(settings={("limits", "session_memory"): MEMORY}).start().populate(ALICE, BOB)


@contextlib.contextmanager
def black_hole():
    """A name server that never answers: its address as [dns] forward wants it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket() as t:
        s.bind(("127.0.0.1", 0))
        t.bind(s.getsockname())
        t.listen()
        yield "127.0.0.1@%d" % s.getsockname()[1]


def data_kib(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmData:\s+(\d+)", f.read()).group(1))
    return 0


def append_large(world, outcomes):
    """One client that sends a large letter: what it was told."""
    text = letter(ALICE, ALICE, "Large", "x" * 70 + "\r\n")
    text += (b"y" * 998 + b"\r\n") * (LARGE // 1000)
    try:
        m = world.imap(ALICE)
        outcomes.append(m.append("INBOX", None, None, text)[0])
    except (m.abort, OSError) as e:
        outcomes.append(f"ended: {e}")
    with contextlib.suppress(Exception):
        m.logout()


def test_session_reaches_its_limit(world):
    neighbour = world.imap(BOB)
    neighbour.do("select", "INBOX")
    before = set(world.pids("session-of-account"))
    own = world.imap(ALICE)
    session = (set(world.pids("session-of-account")) - before).pop()
    outcomes, most, over = [], 0, threading.Event()

    def watch():
        nonlocal most
        while not over.is_set():
            most = max(most, data_kib(session))
            over.wait(0.01)
    threads = [threading.Thread(target=append_large, args=(world, outcomes)) for _ in range(6)]
    watcher = threading.Thread(target=watch)
    for t in threads + [watcher]:
        t.start()
    for t in threads:
        while t.is_alive():
            neighbour.do("noop")  # the neighbour is served all the while
            t.join(0.05)
    over.set()
    watcher.join()
    print("outcomes", outcomes, "most", most, "KiB")
    check(most <= MEMORY * 1024, f"the session had {most} KiB")
    check(most > MEMORY * 512, f"the session never came near its limit: {most} KiB")
    check(any(o != "OK" for o in outcomes), f"nothing was refused: {outcomes}")
    for o in outcomes:
        check(o in ("OK", "NO") or "BYE" in o or "Temporary" in o or "connect again" in o, f"a client was told {o!r}")
    # The account is as good as before: what was there is there, and small things work at once.
    word = token()
    world.deliver("someone@example.net", [ALICE], letter("someone@example.net", ALICE, word))
    world.wait_message(ALICE, word)
    with world.imap(ALICE) as m:
        count = int(m.do("select", "INBOX")[0])
        check(count == 1 + outcomes.count("OK"), f"{count} letters after {outcomes}")
    with contextlib.suppress(OSError, own.abort):
        own.logout()
    neighbour.do("noop")
    neighbour.logout()


def test_long_queue_is_listed_whole(_):
    with black_hole() as dns:
        world = Installation("queue", settings={("dns", "forward"): dns}).start().populate(ALICE)
        expected = {}
        for begin in range(0, 1500, 500):
            with world.submission(ALICE) as s:
                for i in range(begin, begin + 500):
                    to = [f"one{i}@somewhere.example"] if i % 20 else [f"many{i}-{k}@somewhere.example" for k in range(100)]
                    s.sendmail(ALICE, to, letter(ALICE, to[0], f"Number {i}"))
                    expected.update(dict.fromkeys(to, i))

        def listed():  # relay reads what is new in parts
            text = world.ctl("--json", "queue", "list")
            return text if len(json.loads(text)) >= 1500 else None
        text = wait_until(listed, "the list has every entry", 30)
        entries = json.loads(text)
        check(len(text) > 1 << 20, "this queue fits into one answer or a few")
        ids = [e["id"] for e in entries]
        check(len(ids) == len(set(ids)) == 1500, f"{len(ids)} entries, {len(set(ids))} different ones")
        found = sorted(r["address"] for e in entries for r in e["recipients"])
        check(found == sorted(expected), f"{len(found)} of {len(expected)} recipients")
        arrived = [int(e["arrived"]) for e in entries]
        check(arrived == sorted(arrived), "they are not in the order of their arrival")
        lines = world.ctl("queue", "list").splitlines()
        check(sum(line.startswith("  to ") for line in lines) == len(expected), "the list for people is not whole")
        stop_and_inspect(world)


class HalfDns:
    """A name server that knows a few TXT records. silent: it answers nothing at all."""

    def __init__(self, netns, records, silent=False):
        self.records, self.silent = records, silent
        with inside(netns):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1@%d" % self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.sock.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
                at += 1 + query[at]
            if self.silent:
                continue
            text = self.records.get(".".join(labels))
            question = query[12:at + 5]
            if text is None or question[-4:-2] != b"\0\x10":
                reply = query[:2] + b"\x84\x03\0\1\0\0\0\0\0\0" + question
            else:
                rdata = bytes([len(text)]) + text.encode()
                reply = query[:2] + b"\x84\0\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\x10\0\1" + \
                    struct.pack(">IH", 300, len(rdata)) + rdata
            self.sock.sendto(reply, peer)


def from_outside(world, sender, subject):
    """As a client that is not on loopback: what the server said, and after how long."""
    began = time.monotonic()
    try:
        with world.smtp() as s:
            s.sendmail(sender, [ALICE], letter(sender, ALICE, subject))
        return 250, time.monotonic() - began
    except smtplib.SMTPDataError as e:
        return e.smtp_code, time.monotonic() - began


def test_dead_dns(_):
    """A message whose sender's DNS does not answer is not held up for long; what could not be found out is said. Where the author's
    policy is known, nobody gets past it by silencing the rest."""
    net = Network("mail")
    try:
        netns = net.namespace("mail")
        dns = HalfDns(netns, {"strict.example": "v=spf1 include:one.silent -all", "_dmarc.strict.example": "v=DMARC1; p=reject"})
        silent = [HalfDns(netns, {}, silent=True) for _ in range(6)]  # lookup tries one after the other
        (WORK / "anchor").write_text(f"elsewhere.example. IN DS 12345 13 2 {'00' * 32}\n")  # nothing that is asked is signed
        world = Installation("outside", netns=netns, address=net.address("mail"), settings={
            ("dns", "forward"): dns.address, ("dns", "stub"): ", ".join(f"silent {s.address}" for s in silent),
            ("dns", "trust_anchor"): WORK / "anchor"}).start().populate(ALICE)
        for domain, expected in (("strict.example", 451), ("two.silent", 250)):
            word = token()
            code, waited = from_outside(world, f"someone@{domain}", word)
            print(domain, code, f"{waited:.1f} s", flush=True)
            check_equal(code, expected, f"a message from {domain}")
            check(waited < 45, f"it took {waited:.1f} s")
            if expected == 250:
                text = world.wait_message(ALICE, word).decode()
                check("spf=temperror" in text, f"Authentication-Results: {text[:1200]}")
        stop_and_inspect(world)
    finally:
        net.close()


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
