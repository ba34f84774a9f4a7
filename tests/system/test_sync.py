"""One account driven by IMAP and JMAP at once, at random. At the end its state is the same for IMAP, for JMAP, for a JMAP client
that has only ever applied /changes, and for both when they begin anew.

    test_sync.py [SECONDS [SEED]]      20 seconds without it; an hour is worth while now and then"""
import itertools
import random
import re
import sys
import threading
import time
import traceback

from harness import Installation, PATIENCE, WORK, check, check_equal, main, quote, stop_and_inspect
from jmap_client import Jmap

ADDRESS = "alice@letterlock.test"
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 20
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 31)
LEAST = 30  # operations that each side must have done before it is over, however slow the machine
MOST_LETTERS = 300
KEYWORDS = {"\\Seen": "$seen", "\\Flagged": "$flagged", "\\Answered": "$answered", "\\Draft": "$draft", "work": "work", "$forwarded": "$forwarded"}
FLAGS = {keyword: flag for flag, keyword in KEYWORDS.items()}


def make_letter(rng, who):
    n = rng.randrange(1 << 40)
    return (f"From: {who} <{who}@example.net>\r\nTo: {ADDRESS}\r\nSubject: {who} {n}\r\nMessage-ID: <{n}@example.net>\r\n"
            f"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n\r\n{who} {n}\r\n").encode()


# --- one side ---

def folders(m):
    """Those that exist; a name above one that exists may be just a name."""
    return [re.search(r'(?:^| )(?:"([^"]*)"|([^ "]+))$', line.decode()).expand(r"\1\2") 
            for line in m.do("list") if not re.search(r"\\(noselect|nonexistent)", line.decode().partition(")")[0].lower())]


class ImapSide:
    def __init__(self, world, rng):
        self.m, self.rng = world.imap(ADDRESS), rng

    def folders(self):
        return folders(self.m)

    def ok(self, name, *args):
        status, data = getattr(self.m, name)(*args)
        check(status in ("OK", "NO"), f"{name} {args}: {status} {data}")
        return status == "OK"

    def some(self):
        """Selects a folder and picks messages of it; None when it is empty or has just gone."""
        name = self.rng.choice(self.folders())
        if not self.ok("select", quote(name)):
            return None
        uids = self.m.do("uid", "search", "ALL")[0].split()
        return b",".join(self.rng.sample(uids, min(len(uids), self.rng.randint(1, 4)))).decode() if uids else None

    def step(self):
        kind = self.rng.choice(("append", "append", "append", "store", "store", "store", "copy", "move", "move", "expunge", "create", "rename", "remove"))
        return getattr(self, kind)()

    def append(self):
        flags = " ".join(self.rng.sample(sorted(KEYWORDS), self.rng.randint(0, 2)))
        return self.ok("append", quote(self.rng.choice(self.folders())), f"({flags})", None, make_letter(self.rng, "imap"))

    def store(self):
        uids = self.some()
        how = self.rng.choice(("+FLAGS", "-FLAGS", "FLAGS"))
        return uids and self.ok("uid", "STORE", uids, how, "(" + " ".join(self.rng.sample(sorted(KEYWORDS), self.rng.randint(1, 2))) + ")")

    def copy(self):
        uids = self.some()
        return uids and self.ok("uid", "COPY", uids, quote(self.rng.choice(self.folders())))

    def move(self):
        uids = self.some()
        return uids and self.ok("uid", "MOVE", uids, quote(self.rng.choice(self.folders())))

    def expunge(self):
        uids = self.some()
        return uids and self.ok("uid", "STORE", uids, "+FLAGS.SILENT", "(\\Deleted)") and self.ok("uid", "EXPUNGE", uids)

    def create(self):
        parent = self.rng.choice(["", ""] + [f + "/" for f in self.folders() if f.count("/") < 2 and f != "INBOX"])
        return len(self.folders()) < 16 and self.ok("create", quote(f"{parent}i{self.rng.randrange(1000)}"))

    def mine(self):
        return [f for f in self.folders() if re.search(r"(^|/)[ij]\d+$", f)]

    def rename(self):
        mine = self.mine()
        return mine and self.ok("rename", quote(self.rng.choice(mine)), quote(f"i{self.rng.randrange(1000)}"))

    def remove(self):
        mine = self.mine()
        if not mine or self.rng.random() < 0.5:
            return False
        self.ok("select", "INBOX")  # not the one that goes
        return self.ok("delete", quote(self.rng.choice(mine)))


