"""./run: its contract, for people and for scripts. The binary is the one under test; installing and building are left out."""
import contextlib
import imaplib
import json
import os
import pathlib
import random
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import time

from harness import BINARY, HERE, PATIENCE, WORK, check, check_equal, letter, main, token, wait_until

RUN = HERE.parent.parent / "run"
BASE = {"smtp": 2525, "submissions": 4465, "submission": 4587, "imaps": 4993, "https": 8443}
DEMO = WORK / "demo folder"  # with a space: nothing may fall apart over it
# What ./run may add its number to; all of it stays below the ports that clients are given.
ALL_PORTS = (*BASE.values(), 4995, 4190)


def free_offset():
    """A number with which nobody listens on any of the ports, as two test runs may be under way on one host."""
    while True:
        offset = random.randrange(12000, 23500)
        with contextlib.ExitStack() as held:
            try:
                for port in ALL_PORTS:
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            except OSError:
                continue
        return offset


OFFSET, OTHER = free_offset(), free_offset()


class Running:
    def __init__(self, offset=OFFSET):
        self.output = open(WORK / "run.log", "ab")
        self.began = time.monotonic()
        env = dict(os.environ, LETTERLOCK_DEMO=str(DEMO), LETTERLOCK_PORTS=str(offset), LETTERLOCK_BINARY=BINARY)
        # As at a terminal, also where the tests themselves are to outlive one.
        self.proc = subprocess.Popen([str(RUN)], stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, env=env,
                                     preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL), cwd="/")

    def wait_ready(self):
        def ready():
            if self.proc.poll() is not None:
                raise SystemError(f"it ended with {self.proc.returncode}\n{self.text()[-3000:]}")
            return (DEMO / "credentials.json").exists()
        wait_until(ready, "credentials.json is there")
        self.seconds = time.monotonic() - self.began
        return json.loads((DEMO / "credentials.json").read_text())

    def text(self):
        return (WORK / "run.log").read_text(errors="replace")

    def stop(self, sig):
        self.proc.send_signal(sig)
        return self.proc.wait(PATIENCE)


def use(credentials):
    """Mail from bob to alice, with nothing but what the file says."""
    alice, bob = credentials["accounts"]
    context = ssl.create_default_context(cafile=credentials["ca"])
    word = token()
    with smtplib.SMTP_SSL("localhost", credentials["ports"]["submissions"], context=context, timeout=PATIENCE) as s:
        s.login(bob["address"], bob["app_password"])
        s.sendmail(bob["address"], [alice["address"]], letter(bob["address"], alice["address"], "Hello", word))
    with smtplib.SMTP("localhost", credentials["ports"]["submission"], timeout=PATIENCE) as s:
        s.starttls(context=context)
        s.login(bob["address"], bob["app_password"])
    with smtplib.SMTP("127.0.0.1", credentials["ports"]["smtp"], timeout=PATIENCE) as s:
        s.ehlo("client.example")
        s.mail("someone@client.example")
        for postmaster in ("postmaster", "Postmaster@letterlock.test"):
            check_equal(s.rcpt(postmaster)[0], 250, f"{postmaster}, who must be there (RFC 5321, 4.5.1)")

    def arrived():
        with imaplib.IMAP4_SSL("localhost", credentials["ports"]["imaps"], ssl_context=context, timeout=PATIENCE) as m:
            m.login(alice["address"], alice["app_password"])
            m.select()
            return m.search(None, "TEXT", word)[1][0]
    wait_until(arrived, "the letter arrives")


def check_mailbox(credentials):
    """The letters that the first run makes, where they belong; the password is not the app password."""
    alice = credentials["accounts"][0]
    context = ssl.create_default_context(cafile=credentials["ca"])
    with imaplib.IMAP4_SSL("localhost", credentials["ports"]["imaps"], ssl_context=context, timeout=PATIENCE) as m:
        try:
            m.login(alice["address"], alice["password"])
            check(False, "IMAP takes the password of the web")
        except imaplib.IMAP4.error:
            pass
        m.login(alice["address"], alice["app_password"])
        counts = {}
        for name in ("INBOX", "Sent", "Drafts", "Projects/Shipyard", "Newsletters", "Receipts"):
            counts[name] = int(m.select(name, True)[1][0])
        check(counts["INBOX"] > 40 and sum(counts.values()) > 120 and all(counts.values()), f"letters: {counts}")
        m.select("INBOX", True)
        wait_until(lambda: m.noop() and len(m.search(None, 'SUBJECT "Soup"')[1][0].split()) == 1, "bob's letter, once")
        for what in ("FLAGGED", "UNSEEN", "ANSWERED", 'SUBJECT "Undelivered"'):
            check(m.search(None, what)[1][0], f"letters that are {what}")


