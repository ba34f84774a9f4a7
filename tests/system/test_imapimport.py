"""Bringing mail over from another IMAP server: from Dovecot and from another Letterlock, over real ports, in a network namespace where
an address that is public elsewhere is a server of the test's own. So nothing is switched off: addresses that are not public are
really refused, and certificates really checked."""
import base64
import contextlib
import imaplib
import json
import os
import re
import shutil
import signal
import ssl
import threading
import time

from harness import (ROOT, WORK, Daemon, Installation, Network, Skip, check, check_equal, inside, letter, main,
                     stop_and_inspect, wait_until)
from listening import Listening
from nameserver import Authority, Nameserver, Zone
from test_websecret import Words, look_everywhere, look_on_disk

DOVECOT, OTHER, EMPTY, CUTTING, DNS = "44.77.0.21", "44.77.0.22", "44.77.0.23", "44.77.0.24", "44.77.0.53"
ELSEWHERE = "elsewhere.example"
USER, PASSWORD = f"anna@{ELSEWHERE}", "the password of the other house"
BOB = "bob@two.example"
NEXT = iter(range(10000))
USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail", "urn:letterlock:params:jmap:import"]


# --- the servers elsewhere ---

class Dovecot:
    def __init__(self, netns, certificate):
        if not ROOT or not shutil.which("dovecot", path="/usr/sbin:/usr/bin"):
            raise Skip("dovecot-imapd is not installed, or not root")
        self.netns, self.dir = netns, WORK / "dovecot"
        mail = self.dir / "mail"
        mail.mkdir(parents=True)
        os.chown(mail, 65534, 65534)
        for folder in (self.dir, *self.dir.parents):
            if folder == WORK.parent.parent:
                break
            folder.chmod(folder.stat().st_mode | 0o055)
        chain, key = certificate
        (self.dir / "dovecot.conf").write_text(f"""
base_dir = {self.dir}/run
state_dir = {self.dir}/state
log_path = {self.dir}/dovecot.log
protocols = imap
listen = {DOVECOT}
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
disable_plaintext_auth = yes
auth_mechanisms = plain login
mail_location = maildir:{mail}/%n
first_valid_uid = 1
mail_max_userip_connections = 100
default_vsz_limit = 512M
auth_failure_delay = 0
namespace inbox {{
  inbox = yes
  separator = .
  mailbox Gesendet {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Spamordner {{
    special_use = \\Junk
    auto = create
  }}
}}
passdb {{
  driver = static
  args = password={PASSWORD.replace(" ", "_")}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={mail}/%n
}}
""")
        self.daemon = Daemon(["/usr/sbin/dovecot", "-F", "-c", self.dir / "dovecot.conf"], self.dir / "out.log", netns=netns)

    def stop(self):
        self.daemon.stop()


SECRET = PASSWORD.replace(" ", "_")


class Elsewhere(imaplib.IMAP4):
    """A client of a server elsewhere, to fill it and to look at it."""

    def __init__(self, netns, address, ca, name):
        self.way = netns, address, ca, name
        super().__init__(name, 993, timeout=60)

    def _create_socket(self, timeout):
        netns, address, ca, name = self.way
        import socket
        with inside(netns):
            plain = socket.create_connection((address, 993), 60)
        return ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname=name)

    def put(self, mailbox, text, flags="", date=None):
        status, answer = self.append(mailbox, flags, date or '" 1-Nov-2020 10:00:00 +0000"', text)
        check_equal(status, "OK", f"APPEND {answer}")


class Cutting(Listening):
    """Stands before Dovecot and passes bytes on (TLS stays end to end), as many as it is told to, then breaks the connection."""

    def __init__(self):
        self.most, self.rate, self.connections = None, None, 0
        super().__init__(CUTTING, 993, self.serve)

    def serve(self, near):
        import socket
        self.connections += 1
        with socket.create_connection((DOVECOT, 993), 60) as far:
            threading.Thread(target=self.pump, args=(near, far, None), daemon=True).start()
            self.pump(far, near, self.most)

    def pump(self, source, to, most):
        import socket
        passed = 0
        with contextlib.suppress(OSError):
            while most is None or passed < most:
                data = source.recv(16384)
                if not data:
                    break
                to.sendall(data)
                passed += len(data)
                if self.rate:
                    time.sleep(len(data) / self.rate)
        for s in (source, to):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)


# --- the world ---