class JmapSide:
    def __init__(self, world, rng):
        self.c, self.rng = Jmap(world, ADDRESS), rng

    def boxes(self):
        return {m["id"]: m for m in self.c.call("Mailbox/get", ids=None, properties=["name", "parentId", "role"])["list"]}

    def emails(self):
        ids = self.c.call("Email/query", limit=MOST_LETTERS, sort=[{"property": "receivedAt", "isAscending": self.rng.random() < 0.5}])["ids"]
        return self.rng.sample(ids, min(len(ids), self.rng.randint(1, 4)))

    def step(self):
        kind = self.rng.choice(("add", "add", "add", "keywords", "keywords", "keywords", "boxed", "boxed", "replace", "destroy", "create", "rename", "remove"))
        return getattr(self, kind)()

    def add(self):
        blob = self.c.upload(make_letter(self.rng, "jmap"))
        where = self.rng.sample(sorted(self.boxes()), self.rng.randint(1, 2))
        marks = self.rng.sample(sorted(FLAGS), self.rng.randint(0, 2))
        return self.c.set("Email/import", emails={"e": {"blobId": blob, "mailboxIds": {w: True for w in where}, "keywords": {k: True for k in marks}}})

    def keywords(self):
        changes = {f"keywords/{k}": self.rng.choice((True, None)) for k in self.rng.sample(sorted(FLAGS), self.rng.randint(1, 3))}
        return self.c.set("Email/set", update={e: changes for e in self.emails()})

    def boxed(self):
        changes = {f"mailboxIds/{b}": self.rng.choice((True, None)) for b in self.rng.sample(sorted(self.boxes()), 2)}
        return self.c.set("Email/set", update={e: changes for e in self.emails()})

    def replace(self):
        where = self.rng.choice(sorted(self.boxes()))
        marks = self.rng.sample(sorted(FLAGS), 2)
        return self.c.set("Email/set", update={e: {"mailboxIds": {where: True}, "keywords": {k: True for k in marks}} for e in self.emails()})

    def destroy(self):
        return self.c.set("Email/set", destroy=self.emails())

    def create(self):
        boxes = self.boxes()
        parent = self.rng.choice([None, None] + [i for i, b in boxes.items() if not b["role"] and not b["parentId"]])
        return len(boxes) < 16 and self.c.set("Mailbox/set", create={"m": {"name": f"j{self.rng.randrange(1000)}", "parentId": parent}})

    def mine(self):
        return [i for i, b in self.boxes().items() if re.fullmatch(r"[ij]\d+", b["name"])]

    def rename(self):
        mine = self.mine()
        return mine and self.c.set("Mailbox/set", update={self.rng.choice(mine): {"name": f"j{self.rng.randrange(1000)}"}})

    def remove(self):
        mine = self.mine()
        return mine and self.rng.random() < 0.5 and self.c.set("Mailbox/set", destroy=[self.rng.choice(mine)], onDestroyRemoveEmails=True)


# --- the same state, four ways ---

def paths(boxes):
    def path(i):
        b = boxes[i]
        return (path(b["parentId"]) + "/" if b["parentId"] else "") + b["name"]
    return {i: path(i) for i in boxes}


def shape(email):
    return frozenset(email["mailboxIds"]), frozenset(email["keywords"])


class Follower:
    """Knows the beginning, and what /changes has said since."""

    def __init__(self, world):
        self.c = Jmap(world, ADDRESS)
        self.emails, self.boxes = {}, {}
        self.states = {}
        for name, kept in (("Mailbox", self.boxes), ("Email", self.emails)):
            got = self.c.call(f"{name}/get", ids=None if name == "Mailbox" else [])
            self.states[name] = got["state"]
            kept.update({x["id"]: x for x in got["list"]})

    def apply(self, name, kept, properties, most):
        changes = self.c.call(f"{name}/changes", sinceState=self.states[name], maxChanges=most)
        for i in changes["destroyed"]:
            kept.pop(i, None)
        wanted = changes["created"] + changes["updated"]
        if wanted:
            got = self.c.call(f"{name}/get", ids=wanted, properties=properties)
            kept.update({x["id"]: x for x in got["list"]})
        check(changes["newState"] != self.states[name] or not (wanted or changes["destroyed"]), "changes without a new state")
        self.states[name] = changes["newState"]
        return changes["hasMoreChanges"]

    def step(self, patient=False):
        """Small bites, then large ones: the others are quicker than this client, and the log does not go back for ever.
        patient: until there is nothing left."""
        # Mailboxes last: letters may name one that this client does not know yet, never one that it should.
        for name, kept, properties in (("Email", self.emails, ["mailboxIds", "keywords"]), ("Mailbox", self.boxes, None)):
            for most in itertools.chain((7, 7, 7), itertools.repeat(200, 1000 if patient else 10)):
                if not self.apply(name, kept, properties, most):
                    break
        return True

    def state(self):
        return paths(self.boxes), {i: shape(e) for i, e in self.emails.items()}


def jmap_state(world):
    c = Jmap(world, ADDRESS)
    boxes = {m["id"]: m for m in c.call("Mailbox/get", ids=None)["list"]}
    ids = []
    while True:
        page = c.call("Email/query", position=len(ids), limit=50, calculateTotal=True, sort=[{"property": "receivedAt"}])
        ids += page["ids"]
        if not page["ids"]:
            break
    check_equal(len(ids), page["total"], "total of Email/query")
    check_equal(len(set(ids)), len(ids), "ids of Email/query")
    emails = {}
    for at in range(0, len(ids), 100):
        emails.update({e["id"]: shape(e) for e in c.call("Email/get", ids=ids[at:at + 100], properties=["mailboxIds", "keywords"])["list"]})
    check_equal(len(emails), len(ids), "Email/get of what Email/query found")
    for i, b in boxes.items():
        inside = [e for e in emails.values() if i in e[0]]
        check_equal((b["totalEmails"], b["unreadEmails"]), (len(inside), sum(not e[1] & {"$seen", "$draft"} for e in inside)), f"counts of {b['name']}")
    return paths(boxes), emails


