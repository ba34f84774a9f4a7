"""Read receipts in the web client, in Chromium (web/browser/receipts.mjs): asked for by a stranger's letter, sent when its reader
says so, to who asked. What arrives is read by IMAP."""
import email
import email.policy

from harness import Installation, letter, main, quote, token, wait_until
from test_web import DOMAIN, Browser, add_person, ready, teardown, tests

# He reads by IMAP, and is told by receipts.
DAVE = f"dave@{DOMAIN}"


class Receipts(Browser):
    def ask_asking(self, to, asker, sender):
        """A letter that asks for a receipt."""
        word = token()
        address = f"{to}@{DOMAIN}"
        fields = {"Disposition_Notification_To": asker} if asker else {}
        self.world.deliver(sender, [address], letter(f"Dave <{sender}>", address, f"Letter {word}", **fields))
        return {"token": word}

    def ask_receipts(self, token):
        """The receipts for a letter: who is told to have read it."""
        with self.world.imap(DAVE) as m:
            m.do("select", "INBOX", True)
            found = m.do("search", None, "SUBJECT", quote(f"Read: Letter {token}"))[0].split()
            whole = [email.message_from_bytes(m.do("fetch", n.decode(), "BODY.PEEK[]")[0][1], policy=email.policy.default) for n in found]
        return {"receipts": [str(part) for one in whole for part in one.walk()
                             if part.get_content_type() == "message/disposition-notification"]}

    def ask_marked(self, to, token):
        with self.world.imap(f"{to}@{DOMAIN}") as m:
            m.do("select", "INBOX", True)
            return {"marked": len(m.do("search", None, "KEYWORD", "$MDNSent", "SUBJECT", quote(token))[0].split())}


def setup():
    ready()
    world = Installation(domains=(DOMAIN,)).start().populate()
    people = {name: add_person(world, name) for name in ("alice",)}
    world.add_account(DAVE)
    world.deliver("first@sender.example", [people["alice"]["address"]], letter("first@sender.example", people["alice"]["address"], "Welcome"))
    wait_until(lambda: any(b"Welcome" in t for t in world.texts(people["alice"]["address"])), "the first letter")
    world.browser = Receipts(world, people, ("receipts",))
    return world


if __name__ == "__main__":
    main(tests("receipts"), setup, teardown)
