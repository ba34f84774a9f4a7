"""kill -9 of every process, one after the other and then at random, while mail comes in, is read and is written by IMAP and JMAP:
each message that was answered with 250, OK or "created" is there, once or at most twice, one that is held until later as well, and
clients only have to connect again."""
import collections
import http.client
import os
import random
import re
import signal
import smtplib
import socket
import threading
import time

from harness import Failure, Installation, check, letter, main, stop_and_inspect, token, wait_until
from jmap_client import Jmap

PEOPLE = [f"person{i}@letterlock.test" for i in range(4)]
FOREIGN = "someone@example.net"
ROLES = ("store", "tlskey", "lookup", "session", "session-of-account", "auth", "relay", "delivery", "frontend", "parent")
ROUNDS = 12  # more kills, at random, after one of each


def setup():
    world = Installation().start().populate(*PEOPLE)
    world.killed = True
    return world


class Load:
    """Senders and readers that go on through every failure, and note what was promised to them."""

    def __init__(self, world):
        self.world, self.stop = world, threading.Event()
        self.promised = collections.defaultdict(list)  # address -> tokens answered with 250
        self.appended = collections.defaultdict(list)
        self.sent, self.read, self.submitted, self.broken = 0, 0, 0, 0
        self.threads = [threading.Thread(target=self.send, args=(p,)) for p in PEOPLE]
        self.threads += [threading.Thread(target=self.fetch, args=(p,)) for p in PEOPLE[:2]]
        self.threads += [threading.Thread(target=self.write, args=(p,)) for p in PEOPLE[1:3]]
        for t in self.threads:
            t.start()

    def send(self, address):
        while not self.stop.is_set():
            try:
                with self.world.smtp() as s:
                    while not self.stop.is_set():
                        word = token()
                        body = "x" * random.choice((100, 5000, 200_000)) + "\r\n"
                        s.sendmail(FOREIGN, [address], letter(FOREIGN, address, word, body))
                        self.promised[address].append(word)
                        self.sent += 1
            except (OSError, smtplib.SMTPException, EOFError):
                self.broken += 1
                self.stop.wait(0.05)

    def fetch(self, address):
        while not self.stop.is_set():
            try:
                m = self.world.imap(address)
                while not self.stop.is_set():
                    word = token()
                    if m.append("Drafts", None, None, letter(address, address, word))[0] == "OK":
                        self.appended[address].append(word)
                    m.select("INBOX")
                    m.fetch("1:*", "(UID FLAGS)")
                    m.store("1", "+FLAGS", r"(\Seen)")
                    self.read += 1
            except Exception:  # imaplib raises its own errors for a connection that ends
                self.broken += 1
                self.stop.wait(0.05)

    def write(self, address):
        """Drafts by JMAP, which then go to somebody else, at once or in a second."""
        to = PEOPLE[PEOPLE.index(address) - 1]
        while not self.stop.is_set():
            try:
                c = Jmap(self.world, address, once=True)
                drafts = next(m["id"] for m in c.call("Mailbox/get")["list"] if m["role"] == "drafts")
                identity = c.call("Identity/get")["list"][0]["id"]
                while not self.stop.is_set():
                    word = token()
                    draft = {"blobId": c.upload(letter(address, to, word)), "mailboxIds": {drafts: True}, "keywords": {"$draft": True}}
                    email = c.call("Email/import", emails={"e": draft})["created"]["e"]["id"]
                    self.appended[address].append(word)
                    hold = random.choice((None, {"HOLDFOR": "1"}))
                    envelope = {"mailFrom": {"email": address, "parameters": hold}, "rcptTo": [{"email": to}]}
                    c.call("EmailSubmission/set", create={"s": {"emailId": email, "identityId": identity, "envelope": envelope}})["created"]["s"]
                    self.promised[to].append(word)
                    self.submitted += 1
            except (Failure, OSError, http.client.HTTPException, TypeError):  # TypeError: nothing was created
                self.broken += 1
                self.stop.wait(0.05)

    def done(self):
        self.stop.set()
        for t in self.threads:
            t.join()


def kill(world, role):
    """Kills one process of that role; waits until others serve again."""
    pids = wait_until(lambda: world.pids(role), f"a {role} is there")
    os.kill(random.choice(pids), signal.SIGKILL)
    if role == "parent":
        world.daemon.proc.wait()
        # Its children see the end of their channels and leave; the ports are free again then.
        wait_until(lambda: free(world), "the ports are free")
        world.start()


def free(world):
    for port in world.ports.values():
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((world.address, port))
    return True


def verify(world, load):
    for address in PEOPLE:
        wait_until(lambda: world.imap(address).logout()[0] == "BYE", f"{address} signs in")

        def complete():
            found = subjects(world, address, "INBOX")
            missing = [w for w in load.promised[address] if w not in found]
            if missing:
                raise Failure(f"{len(missing)} of {len(load.promised[address])} promised messages of {address} are missing")
            return found
        found = wait_until(complete, f"all mail of {address}")
        many = {w: n for w, n in found.items() if n > 2}
        check(not many, f"more than twice: {many}")
        found = subjects(world, address, "Drafts")
        missing = [w for w in load.appended[address] if w not in found]
        check(not missing, f"{len(missing)} of {len(load.appended[address])} appended messages are missing")
        with world.imap(address) as m:  # every body opens
            m.do("select", "INBOX", True)
            m.do("fetch", "1:*", "(BODY.PEEK[TEXT]<0.50> RFC822.SIZE)")


def subjects(world, address, mailbox):
    with world.imap(address) as m:
        if m.do("select", mailbox, True)[0] == b"0":
            return {}
        rows = m.do("fetch", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return collections.Counter(re.search(rb"tok[0-9a-f]{16}", r[1]).group().decode() for r in rows if isinstance(r, tuple))


def test_kill_each_process_under_load(world):
    load = Load(world)
    seed = random.randrange(2**32)
    random.seed(seed)
    print("seed", seed)
    try:
        for role in ROLES + tuple(random.choices(ROLES, k=ROUNDS)):
            sent, submitted = load.sent, load.submitted
            print("kill", role, flush=True)
            kill(world, role)
            wait_until(lambda: load.sent >= sent + 8 and load.submitted > submitted, f"mail is taken again after {role} was killed")
            time.sleep(random.random() * 0.3)
    finally:
        load.done()
    loads = f"{load.sent} sent, {load.read} read, {load.submitted} submitted, {load.broken} broken connections"
    print(loads, flush=True)
    check(min(load.read, load.submitted) > 20 and load.broken > 5, f"the load was no load: {loads}")
    verify(world, load)


def test_nothing_is_missing_after_a_clean_start(world):
    world.stop()
    world.start()
    for address in PEOPLE:
        check(subjects(world, address, "INBOX"), f"{address} has mail")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
