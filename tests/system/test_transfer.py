"""Bringing mail into the web client from files, and taking all of it along, in Chromium (web/browser/transfer.mjs). The files are
made here; what became of them is read by IMAP."""
import collections
import datetime
import email.utils
import hashlib
import imaplib
import io
import json
import os
import secrets
import re
import signal
import sys
import tarfile
import zipfile

from harness import Installation, WORK, check, command, main, quote, wait_until
from test_web import DOMAIN, MAKE_MAIL, Browser, add_person, ready, teardown, tests

FILES = WORK / "files"
MESSAGES = 1500
EPOCH = 1_500_000_000
# The server writes about a sign-in whenever it comes to it.
SIGN_IN = re.compile(rb"^Auto-Submitted: auto-generated\r\nMIME-Version", re.M)


def crlf(text):
    return re.sub(rb"\r?\n", b"\r\n", text)


def line(box, message, flags, received):
    """One message as it must be: mailbox, content, flags, time."""
    return [box, hashlib.sha256(message).hexdigest()[:16], " ".join(sorted(flags)), received]


class Expected:
    """What each choice of files must have become."""

    def __init__(self):
        self.by_name = {}

    def add(self, name, box, message, flags, received):
        self.by_name.setdefault(name, []).append(line(box, crlf(message), flags, received))


def asctime(when):
    return email.utils.formatdate(when, usegmt=True)


def from_line(who, when):
    import time
    return f"From {who} {time.asctime(time.gmtime(when))}\n".encode()


def make_mbox(expected):
    """Quoting, flags, a message without an id, two equal ones, and a deleted one."""
    out = io.BytesIO()
    for i in range(MESSAGES):
        when = EPOCH + i * 3600
        body = f"Letter {i} says\n\nFrom here on it is quoted.\n>From before.\n\n" + f"A line of letter {i}, and what follows it.\n" * (i % 50)
        ids = f"Message-ID: <letter-{i}@sender.example>\n" if i % 7 else ""
        message = f"{ids}From: Sender {i} <s{i}@sender.example>\nTo: reader@letterlock.test\nSubject: Letter {i}\nDate: {asctime(when - 60)}\n\n{body}".encode()
        status = "Status: RO\n" if i % 3 else "Status: O\n"
        extra = "X-Status: AF\nX-Keywords: work\n" if i % 10 == 0 else ""
        flags = (["\\Seen"] if i % 3 else []) + (["\\Answered", "\\Flagged", "work"] if i % 10 == 0 else [])
        quoted = re.sub(rb"(?m)^(>*From )", rb">\1", message)
        out.write(from_line(f"s{i}@sender.example", when) + (status + extra).encode() + quoted + b"\n")
        expected.add("Letters", "Letters", message, flags, when)
    twin = b"Subject: Twin\n\nThe same twice.\n"
    for _ in range(2):
        out.write(from_line("twin@sender.example", EPOCH) + b"Status: RO\n" + twin + b"\n")
    expected.add("Letters", "Letters", twin, ["\\Seen"], EPOCH)
    out.write(from_line("gone@sender.example", EPOCH) + b"X-Mozilla-Status: 0009\nSubject: Gone\n\nDeleted there.\n\n")
    (FILES / "Letters.mbox").write_bytes(out.getvalue())


def make_maildir(expected):
    root = FILES / "Maildir"
    boxes = [("", "INBOX"), (".Sent", "Sent"), (".Work.Plans", "Work/Plans"), ("nested/Deep", "nested/Deep")]
    for folder, box in boxes:
        for sub in ("cur", "new", "tmp"):
            (root / folder / sub).mkdir(parents=True, exist_ok=True)
        for i, (info, flags) in enumerate((("2,S", ["\\Seen"]), ("2,FRS", ["\\Flagged", "\\Answered", "\\Seen"]), ("2,Sa", ["\\Seen", "todo"]), ("2,ST", None))):
            when = EPOCH + i
            message = f"Message-ID: <{box}-{i}@sender.example>\nSubject: {box} {i}\n\nIn {box}.\n".encode()
            (root / folder / "cur" / f"{when}.M{i}.host:{info}").write_bytes(message)
            if flags is not None:
                expected.add("Maildir", box, message, flags, when)
        new = f"Subject: New in {box}\n\nNew.\n".encode()
        (root / folder / "new" / f"{EPOCH + 9}.M9.host").write_bytes(new)
        (root / folder / "tmp" / f"{EPOCH + 9}.M9.host").write_bytes(b"Subject: half a let")
        (root / folder / "dovecot-keywords").write_text("0 todo\n")
        expected.add("Maildir", box, new, [], EPOCH + 9)


