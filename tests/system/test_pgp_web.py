"""OpenPGP in the web client, in Chromium against a real server, with gpg as the other side and as the judge. web/browser/pgp.mjs
has the tests; this starts what they need."""
import base64
import hashlib
import http.client
import shutil
import sys

from harness import Installation, Skip, check, command, main
from test_web import DOMAIN, Browser, add_person, browser_test, ready, teardown, tests

PARTS = ("pgp",)
ZBASE32 = b"ybndrfg8ejkmcpqxot1uwisza345h769"


def zbase32(data):
    text = base64.b32encode(data)
    return text.translate(bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ZBASE32)).decode()


class PgpBrowser(Browser):

    def ask_wkd(self, address):
        """The key as a stranger gets it, by the Web Key Directory's advanced method."""
        local, domain = address.split("@")
        hashed = zbase32(hashlib.sha1(local.encode()).digest())
        c = http.client.HTTPSConnection(self.world.hostname, self.world.ports["https"])
        c.sock = self.world.connect_tls("https")
        c.request("GET", f"/.well-known/openpgpkey/{domain}/hu/{hashed}?l={local}")
        answer = c.getresponse()
        body = answer.read()
        c.close()
        check(answer.status in (200, 404), f"WKD answers {answer.status}")
        return {"key": base64.b64encode(body).decode() if answer.status == 200 else None}

    def raw_of(self, name, mailbox, text=None):
        """Messages as IMAP has them; text: only those with it in their subject."""
        with self.world.imap(f"{name}@{DOMAIN}") as m:
            m.do("select", mailbox, True)
            uids = m.do("uid", "search", None, "ALL")[0].split()
            texts = [m.do("uid", "fetch", uid.decode(), "(BODY.PEEK[])")[0][1].decode("utf-8", "replace") for uid in uids]
        return [t for t in texts if text is None or text in t.split("\r\n\r\n")[0]]

    def ask_raw(self, to, text):
        found = self.raw_of(to, "INBOX", text)
        check(found, f"nothing with {text} at {to}")
        return {"raw": found[-1]}

    def ask_on_disk(self, hex):
        """Whether bytes stand in any file of the installation's data."""
        wanted = bytes.fromhex(hex)
        return {"found": any(wanted in f.read_bytes() for f in self.world.data.rglob("*") if f.is_file())}

    def ask_drafts(self, of):
        return {"raw": self.raw_of(of, "Drafts")}

    def ask_submit(self, **args):
        sender, to, lines = f"{args['from']}@{DOMAIN}", f"{args['to']}@{DOMAIN}", args["lines"]
        with self.world.submission(sender) as s:
            s.sendmail(sender, [to], "\r\n".join(lines).encode())
        return {}


def setup(parts=PARTS):
    ready()
    if not shutil.which("gpg"):
        raise Skip("gpg is not installed")
    world = Installation(domains=(DOMAIN,)).start().populate()
    people = {name: add_person(world, name) for name in ("alice", "bob", "carol", "dora", "gus")}
    world.add_account(f"dave@{DOMAIN}")
    world.browser = PgpBrowser(world, people, parts)
    return world


if __name__ == "__main__":
    main(tests(*PARTS), setup, teardown)
