"""The statement of the web sign-in, checked from outside: neither the memory of any server process nor the data directory ever
holds a password, what follows from it, or a key that is its owner's alone.

As root, all memory of all processes that is there is read by /proc/PID/mem, while people sign in and afterwards. What lies in
memfd_secret cannot be read by anybody, root included, and is counted. The same search must find those very words in the memory of
the client that made them, and in a server process what a client did send."""
import base64
import contextlib
import os
import secrets
import struct
import subprocess
import threading
import time

import test_websign
from harness import ROOT, WORK, Installation, Skip, as_bytes, check, check_equal, letter, main, stop_and_inspect, token
from test_websign import Client, Raw, bundle, sign_up, totp

DOMAIN = "letterlock.test"
PAGE = os.sysconf("SC_PAGESIZE")
CHUNK = 1 << 20
LONGEST = 4096  # of what is searched for
# An area's key is the session's to have once its owner has brought it; it is not among what is searched for in memory.
OWNERS_ALONE = ("export key", "U_auth", "U_kem", "U_anchor", "Root", "identity seed", "OpenPGP key 0")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


# --- what to look for ---

def base64_forms(raw):
    """Both alphabets, at each of the three places it can begin; without what depends on the neighbours."""
    for shift in range(3):
        inner = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")[(0, 2, 3)[shift]:-2]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def text_forms(text):
    raw = as_bytes(text)
    yield from (raw, text.encode("utf-16-le"), text.encode("utf-16-be"), raw.hex().encode(), raw.hex().upper().encode())
    yield from base64_forms(raw)


def key_forms(raw):
    """Whole pieces of 16 bytes: also half a key is none of the server's business."""
    for at in range(0, min(len(raw), 256) - 15, 16):
        piece = raw[at:at + 16]
        if len(set(piece)) > 8:
            yield from (piece, piece.hex().encode(), piece.hex().upper().encode(), piece[::-1])
    yield from base64_forms(raw[:1024])


class Words:
    """{form: name} of all that is looked for."""

    def __init__(self):
        self.forms = {}

    def text(self, name, text):
        self.forms.update((f, name) for f in text_forms(text))

    def key(self, name, encoded):
        self.forms.update((f, name) for f in key_forms(decode(encoded)))

    def inside(self, data):
        return {name for form, name in self.forms.items() if form in data}


# --- memory ---

def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
        for line in f:
            parts = line.split(None, 5)
            start, end = (int(x, 16) for x in parts[0].split("-"))
            yield start, end, parts[1], parts[5].strip() if len(parts) > 5 else ""