def make_takeout(expected):
    labels = [("Inbox,Unread", ["INBOX"], []), ("Sent,Opened", ["Sent"], ["\\Seen"]), ("Inbox,Opened,Work/Plans,Starred", ["INBOX", "Work/Plans"], ["\\Seen", "\\Flagged"]),
              ("Archived,Opened,Category Updates", ["Archive"], ["\\Seen"]), ("Spam,Unread", ["Junk"], []), ("=?UTF-8?Q?Opened,Caf=C3=A9?=", ["Café"], ["\\Seen"])]
    out = io.BytesIO()
    for i, (label, boxes, flags) in enumerate(labels):
        when = EPOCH + i * 86400
        message = f"Message-ID: <takeout-{i}@mail.example>\r\nSubject: Takeout {i}\r\n\r\nOf {label}.\r\n".encode()
        stamp = email.utils.formatdate(when).replace(",", "").split()  # Fri 14 Jul 2017 02:40:00 -0000
        out.write(f"From {10**18 + i}@xxx {stamp[0]} {stamp[2]} {stamp[1]} {stamp[4]} +0000 {stamp[3]}\r\nX-GM-THRID: {i}\r\nX-Gmail-Labels: {label}\r\n".encode() + message + b"\r\n")
        for box in boxes:
            expected.add("Takeout", box, message, flags, when)
    name = "Takeout/Mail/All mail Including Spam and Trash.mbox"
    with zipfile.ZipFile(FILES / "takeout.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("Takeout/archive_browser.html", "<html></html>")
        z.writestr(name, out.getvalue())
    with tarfile.open(FILES / "takeout.tgz", "w:gz") as t:
        info = tarfile.TarInfo(name)
        info.size = len(out.getvalue())
        t.addfile(info, io.BytesIO(out.getvalue()))
    whole = (FILES / "takeout.zip").read_bytes()
    (FILES / "cut.zip").write_bytes(whole[:len(whole) - 30])


def make_odd():
    """One message that is larger than the server takes, one that is none, between two good ones."""
    good = [from_line("a@sender.example", EPOCH) + f"Subject: Good {i}\n\nGood.\n\n".encode() for i in range(2)]
    with open(FILES / "odd.mbox", "wb") as out:
        out.write(good[0] + from_line("a@sender.example", EPOCH) + b"Subject: Far too large\n\n")
        for _ in range(55):
            out.write((b"x" * 1023 + b"\n") * 1024)
        out.write(b"\n" + from_line("a@sender.example", EPOCH) + b"\nno header at all\n\n" + good[1])


# Names that files cannot have, that differ by case, and those of a Maildir's own folders.
ODD_BOXES = ("Odd", "odd", "cur", "cur/new", "a:b?c*d.", "Gr&APYA3w-e/&ZeVnLIqe-")
ODD = (b"Subject: no line end\r\n\r\nend", b"Subject: bare\n\none\ntwo\n", b"X-Mozilla-Status: 0008\r\nStatus: RO\r\nX-Gmail-Labels: Elsewhere\r\nSubject: fields\r\n\r\nx\r\n",
       b"Subject: lines\r\n\r\nFrom here\r\n>From there\r\n\r\n\r\n", b"Subject: bytes\r\n\r\n\x80\xff \xef\xbb\xbf\r\n", b"Subject: none\r\n")


def furnish(world, who, large):
    """What an export could get wrong; large: bytes of one of the letters."""
    with world.imap(f"{who}@{DOMAIN}") as m:
        for n, box in enumerate(ODD_BOXES):
            m.do("create", quote(box))
            for i, text in enumerate(ODD):
                flags = ("", "\\Seen \\Flagged", "\\Draft", "todo \\Answered", "$Forwarded \\Seen", "\\Seen")[(i + n) % 6]
                m.do("append", quote(box), f"({flags})", imaplib.Time2Internaldate(EPOCH + 86_400 * i + n), text.replace(b"Subject: ", b"Subject: %d " % n))
        m.do("append", "Odd", "(\\Seen)", imaplib.Time2Internaldate(EPOCH), b"Subject: The large one\r\n\r\n" + secrets.token_hex(large // 2).encode() + b"\r\n")
        m.do("select", "Odd")
        m.do("copy", "1:3", "cur")


def lines_whole(message):
    """What mbox makes of a message."""
    out = crlf(message)
    return out if out.endswith(b"\r\n") else out + b"\r\n"


def read_export(path):
    """An export of files for each message, by other eyes than those that import it."""
    names = {"$seen": "\\Seen", "$flagged": "\\Flagged", "$answered": "\\Answered", "$draft": "\\Draft"}
    out = []
    with zipfile.ZipFile(path) as z:
        check(z.testzip() is None, "every entry has its check value")
        boxes = {b["path"]: "/".join(b["name"]) for b in json.loads(z.read("mailboxes.json"))["mailboxes"]}
        for row in z.read("messages.jsonl").decode().splitlines():
            e = json.loads(row)
            content, folder = z.read(e["path"]), e["path"].rsplit("/", 1)[0]
            box = boxes[folder if e["path"].endswith(".eml") else folder.removesuffix("/cur")]
            if not SIGN_IN.search(content):
                when = datetime.datetime.fromisoformat(e["receivedAt"].replace("Z", "+00:00"))
                out.append(line("INBOX" if box.lower() == "inbox" else box, content, [names.get(k, k) for k in e["keywords"]], int(when.timestamp())))
    return sorted(out)


class Transfers(Browser):
    def __init__(self, world, people, expected):
        self.expected = expected
        super().__init__(world, people, ("transfer",))

    def say(self, message):
        super().say({**message, "files": str(FILES)} if "people" in message else message)

    def found(self, who, form=bytes):
        """Every message of every mailbox, by IMAP."""
        out = []
        with self.world.imap(f"{who}@{DOMAIN}") as m:
            for listed in m.do("list", '""', "*"):
                box = listed.decode().rsplit(' "/" ', 1)[1].strip('"')
                if int(m.do("select", quote(box), True)[0]):
                    for part in m.do("fetch", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])"):
                        if isinstance(part, tuple) and not SIGN_IN.search(part[1]):
                            flags = [f.decode() if f[:1] == b"\\" else f.decode().lower() for f in imaplib.ParseFlags(part[0]) if f != b"\\Recent"]
                            when = email.utils.mktime_tz(email.utils.parsedate_tz(re.search(rb'INTERNALDATE "([^"]+)"', part[0])[1].decode()))
                            out.append(line(utf7(box), form(part[1]), flags, when))
        return sorted(out)

    def ask_compare(self, who, name):
        found, wanted = self.found(who), sorted(self.expected.by_name[name])
        return {"missing": [w for w in wanted if w not in found][:5] or ([["fewer"]] if len(found) < len(wanted) else []),
                "more": [f for f in found if f not in wanted][:5] or ([["doubled"]] if len(found) > len(wanted) else [])}

    def ask_kill_session(self, who):
        """That of the import is the one that works; the others are killed with it, which harms nobody here."""
        self.world.killed = True
        for pid in self.world.pids("session-of-account"):
            os.kill(pid, signal.SIGKILL)
        return {}

    def ask_counts(self, name):
        # The twin is read twice.
        return {"messages": len(self.expected.by_name[name]) + 1}

    def ask_exported(self, who, file, form):
        if form == "mbox":
            with zipfile.ZipFile(file) as z:
                starts = sum(len(re.findall(rb"^From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$", z.read(n), re.M)) for n in z.namelist() if n.endswith(".mbox"))
            check(starts >= len(self.found(who)), f"{starts} messages in the files")
        else:
            wanted, got = (collections.Counter(map(tuple, x)) for x in (self.found(who), read_export(file)))
            check(wanted == got, f"only in the account: {list(wanted - got)[:5]}, only in the file: {list(got - wanted)[:5]}")
        return {}

    def ask_damage(self):
        """Another byte in the largest blob, kim's: the store gives back what was never put into it."""
        files = [f for f in (self.world.dir / "data" / "large").iterdir() if f.stat().st_size > 2_000_000]
        check(len(files) == 1, f"{files}")
        with open(files[0], "r+b") as f:
            f.seek(600_000)
            byte = f.read(1)
            f.seek(600_000)
            f.write(bytes([byte[0] ^ 1]))
        return {}

    def ask_damaged(self, file, subject):
        with zipfile.ZipFile(file) as z:
            listed = z.read("damaged.txt").decode().splitlines()
            check(len(listed) == 1 and listed[0].startswith("Odd\t") and listed[0].endswith(subject), f"{listed}")
            return {"messages": len(z.read("messages.jsonl").splitlines())}

    def ask_same(self, a, b, form):
        whole = lines_whole if form == "mbox" else bytes
        left, right = self.found(a, whole), self.found(b, whole)
        check(len(left) > 50, "there is mail to compare")
        only = [x for x in left if x not in right][:5], [x for x in right if x not in left][:5]
        check(left == right, f"{len(left)} and {len(right)} messages; {only}")
        check(self.boxes(a) == self.boxes(b), f"{self.boxes(a)} {self.boxes(b)}")
        return {}

    def boxes(self, who):
        with self.world.imap(f"{who}@{DOMAIN}") as m:
            return sorted(m.do("list", '""', "*"))


def utf7(name):
    """Modified UTF-7 (RFC 3501 section 5.1.3)."""
    return re.sub(r"&([A-Za-z0-9+,]*)-", lambda m: ("+" + m[1].replace(",", "/") + "-").encode().decode("utf-7") if m[1] else "&", name)


def setup():
    ready()
    FILES.mkdir(parents=True, exist_ok=True)
    expected = Expected()
    for make in (make_mbox, make_maildir, make_takeout):
        make(expected)
    make_odd()
    world = Installation(domains=(DOMAIN,)).start().populate()
    people = {name: add_person(world, name) for name in ("alice", "bob", "carol", "dora", "emil", "fritz", "gert", "hans", "ines", "jo", "kim")}
    (world.dir / "accounts").write_text("".join(f"{people[n]['address']} {people[n]['app']}\n" for n in ("alice", "bob")))
    command(sys.executable, "-B", MAKE_MAIL, world.dir, "localhost", world.ports["imaps"], world.ports["submissions"])
    wait_until(lambda: any(b"Soup" in t for t in world.texts(f"alice@{DOMAIN}")), "bob's letter")
    furnish(world, "alice", 1_200_000)
    furnish(world, "kim", 2_200_000)
    world.browser = Transfers(world, people, expected)
    return world


if __name__ == "__main__":
    main(tests("transfer"), setup, teardown)