def verify(found, *options):
    run = subprocess.run([BINARY, "verify", found["url"], "--ca", found["ca"], "--json", *options], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)


def check_client(found):
    """letterlock verify: the served client is the one that was built, and one changed byte is noticed."""
    pack = pathlib.Path(BINARY).with_name("web.pack")
    status, said = verify(found)
    check(status == 0 and said["same"] == said["total"] > 10 and not said["different"], f"served as built: {said}")
    altered = bytearray(pack.read_bytes())
    altered[altered.rindex(b"Letterlock")] ^= 32
    other = WORK / "altered.pack"
    other.write_bytes(altered)
    status, said = verify(found, "--pack", str(other))
    check_equal((status, len(said["different"]), said["total"] - said["same"]), (1, 1, 1), "an altered client")


def test_first_run(world):
    running = Running()
    try:
        found = running.wait_ready()
        check_equal(set(found), {"accounts", "ports", "url", "ca", "data"}, "members of credentials.json")
        check_equal([a["address"] for a in found["accounts"]], ["alice@letterlock.test", "bob@letterlock.test"], "accounts")
        check(all(set(a) == {"address", "password", "app_password"} and len(a["app_password"]) == 26 and len(a["password"]) == 19
                  for a in found["accounts"]), "passwords")
        check_equal({name: found["ports"][name] for name in BASE}, {name: port + OFFSET for name, port in BASE.items()}, "ports")
        check_equal(found["url"], f"https://localhost:{8443 + OFFSET}/", "address of the web client")
        check(pathlib.Path(found["data"]).is_dir() and pathlib.Path(found["ca"]).is_file(), "paths")
        check_equal(stat.S_IMODE(os.stat(DEMO / "credentials.json").st_mode), 0o600, "mode of credentials.json")
        wait_until(lambda: "Ctrl-C stops it" in running.text() and found["url"] in running.text(), "the screen")
        screen = running.text()
        check(all(a["app_password"] in screen and a["password"] in screen for a in found["accounts"]), "how to sign in")
        check(str(found["ports"]["imaps"]) in screen, "where mail programs sign in")
        check_mailbox(found)
        use(found)
        check_client(found)
        world["first"] = found
        world["second instance"] = Running().proc.wait(PATIENCE)
        check_equal(world["second instance"], 1, "status of a second one in the same folder")
        check((DEMO / "credentials.json").exists(), "a second one removed the credentials of the first")
        use(found)
    finally:
        check_equal(running.stop(signal.SIGINT), 0, "exit status after Ctrl-C")
    check(not (DEMO / "credentials.json").exists(), "credentials.json outlived the server")
    check(" stopped " in (DEMO / "server.log").read_text(), "not stopped in good order")


def test_second_run_keeps_everything(world):
    running = Running()
    try:
        found = running.wait_ready()
        check_equal(found, world["first"], "credentials")
        check_mailbox(found)
        use(found)
    finally:
        check_equal(running.stop(signal.SIGTERM), 0, "exit status after SIGTERM")


def test_other_ports(world):
    running = Running(OTHER)
    try:
        found = running.wait_ready()
        check_equal({name: found["ports"][name] for name in BASE}, {name: port + OTHER for name, port in BASE.items()}, "ports")
        check_equal(found["accounts"], world["first"]["accounts"], "accounts")
        use(found)
    finally:
        running.stop(signal.SIGHUP)


def test_killed_while_running(world):
    """A stale credentials.json is gone until the server is ready again."""
    running = Running()
    running.wait_ready()
    running.proc.kill()
    running.proc.wait()
    check((DEMO / "credentials.json").exists(), "this test needs a stale file")
    # The server itself goes on and holds the folder, until it is told to end.
    check_equal(Running().proc.wait(PATIENCE), 1, "status while the server of the first still runs")
    for line in subprocess.run(["ps", "-eo", "pid,args"], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines():
        if f"{DEMO}/letterlock.conf serve" in line:
            os.kill(int(line.split()[0]), signal.SIGTERM)
    wait_until(lambda: " stopped " in (DEMO / "server.log").read_text(), "the server stops")
    before = os.stat(DEMO / "credentials.json").st_mtime_ns

    def start():
        running = Running()
        wait_until(lambda: not (DEMO / "credentials.json").exists() or os.stat(DEMO / "credentials.json").st_mtime_ns != before
                   or running.proc.poll() is not None, "the stale file goes")
        return running
    running = start()
    if running.proc.poll() is not None:
        running = start()
    try:
        check_equal(running.wait_ready(), world["first"], "credentials")
    finally:
        check_equal(running.stop(signal.SIGINT), 0, "exit status")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, dict)
