"""Sign-up, sign-in, second factors and sessions over HTTPS, with the web client's own key library as the client: it runs under
node, makes keys and proofs itself, and has an authenticator for passkeys. Needs node and the packages of web/."""
import base64
import email
import email.policy
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import shutil
import struct
import subprocess
import time

from harness import Installation, Skip, WORK, as_bytes, check, check_equal, main, stop_and_inspect, wait_until

DOMAIN = "letterlock.test"
PASSWORD = "correct horse battery staple"
WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
BUNDLE = """
import * as esbuild from "esbuild";
await esbuild.build({entryPoints: ["test/system/client.ts"], outfile: process.argv[1], bundle: true, format: "esm",
  platform: "node", target: "node18", logLevel: "error", banner: {js:
  'import { createRequire as _cr } from "node:module"; const require = _cr(import.meta.url);' +
  'import { webcrypto as _wc } from "node:crypto"; globalThis.crypto ??= _wc;'}});
"""


class Problem(Exception):
    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer.get('text')}")
        self.type = answer["error"]


class Client:
    """One browser."""

    def __init__(self, world):
        self.origin = f"https://{world.hostname}:{world.ports['https']}"
        self.log = open(WORK / "node.log", "ab")
        self.proc = subprocess.Popen(["node", str(bundle()), world.hostname, world.address, str(world.ports["https"]), str(world.ca)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def ask(self, **line):
        self.proc.stdin.write(json.dumps(line).encode() + b"\n")
        self.proc.stdin.flush()
        answer = json.loads(self.proc.stdout.readline() or '{"error": "the client ended"}')
        if "error" in answer:
            raise Problem(answer)
        return answer["ok"]

    def call(self, method, **args):
        return self.ask(call=method, args=args)

    def post(self, command, **args):
        return self.ask(post=command, args=args)

    def login(self, address, password=PASSWORD, remember=False, device="Test"):
        return self.call("signInPassword", address=address, password=password, remember=remember, device=device)

    def passkey(self, state, **other):
        return self.ask(passkey="get", args=dict(rpId=state["rpId"], challenge=state["challenge"], origin=self.origin) | other)

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(30)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def bundle():
    out = WORK / "client.mjs"
    if not out.exists():
        if not shutil.which("node"):
            raise Skip("node is not installed")
        if not (WEB / "node_modules" / "esbuild").exists():
            raise Skip("the packages of the web client are not installed")
        subprocess.run(["node", "--input-type=module", "-e", BUNDLE, str(out)], cwd=WEB, check=True, timeout=120)
    return out


def refused(what, call, *args, **named):
    try:
        call(*args, **named)
    except Problem as p:
        check_equal(p.type, what, "the problem")
        return p
    check(False, f"{what} was not said")


def sign_up(world, client, name, **options):
    code = world.ctl("invitation", "add", DOMAIN).split()[0]
    address = f"{name}@{DOMAIN}"
    recovery = client.call("signupBegin", address=address, password=PASSWORD, invitation=code)
    client.call("signupFinish", code=recovery, remember=False, device="Sign-up", **options)
    return address, recovery


def totp(secret, at=None):
    key = base64.b32decode(secret)
    tag = hmac.new(key, struct.pack(">Q", int(at or time.time()) // 30), hashlib.sha1).digest()
    where = tag[19] & 15
    return f"{(struct.unpack('>I', tag[where:where + 4])[0] & 0x7fffffff) % 1000000:06}"


# A table of countries in which this machine's own addresses lie, unlike in the real one, somewhere.
PLACES = b"LLPLACE1" + struct.pack(">II", 2, 0) + b"\x7f\0\0\0AQ" + b"\x80\0\0\0\0\0"


def setup():
    world = Installation(domains=(DOMAIN,))
    (world.dir / "places").write_bytes(PLACES)
    world.configure({("server", "places"): str(world.dir / "places")})
    world.start().populate()
    world.ctl("domain", "registration", DOMAIN, "invitation")
    bundle()
    return world


# --- signing up ---

def test_sign_up_by_invitation_and_unlock(world):
    with Client(world) as c:
        check_equal(c.call("signupDomains"), [{"name": DOMAIN, "registration": "invitation"}], "domains")
        address, _ = sign_up(world, c, "alice")
        account = c.post("account")
        check_equal(account["address"], address, "address")
        check(account["confirmedUntil"] > time.time(), "fresh")
        check_equal(c.ask(get="/api/v1/session")["state"], "locked", "state")
        check_equal(len(c.ask(get="/api/v1/session")["unlockKey"]), 1622, "unlock key")
        c.call("unlockSession")
        check_equal(c.ask(get="/api/v1/session")["state"], "open", "state")
        check(any(r == "session-of-account" for r, _ in world.processes()), "a session process")
        c.call("signOut")
        refused("signed-out", c.post, "account")


def test_invitations_are_used_up(world):
    code = world.ctl("invitation", "add", DOMAIN, "--uses", "1", "--quota", "5M").split()[0]
    with Client(world) as c, Client(world) as d:
        first = c.call("signupBegin", address=f"first@{DOMAIN}", password=PASSWORD, invitation=code)
        second = d.call("signupBegin", address=f"second@{DOMAIN}", password=PASSWORD, invitation=code)
        c.call("signupFinish", code=first, remember=False, device="")
        check_equal(c.post("account")["quota"], 5 << 20, "quota")
        refused("denied", d.call, "signupFinish", code=second, remember=False, device="")
        refused("denied", d.call, "signupBegin", address=f"third@{DOMAIN}", password=PASSWORD, invitation=code)
        refused("denied", d.call, "signupBegin", address=f"third@{DOMAIN}", password=PASSWORD, invitation="0" * 26)
    check("There is no invitation" in world.ctl("invitation", "list"), "used up")
    fresh = world.ctl("invitation", "add", DOMAIN).split()[0]
    check(fresh in world.ctl("invitation", "list"), "listed")
    with Client(world) as c:
        refused("reserved", c.call, "signupBegin", address=f"Postmaster@{DOMAIN}", password=PASSWORD, invitation=fresh)
        refused("exists", c.call, "signupBegin", address=f"first@{DOMAIN}", password=PASSWORD, invitation=fresh)
        refused("denied", c.call, "signupBegin", address="x@elsewhere.test", password=PASSWORD, invitation=fresh)
        world.ctl("invitation", "revoke", fresh)
        refused("denied", c.call, "signupBegin", address=f"third@{DOMAIN}", password=PASSWORD, invitation=fresh)


def test_open_registration_by_work(world):
    world.ctl("domain", "registration", DOMAIN, "open", "--quota", "3M")
    with Client(world) as c:
        work = c.post("signup-work", address=f"worker@{DOMAIN}")
        refused("denied", c.post, "account-begin", address=f"other@{DOMAIN}", challenge=work["challenge"], nonce="AAAAAAAAAAA")
        recovery = c.call("signupBegin", address=f"worker@{DOMAIN}", password=PASSWORD, invitation="")
        c.call("signupFinish", code=recovery, remember=True, device="")
        check_equal(c.post("account")["quota"], 3 << 20, "quota")
    world.ctl("domain", "registration", DOMAIN, "closed")
    with Client(world) as c:
        check_equal(c.call("signupDomains"), [], "domains")
        refused("denied", c.call, "signupBegin", address=f"late@{DOMAIN}", password=PASSWORD, invitation="")
    world.ctl("domain", "registration", DOMAIN, "invitation")


# --- signing in ---

def test_password_and_strangers(world):
    with Client(world) as c:
        check_equal(c.login(f"alice@{DOMAIN}")["next"], "done", "next")
        c.call("unlockSession")
        c.call("signOut")
        # The library sees a wrong password in KE2 already; what the server says is asked for below.
        for address in (f"alice@{DOMAIN}", f"nobody@{DOMAIN}", "nobody@elsewhere.test"):
            ke1 = base64.urlsafe_b64encode(good_ke1()).decode().rstrip("=")
            one, two = c.post("login-start", address=address, ke1=ke1), c.post("login-start", address=address, ke1=ke1)
            check_equal((one["account"], one["unlocker"]), (two["account"], two["unlocker"]), "ids at each attempt")
            check_equal(len(base64.urlsafe_b64decode(one["ke2"] + "=")), 320, "KE2")
            check_equal(set(one), {"handle", "account", "unlocker", "ke2"}, "members")
            p = refused("refused", c.post, "login-password", handle=one["handle"], proof="A" * 86)
            check("not right, or not known" in str(p), "one answer for all")
            refused("expired", c.post, "login-password", handle=one["handle"], proof="A" * 86)
            refused("state", c.post, "login-totp", handle=two["handle"], code="123456")
        refused("signed-out", c.post, "keys-read", skip=0)
        refused("signed-out", c.post, "keys-stage", changes=[])


def good_ke1():
    """96 bytes that are a well-formed KE1: the group's generator, a nonce, the generator."""
    generator = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
    return generator + bytes(32) + generator


def test_guesses_have_a_limit(world):
    ke1 = base64.urlsafe_b64encode(good_ke1()).decode()
    with Client(world) as c:
        for name in ("guess-me", "nobody-there"):
            if name == "guess-me":
                sign_up(world, c, name)
            tries = 0
            try:
                for tries in range(40):
                    c.post("login-start", address=f"{name}@{DOMAIN}", ke1=ke1)
            except Problem as p:
                check_equal(p.type, "rate", "problem")
            check_equal(tries, 10, f"guesses at {name}")
            refused("rate", c.post, "login-start", address=f"{name.upper()}@{DOMAIN}", ke1=ke1)


def test_many_beginnings_keep_nobody_out(world):
    """More dialogues than are kept: those that proved nothing make room, those that did go on."""
    with Client(world) as c, Client(world) as d:
        address, _ = sign_up(world, c, "patient")
        secret = c.post("totp-begin")["secret"]
        d.login(address)
        body = b'{"device": "x"}'
        request = (f"POST /api/v1/auth/passkey-start HTTP/1.1\r\nHost: {world.hostname}\r\nContent-Type: application/json\r\n"
                   f"X-Letterlock: 1\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        handles = set()
        with world.connect_tls("https") as s, s.makefile("rb") as answers:
            for _ in range(4200):
                s.sendall(request)
                check(b" 200 " in answers.readline(), "status")
                length = 0
                while (line := answers.readline().strip()):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                handles.add(json.loads(answers.read(length))["handle"])
        check_equal(len(handles), 4200, "handles")
        check(secret and c.post("account")["address"] == address, "signed in")
        d.call("signOut")
        check_equal(d.login(address)["next"], "done", "next")


def test_recovery_code_and_new_password(world):
    with Client(world) as c, Client(world) as other:
        address, recovery = sign_up(world, c, "forgetful")
        other.login(address)
        c.call("signOut")
        check_equal(c.call("signInRecovery", address=address, code=recovery, remember=False, device="")["next"], "done", "next")
        c.call("changePassword", password="another long password", rotate=False)
        c.call("unlockSession")
        refused("signed-out", other.post, "account")
        c.post("account")
        other.login(address, "another long password")
        check_equal(len(other.post("sessions")["sessions"]), 2, "sessions")
        subjects = b"".join(wait_mail(world, c, address, b"recovery code"))
        check(b"password was changed" in subjects, "told of the new password")


def wait_mail(world, client, address, token):
    """The account's letters, by an app password made on the way."""
    name = address.partition("@")[0]
    app = client.call("addAppPassword", scope={"areas": 2, "protocols": 1 + 32, "expires": 0}, name=name)
    world.accounts[address] = app["password"]
    world.wait_message(address, token)
    return world.texts(address)


# --- second factors ---

def test_totp(world):
    with Client(world) as c, Client(world) as d:
        address, recovery = sign_up(world, c, "careful")
        begun = c.post("totp-begin")
        check(begun["uri"].startswith(f"otpauth://totp/{world.hostname}:careful@"), begun["uri"])
        wrong = f"{(int(totp(begun['secret'])) + 1) % 1000000:06}"
        refused("refused", c.post, "totp-confirm", handle=begun["handle"], code=wrong, name="phone")
        check_equal(d.login(address)["next"], "done", "not in force before it is confirmed")
        check_equal(c.post("factors")["factors"], [], "none yet")
        added = totp(begun["secret"])
        factor = c.post("totp-confirm", handle=begun["handle"], code=added, name="phone")
        refused("exists", c.post, "totp-begin")
        check_equal([(f["id"], f["type"], f["name"]) for f in c.post("factors")["factors"]], [(factor["id"], "totp", "phone")], "factors")
        d.call("signOut")
        state = d.login(address)
        check_equal((state["next"], state["totp"], state["passkey"], state["recovery"]), ("factor", True, False, True), "state")
        refused("signed-out", d.post, "account")
        refused("refused", d.call, "signInTotp", code=added)
        later = totp(begun["secret"], time.time() + 30)
        check_equal(d.call("signInTotp", code=later)["next"], "done", "next")
        d.call("unlockSession")
        # No step twice, and nothing with the recovery code alone.
        d.call("signOut")
        check_equal(d.call("signInRecovery", address=address, code=recovery, remember=False, device="")["next"], "factor", "next")
        refused("refused", d.call, "signInTotp", code=later)
        refused("signed-out", d.post, "account")
        # Password and recovery code are two proofs.
        check_equal(d.login(address)["next"], "factor", "next")
        check_equal(d.call("signInRecoveryFactor", code=recovery)["next"], "done", "next")
        check_equal(len(d.post("factors")["factors"]), 1, "it turns nothing off")
        d.call("signOut")
        world.ctl("account", "factors", address, "remove")
        check_equal(d.login(address)["next"], "done", "after the operator's help")
        wait_mail(world, d, address, b"Your second step at sign-in was removed")


def test_passkey(world):
    with Client(world) as c:
        address, _ = sign_up(world, c, "modern")
        begun = c.post("passkey-begin")
        check_equal(begun["rpId"], world.hostname, "rpId")
        bad = c.ask(passkey="create", args=begun | {"origin": "https://evil.example"})
        refused("refused", c.post, "passkey-add", handle=begun["handle"], name="key", **bad)
        begun = c.post("passkey-begin")
        made = c.ask(passkey="create", args=begun | {"origin": c.origin})
        factor = c.post("passkey-add", handle=begun["handle"], name="key", **made)
        refused("expired", c.post, "passkey-add", handle=begun["handle"], name="key", **made)
        # As a second factor.
        c.call("signOut")
        state = c.login(address)
        check_equal((state["next"], state["passkey"], len(state["credentials"])), ("factor", True, 1), "state")
        answer = {k: v for k, v in c.passkey(state).items() if k != "prf"}
        check_equal(c.call("signInPasskey", **answer)["next"], "done", "next")
        c.call("signOut")
        for change in ({"flags": 1}, {"origin": "https://evil.example"}, {"challenge": "A" * 43}, {"rpId": "evil.example"}):
            state = c.login(address)
            answer = {k: v for k, v in c.passkey(state, **change).items() if k != "prf"}
            refused("refused", c.call, "signInPasskey", **answer)
        refused("signed-out", c.post, "account")
        # Alone: it needs an unlocker first.
        state = c.call("passkeyStart", remember=False, device="")
        refused("refused", c.call, "passkeyFinish", **c.passkey(state))
        state = c.login(address)
        answer = c.passkey(state)
        c.call("signInPasskey", **{k: v for k, v in answer.items() if k != "prf"})
        unlocker = c.call("addPasskeyUnlocker", prf=answer["prf"], name="key")
        refused("not-found", c.post, "factor-edit", id=factor["id"], unlocker="A" * 21 + "Q")
        c.post("factor-edit", id=factor["id"], name="my key", unlocker=unlocker)
        check_equal(c.post("factors")["factors"][0]["unlocker"], unlocker, "unlocker")
        c.call("signOut")
        state = c.call("passkeyStart", remember=False, device="")
        answer = c.passkey(state)
        check_equal(c.call("passkeyFinish", **answer)["next"], "done", "next")
        c.call("unlockSession")
        check_equal(c.post("account")["address"], address, "address")
        # The same assertion again, in another dialogue.
        c.call("signOut")
        c.call("passkeyStart", remember=False, device="")
        refused("refused", c.call, "passkeyFinish", **answer)


# --- sessions ---

def test_alerts(world):
    """Told of a browser that was not seen before, once; not when its owner does not want it."""
    with Client(world) as c, Client(world) as d:
        address, _ = sign_up(world, c, "watchful")
        app = c.call("addAppPassword", scope={"areas": 2, "protocols": 1, "expires": 0}, name="mail")
        world.accounts[address] = app["password"]
        for name in ("Other browser", "Other browser", "Test client"):
            d.ask(agent=name)
            d.login(address, device="Somewhere\r\nBcc: x@y")
        letter = world.wait_message(address, "Other browser")
        check(b"Subject: Sign-in from a new device" in letter and b"127.0.0.1" in letter, letter)
        check(b"Country: AQ (roughly)" in letter, "country")
        check(b"Device: Somewhere  Bcc: x@y" in letter, "nothing but one line")
        c.post("alerts", on=False)
        d.ask(agent="Third browser")
        d.login(address)
        c.post("alerts", on=True)
        d.ask(agent="Fourth browser")
        d.login(address)
        world.wait_message(address, "Fourth browser")
        check_equal(len(world.texts(address)), 3, "letters, one of them about the app password")


ALERTS = {  # subjects, and what stands in the letter
    "fr": (("Connexion depuis un nouvel appareil", "Appareil : Library"), ("Une seconde étape à la connexion a été ajoutée", "Nom : phone"),
           ("Une seconde étape à la connexion a été retirée", "Nom : phone")),
    "de": (("Anmeldung von einem neuen Gerät", "Gerät: Library"), ("Ein zweiter Schritt beim Anmelden wurde hinzugefügt", "Name: phone"),
           ("Ein zweiter Schritt beim Anmelden wurde entfernt", "Name: phone")),
    "en": (("Sign-in from a new device", "Device: Library"), ("A second step at sign-in was added", "Name: phone"),
           ("A second step at sign-in was removed", "Name: phone")),
}


def letters_of(world, address, count):
    """Once there are so many, by their subjects."""
    def read():
        found = [email.message_from_bytes(text, policy=email.policy.default) for text in world.texts(address)]
        return {one["Subject"]: one for one in found} if len(found) == count else None
    return wait_until(read, f"{count} letters")


def test_alerts_in_every_language(world):
    with Client(world) as c, Client(world) as d:
        address, _ = sign_up(world, c, "reader", language="fr")
        check_equal(c.post("account")["language"], "fr", "as at the sign-up")
        app = c.call("addAppPassword", scope={"areas": 2, "protocols": 1, "expires": 0}, name="mail")
        world.accounts[address] = app["password"]
        for n, (code, letters) in enumerate(ALERTS.items()):
            c.post("language", language=code)
            d.ask(agent=f"Reading room {code}")
            d.login(address, device="Library")
            begun = c.post("totp-begin")
            c.post("totp-confirm", handle=begun["handle"], code=totp(begun["secret"]), name="phone")
            c.post("factor-remove", id=c.post("factors")["factors"][0]["id"])
            got = letters_of(world, address, 3 * n + 4)
            for subject, fact in letters:
                check(subject in got, sorted(got))
                check_equal((got[subject]["Content-Language"], got[subject].get_content_charset()), (code, "utf-8"), subject)
                check(fact in got[subject].get_content(), got[subject].get_content())


def test_told_of_every_way_in(world):
    """Whoever takes an account over makes a way to come back: its owner hears of each, and of where it was made."""
    with Client(world) as c:
        address, _ = sign_up(world, c, "wary")
        app = c.call("addAppPassword", scope={"areas": 2, "protocols": 1, "expires": 0}, name="mail")
        world.accounts[address] = app["password"]
        code = c.call("recoveryBegin")
        c.call("recoveryFinish", code=code)
        begun = c.post("passkey-begin")
        c.post("passkey-add", handle=begun["handle"], name="token", **c.ask(passkey="create", args=begun | {"origin": c.origin}))
        c.call("changePassword", password="another long password", rotate=False)
        # By the operator's command, with the owner's password.
        world.ctl("app-password", "add", address, "desk", "--password-stdin", stdin=b"another long password\n")
        def read():
            found = [email.message_from_bytes(text, policy=email.policy.default) for text in world.texts(address)]
            return sorted((one["Subject"], one.get_content()) for one in found) if len(found) == 5 else None
        got = wait_until(read, "five letters")
        check_equal([subject for subject, _ in got], ["A new app password", "A new app password", "A passkey was added",
                    "Your password was changed", "Your recovery code was renewed"], "what was told")
        check_equal(["Name: desk" in text for _, text in got], [True, False, False, False, False], "the one of the command")
        check_equal(["Name: mail" in text for _, text in got], [False, True, False, False, False], "the one of the page")
        check("Name: token" in got[2][1], got[2][1])
        for subject, text in got[1:]:
            check("Address: 127.0.0.1" in text and "Device: Sign-up" in text and "Program: Test client" in text, (subject, text))
        check("Address:" not in got[0][1] and "Time: " in got[0][1], got[0][1])


def test_whose_language(world):
    """The account's own, which its owner or the operator changes; else its domain's; else English."""
    with Client(world) as c:
        address, _ = sign_up(world, c, "polyglot")
        check_equal(c.post("account")["language"], "", "none of its own")
        changes = (lambda: world.ctl("domain", "language", DOMAIN, "fr"), lambda: c.post("language", language="de"),
                   lambda: world.ctl("account", "language", address, "en"), lambda: c.post("language", language=""),
                   lambda: world.ctl("domain", "language", DOMAIN, "none"))
        for change in changes:
            change()
            begun = c.post("totp-begin")
            c.post("totp-confirm", handle=begun["handle"], code=totp(begun["secret"]), name="phone")
            world.ctl("account", "factors", address, "remove")
        refused("request", c.post, "language", language="xx")
        app = c.call("addAppPassword", scope={"areas": 2, "protocols": 1, "expires": 0}, name="mail")
        world.accounts[address] = app["password"]
        wait_until(lambda: len(world.texts(address)) == 2 * len(changes) + 1, "letters")
        got = [email.message_from_bytes(text, policy=email.policy.default) for text in world.texts(address)]
        check_equal(sorted(one["Content-Language"] for one in got), sorted(["fr", "de", "en", "fr", "en"] * 2 + ["en"]), "languages")


def test_sessions(world):
    before = set(world.pids("session-of-account"))
    with Client(world) as a, Client(world) as b, Client(world) as d:
        address, _ = sign_up(world, a, "traveller")
        b.login(address, remember=True, device="Phone")
        d.login(address, device="Library")
        listed = a.post("sessions")["sessions"]
        check_equal([(s["device"], s["remember"], s["current"]) for s in listed],
                    [("Sign-up", False, True), ("Phone", True, False), ("Library", False, False)], "sessions")
        check_equal({(s["ip"], s["country"]) for s in listed}, {("127.0.0.1", "AQ")}, "addresses and countries")
        for client in (a, b, d):
            client.call("unlockSession")
        own = set(world.pids("session-of-account")) - before
        check_equal(len(own), 1, "session processes")
        library = next(s["id"] for s in listed if s["device"] == "Library")
        a.post("session-end", id=library)
        refused("signed-out", d.post, "account")
        refused("signed-out", lambda: d.ask(get="/api/v1/session"))
        check_equal(b.ask(get="/api/v1/session")["state"], "open", "state")
        refused("not-found", a.post, "session-end", id=library)
        a.post("sessions-end")
        refused("signed-out", b.post, "account")
        a.call("signOut")
        wait_until(lambda: not own & set(world.pids("session-of-account")) or None,
                   "the session process ends with the last web session", 20)


def test_a_fresh_proof_is_asked_for_by_the_server(world):
    """A cookie alone neither adds factors nor deletes: the proof is of that session, and is not another's."""
    with Client(world) as c, Client(world) as d:
        address, _ = sign_up(world, c, "stepper")
        d.login(address)
        cookie = d.ask(cookie="")
        start = c.post("confirm-start", ke1=base64.urlsafe_b64encode(good_ke1()).decode())
        refused("signed-out", d.post, "confirm-password", handle=start["handle"], proof="A" * 86)
        d.ask(cookie=cookie)
        refused("expired", d.post, "confirm-password", handle=start["handle"], proof="A" * 86)
        refused("refused", c.post, "confirm-password", handle=start["handle"], proof="A" * 86)
        c.call("confirm", password=PASSWORD)
        c.post("account-delete")
        refused("signed-out", c.post, "account")
        refused("signed-out", d.post, "account")
        check(address not in world.ctl("account", "list"), "deleted")


def test_a_change_that_was_left_is_no_part_of_the_next(world):
    manifest = base64.urlsafe_b64encode(b"k/manifest/" + bytes(7) + b"\x09").decode().rstrip("=")
    leave = dict(change="bGVmdCBieSBhIHBhZ2UuLg", changes=[{"kind": "put-new", "key": manifest, "value": "AA"}])
    with Client(world) as c:
        c.login(f"alice@{DOMAIN}")
        before = c.post("account")["seq"]
        c.post("keys-stage", **leave)
        c.call("rotate", areas=1)
        check_equal(c.post("account")["seq"], before + 1, "the next change")
        c.post("keys-stage", **leave)
        refused("conflict", c.post, "keys-update", change="YW5vdGhlciBjaGFuZ2UuLg", verifiers=[])
        refused("malformed", c.post, "keys-update", change=leave["change"], verifiers=[])
        refused("malformed", c.post, "keys-stage", changes=leave["changes"])


def test_app_passwords_show_their_last_use(world):
    with Client(world) as c:
        address, _ = sign_up(world, c, "mailer")
        app = c.call("addAppPassword", scope={"areas": 2, "protocols": 1, "expires": 0}, name="phone")
        find = lambda: next(u for u in c.post("unlockers")["unlockers"] if u["name"] == "phone")
        check_equal((find()["type"], find()["lastUsed"]), ("app-password", 0), "before")
        # Locked for the web, and a mail program comes: it brings the keys.
        check_equal(c.ask(get="/api/v1/session")["state"], "locked", "state")
        world.accounts[address] = app["password"]
        world.imap(address).logout()
        check_equal(c.ask(get="/api/v1/session")["state"], "open", "state")
        check(time.time() - find()["lastUsed"] < 2 * 86400, "after")
        check_equal(find()["lastUsed"] % 86400, 0, "to a day")


def test_a_session_takes_only_its_owners_keys(world):
    with Client(world) as a:
        sign_up(world, a, "owner")
        key = a.ask(get="/api/v1/session")["unlockKey"]
        raw = Raw(world)
        cookie = a.ask(cookie="")
        a.ask(cookie=cookie)
        for sealed in ("", "A" * 1500, "A" * 2000):
            check_equal(raw.post("/api/v1/session/unlock", {"sealed": sealed}, cookie)[0], 401, "status")
        check(a.ask(get="/api/v1/session")["unlockKey"] != key, "another key after a failure")
        # A key that is well sealed, for the right account and version, and another than the account's.
        state = a.ask(get="/api/v1/session")
        sealed = a.ask(seal=state["unlockKey"], account=state["accountId"], version=1)
        check_equal(raw.post("/api/v1/session/unlock", {"sealed": sealed}, cookie)[0], 401, "status")
        check_equal(a.ask(get="/api/v1/session")["state"], "locked", "state")
        a.call("unlockSession")
        check_equal(a.ask(get="/api/v1/session")["state"], "open", "state")


# --- the wire ---

class Raw:
    def __init__(self, world):
        self.world = world

    def post(self, path, fields, cookie=None, headers=None):
        c = http.client.HTTPSConnection(self.world.address, self.world.ports["https"], context=self.world.tls())
        c.sock = self.world.connect_tls("https")
        all_headers = {"Host": self.world.hostname, "Content-Type": "application/json", "X-Letterlock": "1"} | (headers or {})
        if cookie:
            all_headers["Cookie"] = f"__Host-letterlock={cookie}"
        c.request("POST", path, body=fields if isinstance(fields, bytes) else json.dumps(fields), headers=all_headers)
        r = c.getresponse()
        return r.status, dict(r.getheaders()), r.read()


def test_cookie_and_problems(world):
    raw = Raw(world)
    with Client(world) as c:
        c.login(f"alice@{DOMAIN}")
        token = c.ask(cookie="")
        check_equal(len(base64.urlsafe_b64decode(token + "=")), 32, "token")
        status, headers, body = raw.post("/api/v1/auth/account", {}, token)
        check_equal(status, 200, "status")
        status, headers, body = raw.post("/api/v1/auth/logout", {}, token)
        cookie = headers.get("Set-Cookie", headers.get("set-cookie", ""))
        check(re.search("^__Host-letterlock=;", cookie) and "Max-Age=0" in cookie, cookie)
        check_equal(raw.post("/api/v1/auth/account", {}, token)[0], 401, "after logout")
    for body, status in ((b"{", 400), (b'{"address":"a","address":"b"}', 400), (b"[]", 400), (b'{"x":1}', 400)):
        got, headers, problem = raw.post("/api/v1/auth/login-start", body)
        check_equal(got, status, body)
        check("problem+json" in str(headers), headers)
        check_equal(json.loads(problem)["status"], status, "status in the problem")
    check_equal(raw.post("/api/v1/auth/nothing", {})[0], 404, "unknown command")


def test_nothing_secret_is_on_disk(world):
    """Neither tokens nor invitations nor addresses, nor the password, anywhere in the data directory."""
    with Client(world) as c:
        address, recovery = sign_up(world, c, "discreet-person")
        begun = c.post("totp-begin")
        c.post("totp-confirm", handle=begun["handle"], code=totp(begun["secret"]), name="phone of discretion")
        token = base64.urlsafe_b64decode(c.ask(cookie="") + "=")
    world.stop()
    words = [token, base64.b32decode(begun["secret"]), begun["secret"], PASSWORD, address, "discreet-person", recovery,
             recovery.replace("-", ""), "phone of discretion"]
    files = [p for p in world.data.rglob("*") if p.is_file()]
    check(len(files) > 2, "there are files")
    for path in files:
        data = path.read_bytes()
        for word in words:
            check(as_bytes(word) not in data, f"{word!r} in {path}")
    check(PASSWORD not in world.log_text() and recovery not in world.log_text(), "the log")
    world.start()
    with Client(world) as c:
        check_equal(c.login(address)["next"], "factor", "after a restart")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
