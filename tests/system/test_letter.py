"""Letters under a password: written in Chromium to people elsewhere, whose mail server is a real one; opened in a browser of
their own with the link from the mail; answered, expired, withdrawn. web/browser/protected.mjs holds what happens in browsers.
What the letters say is then looked for in the memory of every process and in every file."""
import email
import email.policy
import os
import re
import secrets

from harness import WORK, Installation, Skip, check, free_ports, main, stop_and_inspect, wait_until
from nameserver import Nameserver, Zone
from sink import Sink
from test_pgp_web import PgpBrowser
from test_web import DOMAIN, add_person, ready, tests
from test_websecret import Words, look_everywhere, look_on_disk

LINK = re.compile(r"https://\S+/letter#[A-Za-z0-9_-]{66}")


class Letters(PgpBrowser):
    def __init__(self, world, people, words):
        self.words = words
        super().__init__(world, people, ("protected",))

    def say(self, line):
        if "spki" in line:
            line = line | {"words": self.words}
        super().say(line)

    def ask_link(self, to):
        """The mail with the link, as the recipient's server got it."""
        def found():
            return [m for m in self.world.sink.messages if any(to in r for r in m.recipients)]
        wait_until(found, f"mail for {to}")
        m = email.message_from_bytes(found()[0].data, policy=email.policy.default)
        text = m.get_body(("plain",)).get_content()
        links = LINK.findall(text)
        check(len(links) == 1, f"not one link: {text}")
        check(m.get_content_type() == "text/plain", m.get_content_type())
        return {"text": found()[0].data.decode() + text, "link": links[0]}


def setup():
    ready()
    port = free_ports(1, "127.0.0.2")[0]
    zone = Zone("elsewhere.example", WORK / "zones")
    zone.add("@ MX 10 mx", "mx A 127.0.0.2")
    dns = Nameserver([zone], WORK / "zones")
    world = Installation(domains=(DOMAIN,), settings={
        ("dns", "stub"): dns.stubs, ("dns", "trust_anchor"): dns.write_anchors(WORK / "anchor"), ("relay", "port"): port}).start().populate()
    world.dns, world.sink = dns, Sink("127.0.0.2", port)
    people = {name: add_person(world, name) for name in ("alice", "bob")}
    words = {what: f"{what}-{secrets.token_hex(8)}" for what in ("subject", "text", "file", "answer")}
    world.words = Words()
    for name, word in words.items():
        world.words.text(name, word)
    world.words.text("password", "rumpus-velvet-49-orchard")
    world.browser = Letters(world, people, words)
    return world


def teardown(world):
    world.browser.close()
    world.sink.close()
    world.dns.stop()
    stop_and_inspect(world)


def test_the_server_never_has_what_letters_say(world):
    """While people are still signed in, and what they wrote has gone through all processes."""
    disk = look_on_disk(world, world.words)
    check(not disk, f"on the disk: {disk}")
    if os.geteuid() != 0:
        raise Skip("the memory of processes can be read by root only")
    found = look_everywhere(world, world.words)
    check(not found, f"in memory: {found}")


def test_the_search_finds_what_is_there(world):
    """The same search, with the address of somebody who is signed in, which the server does know."""
    known = Words()
    known.text("person", f"alice@{DOMAIN}")
    if os.geteuid() != 0:
        raise Skip("the memory of processes can be read by root only")
    with world.imap(f"alice@{DOMAIN}"):
        check(look_everywhere(world, known), "nothing is found that must be there")


if __name__ == "__main__":
    main([*tests("protected"), test_the_server_never_has_what_letters_say, test_the_search_finds_what_is_there], setup, teardown)
