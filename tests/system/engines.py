"""The web client in the engines of Firefox and of Safari: web/browser/engines.mjs goes the chief way in both at once, this starts
the server and reads what arrived. Needs Debian's firefox-esr, webkit2gtk-driver and xvfb. Not part of ./check: Firefox asks
its makers for updates when it likes, which the barrier cannot always tell from a page's requests."""
import pathlib
import shutil

from harness import Installation, Skip, letter, main, wait_until
from test_pgp_web import PgpBrowser
from test_web import DOMAIN, add_person, ready, teardown, tests

MINI_BROWSER = pathlib.Path("/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser")
PARTS = ("engines",)


class Engines(PgpBrowser):
    def __init__(self, world, people):
        super().__init__(world, people, PARTS)

    def say(self, line):
        if "spki" in line:
            tls = self.world.dir / "tls"
            line = line | {"host": "localhost", "ca": str(tls / "ca.pem"), "certificate": str(tls / "certificate.pem")}
        super().say(line)


def setup():
    ready()
    for what, there in (("firefox-esr", shutil.which("firefox-esr")), ("WebKitWebDriver", shutil.which("WebKitWebDriver")),
                        ("MiniBrowser", MINI_BROWSER.exists()), ("Xvfb", shutil.which("Xvfb"))):
        if not there:
            raise Skip(f"{what} is not installed")
    # MiniBrowser cannot be told of names: it finds this machine by the one that every machine has.
    world = Installation(domains=(DOMAIN,), settings={("server", "web_host"): "localhost"}).start().populate()
    people = {name: add_person(world, name) for name in ("alice", "bob")}
    world.add_account(f"dave@{DOMAIN}")
    for one in people.values():
        world.deliver("first@sender.example", [one["address"]], letter("first@sender.example", one["address"], "Welcome"))
        wait_until(lambda: any(b"Welcome" in t for t in world.texts(one["address"])), "the first letter")
    world.browser = Engines(world, people)
    return world


if __name__ == "__main__":
    main(tests(*PARTS), setup, teardown)