def imap_state(world):
    boxes, emails = {}, {}
    with world.imap(ADDRESS) as m:
        for name in folders(m):
            status = m.do("status", quote(name), "(MAILBOXID MESSAGES UNSEEN)")[0].decode()
            box = re.search(r"MAILBOXID \(([^)]*)\)", status).group(1)
            boxes[box] = name
            count = int(m.do("select", quote(name), True)[0])
            check_equal(count, int(re.search(r"MESSAGES (\d+)", status).group(1)), f"messages of {name}")
            unseen = 0
            for row in m.do("fetch", "1:*", "(UID EMAILID FLAGS)") if count else []:
                text = row.decode()
                email = re.search(r"EMAILID \(([^)]*)\)", text).group(1)
                flags = set(re.search(r"FLAGS \(([^)]*)\)", text).group(1).split()) - {"\\Recent"}
                check("\\Deleted" not in flags, f"a letter of {name} is still marked as deleted")
                marks = frozenset(KEYWORDS.get(f, f.lower()) for f in flags)
                unseen += "$seen" not in marks
                # JMAP shows the flags of all copies together.
                inside, other = emails.get(email, (frozenset(), frozenset()))
                emails[email] = (inside | {box}, other | marks)
            check_equal(unseen, int(re.search(r"UNSEEN (\d+)", status).group(1)), f"unseen of {name}")
    return boxes, emails


def same(what, got, expected):
    (boxes, emails), (boxes2, emails2) = got, expected
    names = lambda b: {i: "Inbox" if n.upper() == "INBOX" else n for i, n in b.items()}
    check_equal(names(boxes), names(boxes2), f"{what}: mailboxes")
    wrong = {i: (emails.get(i), emails2.get(i)) for i in set(emails) | set(emails2) if emails.get(i) != emails2.get(i)}
    check(not wrong, f"{what}: {len(wrong)} of {len(emails2)} letters differ: {dict(list(wrong.items())[:4])}")


# --- all at once ---

def drive(side, until, counts, faults, name, log):
    """Steps until the time is over and enough was done; counts what had an effect."""
    done, stop = 0, until + PATIENCE
    try:
        while not faults and (time.monotonic() < until or done < LEAST) and time.monotonic() < stop:
            if side.step():
                done += 1
    except BaseException:
        faults.append(f"{name}: {traceback.format_exc(limit=-5)}")
    counts[name] = done
    log.write(f"{name}: {done} operations\n")


def test_imap_and_jmap_at_once(world):
    counts, faults = {}, []
    follower = Follower(world)
    until = time.monotonic() + SECONDS
    with open(WORK / "sync.log", "w", encoding="utf-8") as log:
        log.write(f"seed {SEED}, {SECONDS} s\n")
        sides = {"imap": ImapSide(world, random.Random(SEED)), "imap 2": ImapSide(world, random.Random(SEED + 1)),
                 "jmap": JmapSide(world, random.Random(SEED + 2)), "jmap 2": JmapSide(world, random.Random(SEED + 3)), "follower": follower}
        threads = [threading.Thread(target=drive, args=(side, until, counts, faults, name, log)) for name, side in sides.items()]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        log.write("\n".join(faults))
    check(not faults, f"seed {SEED}\n" + "\n".join(faults))
    check(all(n >= LEAST for n in counts.values()), f"too few operations: {counts}")
    world.follower = follower


def test_the_state_is_the_same_for_all(world):
    with world.imap(ADDRESS) as m:
        # A letter that one side marked as deleted may have been copied by the other before it went.
        for name in folders(m):
            m.do("select", quote(name))
            m.do("expunge")
    fresh = jmap_state(world)
    check(fresh[1], "no letters are left; nothing was compared")
    same(f"IMAP against JMAP (seed {SEED})", imap_state(world), fresh)
    world.follower.step(patient=True)
    same(f"JMAP by /changes alone (seed {SEED})", world.follower.state(), fresh)


def test_and_after_a_restart(world):
    before = jmap_state(world)
    world.stop()
    world.start()
    same(f"JMAP after a restart (seed {SEED})", jmap_state(world), before)
    same(f"IMAP after a restart (seed {SEED})", imap_state(world), before)
    world.follower.c.http = None
    world.follower.step(patient=True)
    same(f"/changes over a restart (seed {SEED})", world.follower.state(), before)


if __name__ == "__main__":
    main([test_imap_and_jmap_at_once, test_the_state_is_the_same_for_all, test_and_after_a_restart],
         lambda: Installation().start().populate(ADDRESS), stop_and_inspect)
