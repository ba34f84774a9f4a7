"""Hostile mail in the web client, in Chromium: letters that try to phone home, to run script, to leave their frame, or to pass
for somebody else's. web/browser/hostile_mail.mjs writes them, and hostile_sealed.mjs those with OpenPGP in them, for a reader
whose keys are open; hostile_run.mjs opens them all. The server's questions to the DNS are never answered meanwhile."""
import json
import re
import secrets
import socket
import subprocess
import sys

from harness import WORK, Installation, check, check_equal, command, letter, main, stop_and_inspect
from test_web import WEB, ready, spki

DOMAIN = "letterlock.test"
ALICE = f"alice@{DOMAIN}"


def deliver(world, folder, letters):
    """By IMAP, which takes every message as it is; by SMTP where it matters who delivered it."""
    with world.imap(ALICE) as m:
        sent = letter(f"Alice <{ALICE}>", "Marta Lindqvist <marta@lindqvist.example>", "Written before")
        m.do("append", "Sent", "(\\Seen)", None, sent)
        for i, one in enumerate(letters):
            raw = (folder / f"{i}.eml").read_bytes()
            if one.get("smtp"):
                world.deliver("mallory@sender.example", [ALICE], raw)
            else:
                m.do("append", "INBOX", None, None, raw)


class Silence:
    """Takes questions to the DNS and never says a word."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.port = self.udp.getsockname()[1]
        self.tcp = socket.create_server(("127.0.0.1", self.port))

    def asked(self):
        self.udp.setblocking(False)
        try:
            return bool(self.udp.recv(4096))
        except BlockingIOError:
            return False


def setup():
    ready()
    silence = Silence()
    world = Installation(domains=(DOMAIN,), settings={("dns", "forward"): f"127.0.0.1@{silence.port}"}).start().populate()
    world.silence = silence
    password = f"{secrets.token_hex(4)} ladder {secrets.token_hex(4)}"
    made = json.loads(world.ctl("--json", "account", "add", ALICE, "--password-stdin", "--no-confirm", "--app-password", "test",
                                stdin=password.encode() + b"\n"))
    world.accounts[ALICE] = made["app_password"]["password"]
    folder = WORK / "letters"
    command("node", WEB / "browser" / "hostile_mail.mjs", folder)
    world.letters = json.loads((folder / "index.json").read_text())
    deliver(world, folder, world.letters)
    config = {"host": world.hostname, "port": world.ports["https"], "spki": spki(world.dir / "tls" / "certificate.pem"),
              "folder": str(folder), "person": {"address": ALICE, "password": password}, "only": sys.argv[1] if sys.argv[1:] else None}
    with open(WORK / "node.log", "wb") as log:
        done = subprocess.run(["node", "browser/hostile_run.mjs"], cwd=WEB, input=json.dumps(config).encode(), stdout=subprocess.PIPE,
                              stderr=log, check=False)
    check_equal(done.returncode, 0, f"node\n{(WORK / 'node.log').read_text()[-3000:]}\nstatus")
    world.result = json.loads(done.stdout)
    (WORK / "result.json").write_text(json.dumps(world.result, indent=1))
    world.letters = world.result["list"]
    return world


def lines(found):
    return "\n".join(str(one) for one in found)


def test_no_letter_reaches_another_host_or_runs_script(world):
    leaks = world.result["leaks"]
    named = {one["host"]: one["name"] for one in world.letters}
    told = [re.sub(r"v\d+\.evil\.example", lambda m: f"{m[0]} ({named.get(m[0])})", leak) for leak in leaks]
    check(not leaks, f"{len(leaks)} leaks\n{lines(told[:40])}")
    check(world.result["control"], "the listener notices a connection")
    check(world.silence.asked(), "the DNS was not asked")


def test_every_letter_is_shown_and_the_page_stays_whole(world):
    result = world.result
    check_equal(result["missing"], [], "letters that were not found")
    check(len(result["letters"]) >= 150 or sys.argv[1:], f"{len(result['letters'])} letters")
    bad = []
    named = {one["name"]: one for one in world.letters}
    for name, seen in result["letters"].items():
        if not seen["shown"] and not named[name].get("withheld"):
            bad.append(f"{name}: not shown")
        if (seen["shown"] == "reason") != bool(named[name].get("says")):
            bad.append(f"{name}: shown as {seen['shown']}")
        if seen["secret"]:
            bad.append(f"{name}: what was encrypted is shown with what is around it")
        if seen["strange"] or not seen["sound"] or not seen["path"].startswith("/mail/inbox/") or "ran" == seen["title"]:
            bad.append(f"{name}: { {k: seen[k] for k in ('strange', 'sound', 'path', 'title', 'verdicts')} }")
    check(not bad, lines(bad))
    check(not result["faults"], lines(result["faults"]))


def test_images_come_by_our_server_when_they_are_wanted(world):
    images = world.result["images"]
    check(len(images) >= 3, f"images were asked for: {images}")
    check(all("/api/v1/image?" in url for url in images), lines(images))


def test_whoever_poses_is_shown_for_it(world):
    bad = []
    for one in world.letters:
        notes = world.result["letters"].get(one["name"], {}).get("notes", [])
        if one.get("warns") and not any(re.search(one["warns"], note, re.I) for note in notes):
            bad.append(f"{one['name']}: {notes}")
    check(not bad, lines(bad))


def test_nothing_is_called_verified(world):
    for name, seen in world.result["letters"].items():
        check("verified" not in seen["verdicts"], f"{name} is shown as verified")
        check(not re.search(r"\bverified\b", seen["words"], re.I), f"{name} says that it is verified: {seen['words'][:300]}")


if __name__ == "__main__":
    main([test_no_letter_reaches_another_host_or_runs_script, test_every_letter_is_shown_and_the_page_stays_whole,
          test_images_come_by_our_server_when_they_are_wanted, test_whoever_poses_is_shown_for_it, test_nothing_is_called_verified],
         setup, stop_and_inspect)
