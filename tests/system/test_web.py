"""The web client in Chromium against a real server: web/browser/*.mjs hold the tests, this starts what they need and does for
them what a browser cannot. Needs node, the packages of web/ and Debian's chromium."""
import email
import email.policy
import hashlib
import imaplib
import json
import pathlib
import secrets
import shutil
import subprocess
import sys

from harness import HERE, Installation, Skip, WORK, check, command, inside, letter, main, quote, stop_and_inspect, token, wait_until

DOMAIN = "letterlock.test"
WEB = HERE.parents[1] / "web"
MAKE_MAIL = HERE.parents[1] / "share" / "demo" / "make_mail.py"


def spki(ca_signed):
    """The hash by which Chromium is told of one key that it may trust."""
    public = command("openssl", "x509", "-in", ca_signed, "-noout", "-pubkey").encode()
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, stdout=subprocess.PIPE, check=True).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, stdout=subprocess.PIPE, check=True).stdout
    return subprocess.run(["openssl", "base64", "-A"], input=digest, stdout=subprocess.PIPE, check=True).stdout.decode()


class Browser:
    """The node process with the tests in it."""

    def __init__(self, world, people, parts=()):
        self.world = world
        self.log = open(WORK / "node.log", "ab")
        with inside(world.netns):
            self.proc = subprocess.Popen(["node", "browser/run.mjs", *parts], cwd=WEB, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.say({"host": world.hostname, "address": world.address, "port": world.ports["https"], "spki": spki(world.dir / "tls" / "certificate.pem"), "people": people,
                  "screens": str(WORK / "screens"), "work": str(WORK)})

    def say(self, line):
        self.proc.stdin.write(json.dumps(line).encode() + b"\n")
        self.proc.stdin.flush()

    def run(self, name):
        self.say({"run": name})
        while True:
            line = self.proc.stdout.readline()
            check(line, f"node ended\n{(WORK / 'node.log').read_text()[-3000:]}")
            answer = json.loads(line)
            if "done" in answer:
                check("error" not in answer, answer.get("error"))
                return
            self.say(self.answer(answer.pop("ask"), answer))

    def answer(self, what, args):
        try:
            return getattr(self, "ask_" + what)(**args)
        except Exception as e:  # the test that asked fails with it
            return {"error": f"{what}: {e!r}"}

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(60)
        self.log.close()

    # --- what tests ask for ---

    def ask_deliver(self, to):
        word = token()
        address = f"{to}@{DOMAIN}"
        self.world.deliver("someone@sender.example", [address], letter("Someone <someone@sender.example>", address, f"Letter {word}"))
        return {"token": word}

    def ask_deliver_html(self, to, html):
        word = token()
        address = f"{to}@{DOMAIN}"
        text = letter("Someone <someone@sender.example>", address, f"Letter {word}", html + "\r\n", MIME_Version="1.0", Content_Type="text/html")
        self.world.deliver("someone@sender.example", [address], text)
        return {"token": word}

    def ask_flag(self, token):
        with self.world.imap(f"alice@{DOMAIN}") as m:
            m.do("select", "INBOX")
            found = m.do("search", None, "SUBJECT", token)[0].split()
            m.do("store", found[0].decode(), "+FLAGS", "(\\Seen)")
        return {}

    # dave reads by IMAP alone and has no OpenPGP key, so letters to him are as other programs would get them.

    def ask_count(self, to, subject):
        with self.world.imap(f"{to}@{DOMAIN}") as m:
            m.do("select", "INBOX", True)
            return {"count": len(m.do("search", None, "SUBJECT", quote(subject))[0].split())}

    def ask_letter(self, to, subject):
        whole = self.world.wait_message(f"{to}@{DOMAIN}", f"Subject: {subject}")
        m = email.message_from_bytes(whole, policy=email.policy.default)
        files = [{"name": part.get_filename(), "sha256": hashlib.sha256(part.get_content()).hexdigest()} for part in m.iter_attachments()]
        html = m.get_body(("html",))
        return {"text": m.get_body(("plain",)).get_content(), "html": html.get_content() if html else "", "files": files,
                "from": m["From"].addresses[0].addr_spec}

    def ask_alias(self, how, alias, to):
        self.world.ctl("alias", how, alias, f"{to}@{DOMAIN}")
        return {}

    def ask_notice(self, to, subject):
        """What dave gets for a letter to somebody who is away."""
        dave, address = f"dave@{DOMAIN}", f"{to}@{DOMAIN}"
        self.world.deliver(dave, [address], letter(dave, address, f"Letter {token()}"))
        m = email.message_from_bytes(self.world.wait_message(dave, f"Subject: {subject}"), policy=email.policy.default)
        return {"type": m.get_content_type(), "text": m.get_body(("plain",)).get_content(), "html": m.get_body(("html",)).get_content()}

    def ask_invitation(self):
        return {"code": self.world.ctl("invitation", "add", DOMAIN).split()[0]}

    def ask_queue(self):
        listed = json.loads(self.world.ctl("--json", "queue", "list"))
        return {"waiting": len(listed)}

    def ask_imap(self, address, password):
        m = self.world.imap()
        try:
            m.login(address, password.replace(" ", "").replace("-", ""))
            m.logout()
            return {"opened": True}
        except imaplib.IMAP4.error:
            m.shutdown()
            return {"opened": False}


def ready():
    """What is missing is named, so that a skip is seen for what it is."""
    for what, there in (("node", shutil.which("node")), ("Debian's chromium", pathlib.Path("/usr/bin/chromium").exists()),
                        ("openssl", shutil.which("openssl"))):
        if not there:
            raise Skip(f"{what} is not installed")
    if not (WEB / "node_modules" / "playwright-core").exists():
        raise Skip("the packages of the web client are not installed")


def add_person(world, name):
    """An account with a password for the web and an app password for the rest."""
    address, password = f"{name}@{DOMAIN}", f"{secrets.token_hex(4)} ladder {secrets.token_hex(4)}"
    made = json.loads(world.ctl("--json", "account", "add", address, "--password-stdin", "--no-confirm", "--app-password", "test",
                                stdin=password.encode() + b"\n"))
    app = made["app_password"]["password"]
    world.accounts[address] = app
    return {"address": address, "password": password, "app": app}


def setup(make=Browser):
    ready()
    world = Installation(domains=(DOMAIN,)).start().populate()
    world.ctl("domain", "registration", DOMAIN, "invitation")
    people = {name: add_person(world, name) for name in ("alice", "bob")}
    world.add_account(f"dave@{DOMAIN}")
    (world.dir / "accounts").write_text("".join(f"{p['address']} {p['app']}\n" for p in people.values()))
    command(sys.executable, "-B", MAKE_MAIL, world.dir, "localhost", world.ports["imaps"], world.ports["submissions"])
    wait_until(lambda: any(b"Soup" in t for t in world.texts(f"alice@{DOMAIN}")), "bob's letter")
    world.browser = make(world, people)
    return world


def teardown(world):
    world.browser.close()
    stop_and_inspect(world)


def browser_test(name):
    def test(world):
        world.browser.run(name)
    test.__name__ = name
    return test


def tests(*parts):
    try:
        ready()
    except Skip:
        return [browser_test("the web client in Chromium")]
    listed = subprocess.run(["node", "browser/run.mjs", "--list", *parts], cwd=WEB, stdout=subprocess.PIPE, check=True).stdout
    wanted = sys.argv[1:]
    return [browser_test(name) for name in json.loads(listed) if not wanted or any(w in name for w in wanted)]


if __name__ == "__main__":
    main(tests(), setup, teardown)