class World:
    def __init__(self):
        self.net = Network("one")
        self.namespace, self.address = self.net.namespace("one"), self.net.address("one")
        self.net.stand_in("one", DOVECOT, OTHER, EMPTY, CUTTING, DNS)
        self.ca = Authority(WORK / "ca")
        certificate = self.ca.certificate("dovecot", f"imap.{ELSEWHERE}", f"cutting.{ELSEWHERE}", f"inside.{ELSEWHERE}")
        self.dovecot = Dovecot(self.namespace, certificate)
        self.zones()
        with inside(self.namespace):
            self.cutting = Cutting()
        self.two = Installation("two", domains=("two.example",), netns=self.namespace, address=OTHER,
                                ports={"imaps": 993, "smtp": 25, "submission": 587, "submissions": 465, "https": 443})
        self.two.start().populate(BOB)
        roots = WORK / "roots.pem"
        roots.write_text(self.ca.file.read_text() + self.two.ca.read_text())
        self.one = Installation("one", netns=self.namespace, address=self.address, settings={
            ("dns", "stub"): self.dns.stubs, ("dns", "trust_anchor"): self.dns.write_anchors(WORK / "anchor"),
            ("tls", "ca_file"): roots})
        self.one.start().populate()

    def zones(self):
        zone, two = Zone(ELSEWHERE, WORK / "zones", signed=False), Zone("two.example", WORK / "zones")
        zone.add(f"imap A {DOVECOT}", f"wrong A {DOVECOT}", f"cutting A {CUTTING}", f"closed A {EMPTY}", "inside A 127.0.0.1",
                 f"inside2 A {self.address}", "six AAAA ::1", "mapped AAAA ::ffff:127.0.0.1",
                 f"_imaps._tcp SRV 10 0 993 imap.{ELSEWHERE}.", f"_imaps._tcp SRV 5 0 993 imap.{ELSEWHERE}.")
        two.add(f"mail A {OTHER}")
        self.dns = Nameserver([zone, two], WORK / "zones", DNS, 53, self.namespace)

    def fill(self):
        return Elsewhere(self.namespace, DOVECOT, self.ca.file, f"imap.{ELSEWHERE}")

    def person(self):
        """A new account here."""
        address = f"person{next(NEXT)}@letterlock.test"
        self.one.add_account(address)
        return Person(self, address)


