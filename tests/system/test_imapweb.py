"""Bringing mail over from another IMAP server, in the page: web/browser/importing.mjs holds the tests. The other server is a second
Letterlock on this machine, found by its SRV record."""
import socket

from harness import WORK, Installation, letter, main, stop_and_inspect
from nameserver import Nameserver, Zone
from test_web import DOMAIN, Browser, add_person, ready, tests

OTHER = "bob@two.example"
SILENT = "silent.example"
PARTS = ("importing",)


class ImportBrowser(Browser):
    def ask_other(self):
        return {"address": OTHER, "password": self.world.two.accounts[OTHER], "port": self.world.two.ports["imaps"]}


def setup():
    ready()
    two = Installation("two", domains=("two.example",)).start().populate(OTHER)
    with two.imap(OTHER) as m:
        for i in range(40):
            m.do("append", "INBOX", "(\\Seen)", None, letter("Someone <someone@example.net>", OTHER, f"Imported letter {i}"))
        m.do("create", "Projects")
        m.do("append", "Projects", "", None, letter("Someone <someone@example.net>", OTHER, "A project"))
    zone = Zone("two.example", WORK / "zones")
    zone.add("mail A 127.0.0.1", f"_imaps._tcp SRV 0 0 {two.ports['imaps']} mail.two.example.")
    dns = Nameserver([zone], WORK / "zones")
    # A zone whose server hears every question and answers none.
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    world = Installation(settings={("dns", "stub"): f"{dns.stubs}, {SILENT} 127.0.0.1@{silent.getsockname()[1]}", ("dns", "trust_anchor"): dns.write_anchors(WORK / "anchor"),
                                   ("relay", "private_fetch"): "1", ("import", "ports"): two.ports["imaps"], ("tls", "ca_file"): two.ca})
    world.start().populate()
    world.two, world.dns, world.silent = two, dns, silent
    world.ctl("domain", "registration", DOMAIN, "invitation")
    world.browser = ImportBrowser(world, {name: add_person(world, name) for name in ("alice", "bob")}, PARTS)
    return world


def teardown(world):
    world.browser.close()
    world.dns.stop()
    world.silent.close()
    stop_and_inspect(world, world.two)


if __name__ == "__main__":
    main(tests(*PARTS), setup, teardown)