def present(pagemap, start, end):
    """Runs of pages that are there, in memory or swapped out."""
    run = None
    for base in range(start, end, PAGE * 65536):
        count = min(65536, (end - base) // PAGE)
        pagemap.seek(base // PAGE * 8)
        entries = pagemap.read(count * 8)
        for i, (entry,) in enumerate(struct.iter_unpack("<Q", entries)):
            at = base + i * PAGE
            if entry >> 62:
                run = at if run is None else run
            elif run is not None:
                yield run, at
                run = None
    if run is not None:
        yield run, end


class Memory:
    """What was seen of one process's memory."""

    def __init__(self, pid, words):
        self.pid, self.words = pid, words
        self.read = self.closed = 0
        self.found = {}

    def look(self):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as mem, open(f"/proc/{self.pid}/pagemap", "rb", buffering=0) as pagemap:
                for start, end, rights, name in mappings(self.pid):
                    if "secretmem" in name:
                        self.closed += end - start
                    elif rights[0] == "r" and name not in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                        for a, b in present(pagemap, start, end):
                            self.region(mem, a, b, name)
        return self

    def region(self, mem, start, end, name):
        tail = b""
        for at in range(start, end, CHUNK):
            try:
                mem.seek(at)
                data = mem.read(min(CHUNK, end - at))
            except OSError:
                return  # unmapped since the list was read
            self.read += len(data)
            for word in self.words.inside(tail + data):
                self.found.setdefault(word, name or "anonymous memory")
            tail = data[-LONGEST:]


def look_everywhere(world, words):
    """{role: words found}; each role was really read."""
    found, sizes = {}, {}
    for role, pid in world.processes():
        memory = Memory(pid, words).look()
        sizes[role] = sizes.get(role, 0) + memory.read
        if memory.found:
            found.setdefault(role, {}).update(memory.found)
    for role in ("parent", "store", "auth", "frontend", "session", "delivery", "relay", "lookup", "tlskey"):
        check(sizes.get(role, 0) > 300_000, f"only {sizes.get(role, 0)} bytes of {role} could be read")
    return found


class Watch(threading.Thread):
    """Reads those processes again and again that a sign-in passes through, until stopped."""

    def __init__(self, world, words):
        super().__init__(daemon=True)
        self.world, self.words = world, words
        self.ended, self.rounds, self.found, self.error = threading.Event(), 0, {}, None

    def run(self):
        try:
            while not self.ended.is_set():
                for role, pid in self.world.processes():
                    if role in ("frontend", "auth", "session-of-account", "store"):
                        memory = Memory(pid, self.words).look()
                        if memory.found:
                            self.found.setdefault(role, {}).update(memory.found)
                self.rounds += 1
        except Exception as e:  # told by finish
            self.error = e

    def finish(self):
        self.ended.set()
        self.join(120)
        check(self.error is None, f"the watch ended: {self.error!r}")
        check(self.rounds > 0, "nothing was read while it went on")
        check(not self.found, f"found while people signed in: {self.found}")


# --- the disk ---

def look_on_disk(world, words):
    found = {}
    for path in sorted(p for p in world.data.rglob("*") if p.is_file()):
        names = words.inside(path.read_bytes())
        if names:
            found[path.name] = names
    return found


# --- the person ---

class Person:
    """One who signed up, with everything that is theirs alone."""

    def __init__(self, world):
        self.world = world
        self.address = f"private-person@{DOMAIN}"
        self.password = f"Päss {secrets.token_urlsafe(18)} wörd"
        self.device = f"device-{secrets.token_hex(8)}"
        self.owners, self.stored = Words(), Words()
        self.owners.text("the password", self.password)
        self.stored.text("the password", self.password)
        self.stored.text("the device's name", self.device)
        self.browser = Client(world)
        self.step = 0
        self.sign_up()

    def sign_up(self):
        test_websign.PASSWORD, usual = self.password, test_websign.PASSWORD
        try:
            _, self.recovery = sign_up(self.world, self.browser, "private-person")
        finally:
            test_websign.PASSWORD = usual
        for code in (self.recovery, self.recovery.replace("-", "").replace(" ", "")):
            self.owners.text("the recovery code", code)
            self.stored.text("the recovery code", code)
        self.browser.ask(**openpgp_key())
        self.learn()

    def learn(self):
        known = self.browser.ask(secrets="words")
        check(set(OWNERS_ALONE) <= set(known), f"only {sorted(known)} are known")
        known["OpenPGP key 0"] = encode(secret_number(decode(known["OpenPGP key 0"])))
        for name, value in known.items():
            self.stored.key(name, value)
            if name in OWNERS_ALONE:
                self.owners.key(name, value)

    def cookie(self):
        """The browser keeps it."""
        value = self.browser.ask(cookie="")
        self.browser.ask(cookie=value)
        return value

    def add_totp(self):
        begun = self.browser.post("totp-begin")
        self.totp = begun["secret"]
        self.browser.post("totp-confirm", handle=begun["handle"], code=totp(self.totp), name="phone")
        self.stored.text("the TOTP secret's text", self.totp)
        self.stored.key("the TOTP secret", encode(base64.b32decode(self.totp)))

    def code(self):
        """No step is taken twice: the one after the present is, and after that the next one's time is waited for."""
        while int(time.time()) // 30 + 1 <= self.step:
            time.sleep(0.5)
        self.step = int(time.time()) // 30 + 1
        return totp(self.totp, self.step * 30)

    def sign_in(self):
        state = self.browser.call("signInPassword", address=self.address, password=self.password, remember=True, device=self.device)
        check_equal(state["next"], "factor", "next")
        check_equal(self.browser.call("signInTotp", code=self.code())["next"], "done", "next")
        self.stored.key("the cookie's token", self.cookie())
        self.browser.call("unlockSession")

    def read_mail(self, word):
        """By JMAP, as the page does."""
        raw, account = Raw(self.world), self.browser.ask(get="/jmap/session")["primaryAccounts"]["urn:ietf:params:jmap:mail"]
        calls = [["Email/query", {"accountId": account}, "a"],
                 ["Email/get", {"accountId": account, "fetchTextBodyValues": True, "properties": ["bodyValues", "textBody"],
                                "#ids": {"resultOf": "a", "name": "Email/query", "path": "/ids"}}, "b"]]
        using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
        status, _, body = raw.post("/jmap/api", {"using": using, "methodCalls": calls}, self.cookie())
        check_equal(status, 200, body)
        check(word in body.decode(), "the letter was read")


def openpgp_key():
    """A secret key as gpg makes it."""
    home = WORK / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    try:
        subprocess.run(gpg + ["--quick-generate-key", f"private-person@{DOMAIN}", "ed25519", "sign"], check=True, timeout=120)
        key = subprocess.run(gpg + ["--export-secret-keys"], check=True, timeout=60, stdout=subprocess.PIPE).stdout
        listed = subprocess.run(gpg + ["--list-keys", "--with-colons"], check=True, timeout=60, stdout=subprocess.PIPE).stdout.decode()
    except FileNotFoundError as e:
        raise Skip("gpg is not installed") from e
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, timeout=60)
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    return {"openpgp": encode(key), "fingerprint": encode(bytes.fromhex(fingerprint))}


def secret_number(key):
    """The secret of an unprotected Ed25519 key: at the end of the first packet, before two bytes of checksum."""
    check_equal(key[0] & 0xfd, 0x94 & 0xfd, "the first packet is a secret key, with a length of one or two bytes")
    size, at = (key[1], 2) if key[0] & 3 == 0 else (struct.unpack(">H", key[1:3])[0], 3)
    return key[at:at + size][-34:-2]


def setup():
    if not ROOT:
        raise Skip("the memory of other processes can be read as root only")
    world = Installation(domains=(DOMAIN,)).start().populate()
    world.ctl("domain", "registration", DOMAIN, "invitation")
    bundle()
    world.person = Person(world)
    return world


# --- tests ---

def test_nothing_while_signing_up_and_in(world):
    person = world.person
    person.add_totp()
    word = token()
    world.deliver("someone@example.net", [person.address], letter("someone@example.net", person.address, "Hello", word))
    watch = Watch(world, person.owners)
    watch.start()
    try:
        for _ in range(2):
            person.browser.call("signOut")
            person.sign_in()
            person.read_mail(word)
        person.browser.call("confirm", password=person.password)
    finally:
        watch.finish()
    check("session-of-account" in dict(world.processes()), "the session runs")
    found = look_everywhere(world, person.owners)
    check(not found, f"found after the sign-in: {found}")


def test_the_search_finds_what_is_there(world):
    """In the client all of it; in a server process what was sent to it; on the disk what is planted."""
    person = world.person
    person.browser.ask(hold=person.password)
    client = Memory(person.browser.proc.pid, person.owners).look()
    missing = {"the password", "export key"} - set(client.found)
    check(not missing, f"not found in the client's memory: {missing}")
    marker = f"marker-{secrets.token_hex(16)}"
    words = Words()
    words.text("a header", marker)
    words.text("the address", person.address)
    raw = Raw(world)
    raw.post("/api/v1/auth/account", {}, person.cookie(), {"User-Agent": marker, "X-Marker": marker})
    found = look_everywhere(world, words)
    check("a header" in found.get("frontend", {}) or "a header" in found.get("auth", {}), f"the header is not found: {found}")
    check(any("the address" in f for f in found.values()), f"the account's address is not found: {found}")
    for i, form in enumerate(person.stored.forms):
        if i % 7 == 0:
            planted = world.data / "planted"
            planted.write_bytes(b"\0" * 777 + form + b"\xff" * 99)
            names = look_on_disk(world, person.stored)
            planted.unlink()
            check(person.stored.forms[form] in names.get("planted", ()), f"planted {person.stored.forms[form]} is not found")


def test_nothing_on_the_disk(world):
    found = look_on_disk(world, world.person.stored)
    check(not found, f"found on the disk: {found}")
    log = world.log_text().encode()
    check(not world.person.stored.inside(log), f"in the log: {world.person.stored.inside(log)}")


def test_nothing_after_signing_out(world):
    person = world.person
    person.browser.call("signOut")
    found = look_everywhere(world, person.owners)
    check(not found, f"found after the sign-out: {found}")
    person.browser.close()
    world.stop()
    found = look_on_disk(world, person.stored)
    check(not found, f"found on the disk once it stopped: {found}")
    world.start()


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