class Person:
    def __init__(self, world, address):
        self.one, self.address = world.one, address
        self.account = None

    def ask(self, method, path, body=b""):
        context = self.one.tls()
        context.set_alpn_protocols(["http/1.1"])
        word = base64.b64encode(f"{self.address}:{self.one.accounts[self.address]}".encode()).decode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.one.hostname}\r\nAuthorization: Basic {word}\r\nConnection: close\r\n"
        with context.wrap_socket(self.one.connect("https"), server_hostname=self.one.hostname) as s, s.makefile("rb") as f:
            s.settimeout(60)
            s.sendall((head + f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n").encode() + body)
            status = int(f.readline().split()[1])
            length = 0
            while line := f.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answer = f.read(length)
        check_equal(status, 200, answer)
        return json.loads(answer)

    def call(self, name, **args):
        if not self.account:
            self.account = self.ask("GET", "/jmap/session")["primaryAccounts"]["urn:letterlock:params:jmap:import"]
        body = {"using": USING, "methodCalls": [[name, {"accountId": self.account} | args, "0"]]}
        answer = self.ask("POST", "/jmap/api", json.dumps(body).encode())["methodResponses"][0]
        check_equal(answer[0], name, str(answer))
        return answer[1]

    def create(self, **job):
        answer = self.call("ImportJob/set", create={"k": job})
        check(answer["created"], str(answer))
        return answer["created"]["k"]["id"]

    def update(self, id, **patch):
        answer = self.call("ImportJob/set", update={id: patch})
        check(answer["updated"] is not None, str(answer))

    def job(self, id):
        return self.call("ImportJob/get", ids=[id])["list"][0]

    def wait(self, id, *states):
        """The job once it is in one of these states."""
        return wait_until(lambda: (j := self.job(id))["state"] in states and j, f"the job is one of {states}", 90)

    def choosing(self, user=USER, secret=SECRET, host=f"imap.{ELSEWHERE}", **more):
        id = self.create(user=user, secret=secret, host=host, **more)
        j = self.wait(id, "choosing", "needsSecret")
        check_equal(j["state"], "choosing", str(j))
        return id

    def go(self, id, *names):
        """Begins with the folders of these names, or those that are proposed."""
        folders = self.job(id)["folders"]
        chosen = [f["id"] for f in folders if (f["name"] in names if names else f["isChosen"])]
        self.update(id, chosen=chosen, isPaused=False)

    def bring(self, *names, **how):
        id = self.choosing(**how)
        self.go(id, *names)
        return self.wait(id, "done", "paused", "needsSecret")

    def refused(self, error, **how):
        """A first connection that fails; the job."""
        id = self.create(**({"user": USER, "secret": SECRET, "host": f"imap.{ELSEWHERE}"} | how))
        j = self.wait(id, "needsSecret", "choosing")
        check_equal(j["state"], "needsSecret", str(j))
        check_equal(j["error"]["type"], error, str(j))
        check_equal(j["hasSecret"], False, "the password is not kept")
        return j

    def texts(self, mailbox="INBOX"):
        return self.one.texts(self.address, mailbox)


def setup():
    return World()


def counts(job):
    return {f["name"]: (f["added"], f["found"], f["skipped"]) for f in job["folders"] if f["isDone"]}


def message(n, size=200, word="Letter"):
    return letter("someone@example.net", USER, f"{word} {n}", f"Line {n}.\r\n" + "x" * 70 + "\r\n" + ("y" * 76 + "\r\n") * (size // 78),
                  X_Number=n)


# --- from Dovecot ---

def test_folders_flags_and_dates(w):
    texts = [message(i) for i in range(5)]
    with w.fill() as m:
        m.login(USER, SECRET)
        m.put("INBOX", texts[0], "(\\Seen \\Flagged $Forwarded)")
        m.put("INBOX", texts[1], "", '"05-Mar-2019 08:30:00 +0100"')
        m.put("INBOX", texts[2], "(\\Deleted)")
        m.put("Gesendet", texts[3], "(\\Seen)")
        m.create("Projekte.Z&APw-rich")
        m.put("Projekte.Z&APw-rich", texts[4])
        m.put("Spamordner", message(99))
    p = w.person()
    id = p.choosing()
    folders = {f["name"]: f for f in p.job(id)["folders"]}
    check_equal({n: (f["role"], f["total"], f["isChosen"]) for n, f in folders.items()}, {
        "INBOX": ("inbox", 3, True), "Gesendet": ("sent", 1, True), "Projekte/Zürich": (None, 1, True),
        "Spamordner": ("junk", 1, False)}, "the folders")
    p.go(id)
    done = p.wait(id, "done", "paused", "needsSecret")
    check_equal(done["state"], "done", str(done))
    check_equal(counts(done), {"INBOX": (2, 0, 1), "Gesendet": (1, 0, 0), "Projekte/Zürich": (1, 0, 0)}, "what came")
    check_equal(done["hasSecret"], False, "the password is gone")
    check_equal(sorted(p.texts()), sorted(texts[:2]), "the inbox, octet by octet")
    check_equal(p.texts("Sent"), [texts[3]], "by its role")
    check_equal(p.texts("Projekte/Z&APw-rich"), [texts[4]], "by its name")
    check_equal(p.texts("Junk"), [], "junk stays there")
    with p.one.imap(p.address) as m:
        m.do("select", "INBOX", True)
        lines = b" ".join(x if isinstance(x, bytes) else x[0] for x in m.do("fetch", "1:2", "(FLAGS INTERNALDATE)"))
        check(re.search(rb"\\Flagged[^)]*\$Forwarded|\$Forwarded[^)]*\\Flagged", lines), lines)
        check(b"05-Mar-2019 07:30:00 +0000" in lines or b" 5-Mar-2019 07:30:00 +0000" in lines, lines)
    with w.fill() as m:  # nothing was changed there
        m.login(USER, SECRET)
        m.select("INBOX", True)
        flags = m.fetch("1:3", "(FLAGS)")[1]
        check(b"Seen" in flags[0] and b"Seen" not in flags[1], str(flags))


def test_again_brings_nothing_twice(w):
    p = w.person()
    first = p.bring()
    before = p.texts()
    p.update(first["id"], isPaused=False, secret=SECRET)
    again = p.wait(first["id"], "done")
    check_equal(counts(again), counts(first), "the same job again")
    other = p.bring()  # another job knows nothing of the first
    check_equal(counts(other), {n: (0, a, s) for n, (a, f, s) in counts(first).items()}, "another job")
    check_equal(p.texts(), before, "the inbox")
    with w.fill() as m:  # what is new there comes, and only that
        m.login(USER, SECRET)
        m.put("INBOX", message(50))
    p.update(other["id"], isPaused=False, secret=SECRET)
    p.wait(other["id"], "done")
    check_equal(len(p.texts()), len(before) + 1, "one more")


def test_what_is_here_by_another_way_only_gets_its_mailbox(w):
    text = message(60)
    with w.fill() as m:
        m.login(USER, SECRET)
        m.create("Twice")
        m.put("Twice", text)
    p = w.person()
    with p.one.imap(p.address) as m:  # as an mbox file gives it: a field more, a line end less
        m.do("append", "Archive", "", None, b"X-Mozilla-Status: 0001\r\n" + text.rstrip())
    done = p.bring("Twice")
    check_equal(counts(done), {"Twice": (0, 1, 0)}, "found")
    emails = p.call("Email/query", filter={"header": ["X-Number", "60"]})["ids"]
    check_equal(len(emails), 1, "one Email")
    check_equal(len(p.call("Email/get", ids=emails, properties=["mailboxIds"])["list"][0]["mailboxIds"]), 2, "in both mailboxes")


def test_starttls(w):
    p = w.person()
    done = p.bring("INBOX", port=143, security="starttls")
    check_equal(done["state"], "done", str(done))
    check(len(p.texts()) > 2, "it came")


# --- plain errors ---

def test_errors(w):
    p = w.person()
    j = p.refused("wrongPassword", secret="wrong")
    check("uthentication failed" in j["error"]["description"], str(j))
    for expected, how in (("hostNotFound", {"host": f"nowhere.{ELSEWHERE}"}),
                          ("connectionRefused", {"host": f"closed.{ELSEWHERE}"}),
                          ("certificateInvalid", {"host": f"wrong.{ELSEWHERE}"}),
                          ("noTls", {"port": 143, "security": "tls"}),
                          ("hostNotPublic", {"host": f"inside.{ELSEWHERE}"}),
                          ("hostNotPublic", {"host": f"inside2.{ELSEWHERE}"})):
        p = w.person()
        p.refused(expected, **how)
    for host in ("six", "mapped"):
        p.refused("hostNotPublic", host=f"{host}.{ELSEWHERE}")
    answer = p.call("ImportJob/set", create={"a": {"user": USER, "host": "127.0.0.1"}, "b": {"user": USER, "host": "x", "state": "done"}})
    check_equal({k: e["properties"] for k, e in answer["notCreated"].items()}, {"a": ["host"], "b": ["state"]}, "what is refused at once")
    p.refused("hostNotPublic", port=25)


def test_not_trusted_without_the_root(w):
    p = w.person()
    w.one.stop()
    w.one.configure({("tls", "ca_file"): w.two.ca})
    w.one.start()
    p.refused("certificateInvalid")
    w.one.stop()
    w.one.configure({("tls", "ca_file"): WORK / "roots.pem"})
    w.one.start()


def test_finding_the_server(w):
    p = w.person()
    id = p.create(user=USER)
    j = p.wait(id, "needsSecret")
    check_equal((j["host"], j["port"], j["error"]), (f"imap.{ELSEWHERE}", 993, None), "by SRV")
    p.update(id, secret=SECRET)
    p.wait(id, "choosing")
    j = p.wait(p.create(user=BOB), "needsSecret")
    check_equal(j["host"], "mail.two.example", "by a usual name")
    j = p.wait(p.create(user="x@nothing.example"), "needsSecret")
    check_equal((j["host"], j["error"]["type"]), (None, "serverNotFound"), "there is none")


# --- breaks ---

MANY, EACH = 700, 12000


def fill_many(w):
    if getattr(w, "many", None):
        return
    w.many = [message(i, EACH, "Many") for i in range(MANY)]
    with w.fill() as m:
        m.login(USER, SECRET)
        m.create("Many")
        for text in w.many:
            m.put("Many", text)


def some_came(p, id, least):
    return wait_until(lambda: (j := p.job(id)) and sum(f["added"] for f in j["folders"]) >= least and j, "some came", 90)


def test_killed_in_the_middle(w):
    fill_many(w)
    w.cutting.rate = 3_000_000
    p = w.person()
    id = p.choosing(host=f"cutting.{ELSEWHERE}")
    p.go(id, "Many")
    some_came(p, id, 100)
    for pid in w.one.pids("session-of-account"):
        os.kill(pid, signal.SIGKILL)
    j = p.wait(id, "needsSecret")
    check(100 <= sum(f["added"] for f in j["folders"]) < MANY, str(j))
    check_equal(j["hasSecret"], False, "the password went with the process")
    p.update(id, secret=SECRET)
    done = p.wait(id, "done", "paused")
    w.cutting.rate = None
    check_equal(done["state"], "done", str(done))
    check_equal(sorted(p.texts("Many")), sorted(w.many), "each once, whole")
    folder, = [f for f in done["folders"] if f["name"] == "Many"]
    check_equal(folder["skipped"], 0, "skipped")


def test_connection_lost(w):
    """It goes on by itself, from where it was."""
    fill_many(w)
    p = w.person()
    id = p.choosing(host=f"cutting.{ELSEWHERE}")
    w.cutting.most = 3_500_000
    before = w.cutting.connections
    p.go(id, "Many")
    done = p.wait(id, "done", "paused")
    w.cutting.most = None
    check_equal(done["state"], "done", str(done))
    check(w.cutting.connections - before >= 3, f"{w.cutting.connections - before} connections")
    check_equal(counts(done), {"Many": (MANY, 0, 0)}, "each is counted once")
    check_equal(sorted(p.texts("Many")), sorted(w.many), "each once, whole")


def test_pause_go_on_and_give_up(w):
    fill_many(w)
    w.cutting.rate = 2_000_000
    p = w.person()
    id = p.choosing(host=f"cutting.{ELSEWHERE}")
    p.go(id, "Many")
    some_came(p, id, 64)
    p.update(id, isPaused=True)
    j = p.job(id)
    check_equal((j["state"], j["hasSecret"]), ("paused", True), str(j))
    here = len(p.texts("Many"))
    time.sleep(1.5)
    check_equal(len(p.texts("Many")), here, "nothing comes while it is paused")
    p.update(id, isPaused=False)
    some_came(p, id, here + 64)
    check_equal(p.call("ImportJob/set", destroy=[id])["destroyed"], [id], "given up")
    here = len(p.texts("Many"))
    time.sleep(1.5)
    check_equal(len(p.texts("Many")), here, "nothing comes after that")
    check_equal(p.call("ImportJob/get", ids=None)["list"], [], "no job")
    w.cutting.rate = None


def test_the_owner_is_not_kept_waiting(w):
    fill_many(w)
    p = w.person()
    id = p.choosing()
    slowest = 0
    with p.one.imap(p.address) as m:
        m.do("select", "INBOX", True)
        began = time.monotonic()
        p.go(id, "Many")
        while p.job(id)["state"] != "done":
            for _ in range(5):
                at = time.monotonic()
                m.do("search", None, "ALL")
                slowest = max(slowest, time.monotonic() - at)
    took = time.monotonic() - began
    print(f"{MANY} messages of {EACH} octets in {took:.1f} s; the slowest of the owner's commands meanwhile took {slowest * 1000:.0f} ms")
    check_equal(len(p.texts("Many")), MANY, "all came")
    check(slowest < 2, f"{slowest} s")


def test_quota(w):
    fill_many(w)
    p = w.person()
    p.one.ctl("account", "quota", p.address, "3M")
    done = p.bring("Many")
    check_equal((done["state"], done["error"]["type"]), ("paused", "overQuota"), str(done)[:300])
    check(0 < len(p.texts("Many")) < MANY, "what there was room for")


# --- from another Letterlock ---

def test_from_another_letterlock(w):
    texts = [message(i, word="Other") for i in range(3)]
    with w.two.imap(BOB) as m:
        for text in texts:
            m.do("append", "INBOX", "(\\Seen)", None, text)
        m.do("append", "Sent", "", None, message(9, word="Sent"))
    p = w.person()
    done = p.bring(user=BOB, secret=w.two.accounts[BOB], host="mail.two.example")
    check_equal(done["state"], "done", str(done))
    check_equal(sorted(p.texts()), sorted(texts), "the inbox")
    check_equal(len(p.texts("Sent")), 1, "sent")


# --- the password ---

def test_the_password_is_nowhere_afterwards(w):
    """All that was done above went through these processes. Only the owner's session keeps the user's name, which shows that the search finds
    what is there; nothing else of what was asked may stay where it passed through."""
    p = w.person()
    p.bring("INBOX")
    p.update(p.choosing(), isPaused=True)  # a session that still holds it, where nobody can read it
    words = Words()
    words.text("password", SECRET)
    words.text("user", USER)
    found = look_everywhere(w.one, words)
    check_equal({role: set(names) for role, names in found.items()}, {"session-of-account": {"user"}}, "in memory")
    check_equal({f for f, names in look_on_disk(w.one, words).items() if "password" in names}, set(), "on the disk")


def teardown(w):
    w.cutting.close()
    w.dovecot.stop()
    w.dns.stop()
    for i in (w.one, w.two):
        stop_and_inspect(i)
    w.net.close()


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)]

if __name__ == "__main__":
    main(TESTS, setup, teardown)
