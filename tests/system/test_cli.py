"""The command line: every command, its exit status, its JSON, its refusals; at a terminal and without one; as root and as
somebody else."""
import contextlib
import imaplib
import json
import os
import pathlib
import pty
import select
import shutil
import smtplib
import stat
import subprocess
import tempfile
import time

from harness import (BINARY, PATIENCE, ROOT, WORK, Daemon, Failure, Installation, Skip, app_password, check, check_equal, command,
                     free_ports, letter, main, stop_and_inspect, token, wait_until)

ALICE, BOB = "alice@letterlock.test", "bob@letterlock.test"
PASSWORD, NEW_PASSWORD = "correct horse battery", "another horse entirely"
COMMANDS = ("init", "serve", "status", "domain add", "domain list", "domain dns", "account add", "account list",
            "account disable", "account enable", "account delete", "account quota", "account language", "domain language", "app-password add", "app-password list",
            "app-password revoke", "password set", "alias add", "alias list", "alias remove", "queue list", "queue retry",
            "queue drop", "doctor", "version", "help")


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)


def run(*args, conf=None, stdin="", binary=None, status=None, prefix=()):
    """One command. status: what it must exit with."""
    options = ["--config", str(conf)] if conf else []
    done = subprocess.run([*prefix, str(binary or BINARY), *options, *map(str, args)], input=stdin.encode(),
                          capture_output=True, timeout=PATIENCE * 3, env={"PATH": os.environ["PATH"]})
    result = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
    if status is not None and done.returncode != status:
        raise Failure(f"{' '.join(map(str, args))}: status {done.returncode}, not {status}\n{result.out}{result.err}")
    return result


def setup():
    world = Installation().start()
    world.run = lambda *args, **options: run(*args, conf=world.conf, **options)
    return world


# --- without a server ---

def test_help(world):
    overview = run("help", status=0).out
    for command in COMMANDS:
        check(f"\n  {command} " in overview, f"{command} is not in the overview")
        text = run("help", *command.split(), status=0).out
        check(text.startswith(f"letterlock {command}") and "Exit status" in text, f"help {command} says {text!r}")
        check_equal(run(*command.split(), "--help", status=0).out, text, f"{command} --help")
    check_equal(run("--help", status=0).out, overview, "--help")
    check("account delete" in run("help", "account", status=0).out, "help of a group")
    check_equal(run("account", "--help", status=0).out, run("help", "account", status=0).out, "account --help")


def test_wrong_usage(world):
    for args in ((), ("nonsense",), ("account",), ("account", "nonsense"), ("help", "nonsense"), ("version", "extra"),
                 ("--nonsense", "version"), ("version", "--nonsense"), ("version", "--config"), ("version", "--json=yes"),
                 ("domain", "add"), ("domain", "add", "a.test", "b.test"), ("account", "add"), ("account", "quota", ALICE),
                 ("account", "quota", ALICE, "lots"), ("account", "add", ALICE, "--quota", "-1"),
                 ("account", "add", "--batch", "-"), ("account", "add", ALICE, "--batch", "-", "--no-password"),
                 ("account", "add", ALICE, "--no-password", "--password-stdin"),
                 ("account", "add", ALICE, "--app-password-stdin"),
                 ("account", "add", ALICE, "--app-password", "x" * 65),
                 ("app-password", "add", ALICE), ("app-password", "add", ALICE, "x", "--areas", "everything"),
                 ("app-password", "add", ALICE, "x", "--protocols", "gopher"),
                 ("app-password", "add", ALICE, "x", "--send-only", "--areas", "mail"),
                 ("app-password", "add", ALICE, "x", "--expires", "0"), ("domain", "dns", "a.test", "--dmarc", "maybe"),
                 ("init", "--dir", WORK / "no", "--hostname", "not a name"), ("init", "--dir", WORK / "no", "--hostname", "a..b")):
        done = run(*args, conf=world.conf, status=2)
        check(done.out or done.err, f"{args} says nothing")
    check(not (WORK / "no").exists(), "wrong usage made a folder")


def test_version(world):
    text = run("version", status=0).out.split()
    check_equal(run("--json", "version", status=0).json, {"version": text[1]}, "version")


def test_no_configuration(world):
    for args in (("status",), ("serve",), ("account", "list"), ("doctor",)):
        done = run("--config", WORK / "nowhere.conf", *args, status=1)
        check("nowhere.conf" in done.err, f"{args} says {done.err!r}")
    done = run("--config", WORK / "nowhere.conf", "status", "--json", status=1)
    check("nowhere.conf" in done.json["error"], "JSON of a failure")


def test_broken_configuration(world):
    broken = WORK / "broken.conf"
    broken.write_text("[server]\nhostname = a.test\nnonsense = 1\n")
    check("line 3" in run("--config", broken, "serve", status=1).err, "the line is not named")


def test_init(world):
    folder = WORK / "init"
    made = run("init", "--json", "--dir", folder, "--hostname", "mail.example.org", "--self-signed", status=0).json
    modes = {"boot_secret": 0o600, "key": 0o600, "config": 0o644, "certificate": 0o644, "ca": 0o644, "data": 0o700}
    for name, mode in modes.items():
        check_equal(stat.S_IMODE(os.stat(made[name]).st_mode), mode, f"mode of {name}")
    check_equal(os.stat(made["boot_secret"]).st_size, 32, "size of the boot secret")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    again = run("init", "--dir", folder, "--hostname", "mail.example.org", "--self-signed", status=1)
    check("already" in again.err, again.err)
    check_equal({p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}, before, "files after a second init")
    # A part that is there is kept, too.
    os.unlink(made["config"])
    run("init", "--dir", folder, "--hostname", "mail.example.org", status=1)
    check(not os.path.exists(made["config"]), "a refused init wrote a configuration")


def test_init_refuses(world):
    folder = WORK / "refused"
    done = run("init", "--dir", folder, "--hostname", "a.test", "--boot-secret", folder / "data" / "secret", status=1)
    check("must not lie in the data folder" in done.err, done.err)
    done = run("init", "--dir", folder, "--hostname", "a.test", "--control", folder / ("x" * 100), status=1)
    check("--control" in done.err, done.err)
    run("init", "--dir", folder, "--hostname", "a.test", "--listen", "gopher=127.0.0.1:70", status=1)
    run("init", "--dir", folder, "--hostname", "a.test", "--listen", "smtp", status=2)
    check(not folder.exists(), "a refused init left something")


def test_server_is_not_running(world):
    folder = WORK / "init-only"
    run("init", "--dir", folder, "--hostname", "mail.example.org", "--self-signed", status=0)
    done = run("status", "--json", conf=folder / "letterlock.conf", status=1)
    check("not running" in done.json["error"], done.out)
    found = run("doctor", "--json", "--no-dns", conf=folder / "letterlock.conf", status=1).json
    check(any(f["check"] == "server" and f["level"] == "problem" for f in found), f"doctor: {found}")


# --- domains and aliases ---

def test_domains(world):
    check_equal(world.run("domain", "list", "--json", status=0).json, [], "domains at first")
    world.run("domain", "add", "letterlock.test", status=0)
    check("already" in world.run("domain", "add", "LETTERLOCK.test", status=1).err, "a domain twice")
    for bad in ("nodots", "a b.test", "-x.test", "[127.0.0.1]", "", "x" * 64 + ".test", "a..test", "y" * 600):
        world.run("domain", "add", bad, status=1)
    check_equal(world.run("domain", "add", "bücher.test", "--json", status=0).json, {"ok": True}, "domain add")
    check_equal(sorted(world.run("domain", "list", "--json", status=0).json), ["letterlock.test", "xn--bcher-kva.test"], "list")
    check("letterlock.test\n" in world.run("domain", "list", status=0).out, "domains as text")


def test_dns_records(world):
    records = world.run("domain", "dns", "letterlock.test", "--json", "--dmarc", "reject", "--reports", "reports@letterlock.test",
                        status=0).json
    kinds = {(r["type"], r["name"]) for r in records}
    for want in (("MX", "letterlock.test"), ("TXT", "_dmarc.letterlock.test"), ("TLSA", "_25._tcp.mail.letterlock.test")):
        check(want in kinds, f"{want} is not among {kinds}")
    dkim = [r for r in records if "._domainkey." in r["name"]]
    check_equal(sorted(r["value"].split("k=")[1].split(";")[0] for r in dkim), ["ed25519", "rsa"], "DKIM keys")
    check("p=reject" in next(r["value"] for r in records if r["name"].startswith("_dmarc")), "--dmarc")
    check(all(r["why"] for r in records), "a record without its reason")
    text = world.run("domain", "dns", "letterlock.test", status=0).out
    check("letterlock.test. IN MX 10 mail.letterlock.test." in text, text)
    check_equal(world.run("domain", "dns", "elsewhere.test", status=1).out, "", "records of another's domain")


def test_aliases(world):
    world.run("alias", "add", "office@letterlock.test", ALICE, BOB, status=0)
    world.run("alias", "add", "@letterlock.test", ALICE, status=0)
    check_equal(world.run("alias", "add", "office@letterlock.test", BOB, status=1).out, "", "a target twice")
    world.run("alias", "add", "office@elsewhere.test", ALICE, status=1)
    world.run("alias", "add", "office@letterlock.test", "no address", status=1)
    listed = world.run("alias", "list", "--json", status=0).json
    check_equal(sorted((a["alias"], a["target"]) for a in listed),
                [("@letterlock.test", ALICE), ("office@letterlock.test", ALICE), ("office@letterlock.test", BOB)], "aliases")
    world.run("alias", "remove", "office@letterlock.test", BOB, status=0)
    world.run("alias", "remove", "office@letterlock.test", BOB, status=1)
    world.run("alias", "remove", "@letterlock.test", status=0)
    world.run("alias", "remove", "@letterlock.test", status=1)
    check_equal(len(world.run("alias", "list", "--json", status=0).json), 1, "aliases left")
    check("has this address" in world.run("account", "add", "office@letterlock.test", "--no-password", status=1).err,
          "an account in an alias' place")
    world.run("alias", "remove", "office@letterlock.test", status=0)


# --- accounts ---

def imap(world, address, password):
    m = world.imap()
    m.login(address, password)
    return m


def refused(world, address, password):
    m = world.imap()
    try:
        m.login(address, password)
    except imaplib.IMAP4.error:
        return
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            m.logout()
    raise Failure(f"{address} could sign in")


def test_account_with_password(world):
    given = app_password()
    grouped = f"{given[:5]}-{given[5:10]} {given[10:15]}-{given[15:20]}-{given[20:]}".lower()
    made = world.run("account", "add", ALICE, "--json", "--password-stdin", "--app-password", "telephone", "--app-password-stdin",
                     "--quota", "5M", stdin=f"{PASSWORD}\n{grouped}\n", status=0).json
    check_equal((made["address"], made["app_password"]["name"], made["app_password"]["password"]), (ALICE, "telephone", given),
                "what was made")
    check_equal(len(made["recovery_code"].replace("-", "")), 26, "length of the recovery code")
    world.alice_app, world.alice_code = given, made["recovery_code"]
    imap(world, ALICE, given).logout()
    refused(world, ALICE, app_password())
    refused(world, ALICE, PASSWORD)  # the password is for the owner's own client, never for a mail program
    check("already" in world.run("account", "add", ALICE, "--no-password", status=1).err, "an account twice")


def test_account_refusals(world):
    for address, word in (("no address", "not an address"), ("x@elsewhere.test", "not one of ours"),
                          ("x+y@letterlock.test", "subaddress"), ("x@[127.0.0.1]", "not an address"), ("@letterlock.test", "not an address")):
        done = world.run("account", "add", address, "--no-password", status=1)
        check(word in done.err, f"{address}: {done.err}")
    check("8 characters" in world.run("account", "add", "c@letterlock.test", "--password-stdin", stdin="short\n", status=1).err,
          "a short password")
    check("no line" in world.run("account", "add", "c@letterlock.test", "--password-stdin", status=1).err, "no password at all")
    check("terminal" in world.run("account", "add", "c@letterlock.test", "--no-confirm", status=1).err, "no terminal")
    check("26 characters" in world.run("account", "add", "c@letterlock.test", "--no-password", "--app-password", "x",
                                       "--app-password-stdin", stdin="hunter2\n", status=1).err, "a weak app password")
    check_equal([a["address"] for a in world.run("account", "list", "--json", status=0).json], [ALICE], "accounts")


def test_batch(world):
    given = app_password()
    lines = f"# two, one of them with its password\n{BOB} {given}\n\nbulk1@letterlock.test\nbulk2@letterlock.test\nnowhere@elsewhere.test\n"
    done = world.run("account", "add", "--batch", "-", "--no-password", "--app-password", "first", "--json", stdin=lines, status=1)
    check_equal([a["address"] for a in done.json], [BOB, "bulk1@letterlock.test", "bulk2@letterlock.test"], "accounts made")
    check("nowhere@elsewhere.test" in done.err, done.err)
    check_equal(done.json[0]["app_password"]["password"], given, "the given password")
    world.bob_app = given
    imap(world, BOB, given).logout()
    imap(world, "bulk1@letterlock.test", done.json[1]["app_password"]["password"]).logout()
    listed = WORK / "batch.txt"
    listed.write_text("bulk3@letterlock.test\n")
    text = world.run("account", "add", "--batch", listed, "--no-password", status=0).out
    check_equal((text.split("\t")[0], len(text.split("\t")[1])), ("bulk3@letterlock.test", 30), "a line of text")
    world.run("account", "add", "--batch", WORK / "missing.txt", "--no-password", status=1)
    check_equal(len(world.run("account", "list", "--json", status=0).json), 5, "accounts")


def test_app_passwords(world):
    made = world.run("app-password", "add", ALICE, "desk two", "--json", "--password-stdin", "--expires", "30",
                     stdin=f"{PASSWORD}\n", status=0).json
    send = world.run("app-password", "add", ALICE, "printer", "--json", "--recovery-code", "--password-stdin", "--send-only",
                     stdin=f"{world.alice_code.lower()}\n", status=0).json
    done = world.run("app-password", "add", ALICE, "x", "--password-stdin", stdin="wrong horse battery\n", status=1)
    check("password" in done.err and done.out == "", done.err)
    world.run("app-password", "add", ALICE, "x", "--password-stdin", "--recovery-code", stdin=f"{app_password()}\n", status=1)
    world.run("app-password", "add", "nobody@letterlock.test", "x", "--password-stdin", stdin=f"{PASSWORD}\n", status=1)
    world.run("app-password", "add", BOB, "x", "--password-stdin", stdin=f"{PASSWORD}\n", status=1)  # has no password
    listed = {u["name"]: u for u in world.run("app-password", "list", ALICE, "--json", status=0).json if u["type"] == "app-password"}
    check_equal(sorted(listed), ["desk two", "printer", "telephone"], "app passwords")
    check_equal(listed["printer"]["areas"] + "/" + listed["printer"]["protocols"], "none/smtp", "scope of send-only")
    check(abs(listed["desk two"]["expires"] - time.time() - 30 * 86400) < 3600, "expiry")
    check_equal(listed["desk two"]["last_used"], 0, "never used")
    check("telephone" in world.run("app-password", "list", ALICE, status=0).out, "the list as text")
    desk = imap(world, ALICE, made["password"])
    check_equal(desk.select()[0], "OK", "select")
    used = {u["name"]: u["last_used"] for u in world.run("app-password", "list", ALICE, "--json", status=0).json}["desk two"]
    check(0 <= time.time() - used < 2 * 86400 and used % 86400 == 0, f"last used {used}: the day is told")
    refused(world, ALICE, send["password"])
    with world.submission(ALICE, login=False) as s:
        s.login(ALICE, send["password"])
    # Revoked: its connections end, the others go on to work.
    check_equal(world.run("app-password", "revoke", ALICE, "desk two", "--json", status=0).json, {"ok": True}, "revoke")
    wait_until(lambda: ended(desk), "the connection of a revoked app password ends")
    refused(world, ALICE, made["password"])
    imap(world, ALICE, world.alice_app).logout()
    world.run("app-password", "revoke", ALICE, "desk two", status=1)
    world.run("app-password", "revoke", ALICE, send["id"][:12], status=0)
    world.run("app-password", "revoke", ALICE, "password", status=1)
    # The owner's next change takes both off the manifest.
    again = world.run("app-password", "add", ALICE, "desk two", "--json", "--password-stdin", stdin=f"{PASSWORD}\n", status=0).json
    imap(world, ALICE, again["password"]).logout()
    imap(world, ALICE, world.alice_app).logout()
    world.desk = again["password"]


def ended(m):
    try:
        m.noop()
        return False
    except (OSError, EOFError, imaplib.IMAP4.abort, ValueError):
        return True


def test_password_change_keeps_mail(world):
    word = token()
    wait_until(lambda: world.deliver("someone@example.net", [ALICE], letter("someone@example.net", ALICE, "Kept", word)) == {},
               "a message is accepted")
    for rotate in ((), ("--rotate",)):
        old, new = (PASSWORD, NEW_PASSWORD) if not rotate else (NEW_PASSWORD, PASSWORD)
        world.run("password", "set", ALICE, "--password-stdin", *rotate, stdin=f"{old}\n{new}\n", status=0)
        world.run("password", "set", ALICE, "--password-stdin", stdin=f"{old}\n{new}\n", status=1)
        m = imap(world, ALICE, world.alice_app)
        check(any(word.encode() in t for t in m.texts()), "the message is gone")
        m.logout()
    # What comes after a rotation is sealed to the new key, and read as well.
    second = token()
    world.deliver("someone@example.net", [ALICE], letter("someone@example.net", ALICE, "Later", second))
    world.accounts[ALICE] = world.alice_app
    world.wait_message(ALICE, second)
    # Without the password, by the recovery code.
    world.run("password", "set", ALICE, "--password-stdin", "--recovery-code", stdin=f"{world.alice_code}\n{NEW_PASSWORD}\n", status=0)
    world.run("app-password", "add", ALICE, "later", "--password-stdin", stdin=f"{NEW_PASSWORD}\n", status=0)


def test_disable(world):
    m = imap(world, BOB, world.bob_app)
    world.run("account", "disable", BOB, status=0)
    wait_until(lambda: ended(m), "a disabled account's connection ends")
    refused(world, BOB, world.bob_app)
    try:
        world.deliver("someone@example.net", [BOB], letter("someone@example.net", BOB, "No", "no"))
        raise Failure("mail to a disabled account was accepted")
    except smtplib.SMTPRecipientsRefused as e:
        check(e.recipients[BOB][0] >= 400, f"refused with {e.recipients}")
    check([a["disabled"] for a in world.run("account", "list", "--json", status=0).json if a["address"] == BOB] == [True], "list")
    world.run("account", "disable", BOB, status=0)
    world.run("account", "enable", BOB, status=0)
    imap(world, BOB, world.bob_app).logout()


def test_languages(world):
    address = "sprache@letterlock.test"
    world.run("account", "add", address, "--no-password", "--language", "de", status=0)
    check_equal(world.run("account", "language", address, "--json", status=0).json, {"language": "de"}, "as it was made")
    check_equal(world.run("account", "language", ALICE, "--json", status=0).json, {"language": ""}, "none")
    world.run("account", "language", address, "none", status=0)
    check_equal(world.run("account", "language", address, "--json", status=0).json, {"language": ""}, "none again")
    world.run("domain", "language", "letterlock.test", "fr", status=0)
    check("fr" in world.run("domain", "language", "letterlock.test", status=0).out, "the domain's")
    world.run("domain", "language", "letterlock.test", "none", status=0)
    for wrong in (("account", "language", address, "xx"), ("account", "add", ALICE, "--language", "latin")):
        world.run(*wrong, status=2)
    for unknown in (("account", "language", "nobody@letterlock.test"), ("domain", "language", "other.test", "de")):
        world.run(*unknown, status=1)


def test_quota(world):
    for text, number in (("none", 0), ("1k", 1024), ("20M", 20 << 20), ("3g", 3 << 30), ("12345678", 12345678)):
        world.run("account", "quota", BOB, text, status=0)
        listed = world.run("account", "list", "--json", status=0).json
        check_equal([a["quota"] for a in listed if a["address"] == BOB], [number], f"quota {text}")
    world.run("account", "quota", "nobody@letterlock.test", "1G", status=1)


def test_delete(world):
    world.run("account", "delete", "bulk1@letterlock.test", status=1)  # nobody there to confirm it
    world.run("account", "delete", "bulk1+x@letterlock.test", "--yes", status=1)
    world.run("account", "delete", "bulk1@letterlock.test", "--yes", status=0)
    world.run("account", "delete", "bulk1@letterlock.test", "--yes", status=1)
    check("bulk1@letterlock.test" not in world.run("account", "list", status=0).out, "it is listed")
    try:
        world.deliver("someone@example.net", ["bulk1@letterlock.test"], letter("someone@example.net", "bulk1@letterlock.test", "No", "no"))
        raise Failure("mail to a deleted account was accepted")
    except smtplib.SMTPRecipientsRefused as e:
        check_equal(e.recipients["bulk1@letterlock.test"][0], 550, "code for a deleted account")
    world.run("account", "add", "bulk1@letterlock.test", "--no-password", status=0)  # another one, with the name


def test_status(world):
    processes = world.run("status", "--json", status=0).json
    roles = {p["role"] for p in processes}
    check_equal(roles, {"parent", "store", "tlskey", "lookup", "session", "auth", "relay", "delivery", "frontend"}, "roles")
    for p in processes:
        check(p["ready"] and p["pid"] > 1 and p["memory_kib"] > 0, f"{p}")
        check(p["role"] == "parent" or "seccomp" in p["sandbox"], f"sandbox of {p}")
        check(not ROOT or p["role"] == "parent" or "user" in p["sandbox"], f"user of {p}")
    auth = next(p for p in processes if p["role"] == "auth")
    check(auth["counters"]["logins"] > 0, f"counters of auth: {auth['counters']}")
    check("frontend" in world.run("status", status=0).out, "status as text")


def test_queue(world):
    check_equal(world.run("queue", "list", "--json", status=0).json, [], "queue")
    world.run("queue", "list", status=0)
    world.run("queue", "retry", "all", status=0)
    for command, which in (("retry", "00" * 16), ("retry", "nonsense"), ("drop", "00" * 16), ("drop", "nonsense"), ("drop", "all")):
        done = world.run("queue", command, which, status=1)
        check("no message in the queue has this id" in done.err, f"{command} {which}: {done.err}")


def test_doctor(world):
    found = world.run("doctor", "--json", "--no-dns", status=0).json
    checks = {f["check"] for f in found}
    check_equal(checks, {"files", "certificate", "disk", "sandbox", "memory", "clock", "server", "addresses", "ports"}, "what it looked at")
    check(all(f["do"] for f in found if f["level"] in ("warning", "problem")), "a finding without advice")
    secret = world.option("server", "boot_secret")
    os.chmod(secret, 0o644)
    try:
        found = world.run("doctor", "--json", "--no-dns", status=1).json
        check(any(f["level"] == "problem" and secret in f["what"] and "chmod 600" in f["do"] for f in found), f"{found}")
    finally:
        os.chmod(secret, 0o600)
    check("0 problems" in world.run("doctor", "--no-dns", status=0).out, "doctor as text")


def test_doctor_wants_a_postmaster(world):
    def finding():
        found = world.run("doctor", "--json", "--no-dns", status=0).json
        return next(f for f in found if f["check"] == "addresses" and "postmaster@letterlock.test" in f["what"])
    before = finding()
    check_equal(before["level"], "warning", before["what"])
    check("letterlock alias add postmaster@letterlock.test" in before["do"], before["do"])
    world.run("alias", "add", "postmaster@letterlock.test", ALICE, status=0)
    check_equal(finding()["level"], "ok", "with an alias")
    world.run("alias", "remove", "postmaster@letterlock.test", status=0)


def test_doctor_sees_a_wrong_owner(_):
    """A data folder that was restored by root: the store cannot open it, and starts again and again."""
    if not ROOT:
        raise Skip("only root can give files away")
    world = Installation("restored").start().populate(ALICE)

    def findings():
        found = json.loads(world.ctl("doctor", "--json", "--no-dns", ok=False))
        return [f for f in found if f["level"] == "problem" and f["check"] == "files"]
    check_equal(findings(), [], "problems while everything is right")
    owner = os.stat(world.data / "records").st_uid
    world.stop()
    for folder, _, files in os.walk(world.data):
        for name in ("", *files):
            os.chown(os.path.join(folder, name), 0, 0)
    for moment in ("before it runs", "while it runs"):
        found = findings()
        check(len(found) == 1 and f"chown -R {owner}:{owner} {world.data}" == found[0]["do"], f"{moment}: {found}")
        if not world.daemon:
            offset = len(world.log_text())
            world.daemon = Daemon([world.binary, "--config", world.conf, "serve"], world.log)
            wait_until(lambda: world.log_text()[offset:].count("process-died role=store") > 2, "the store starts again and again")
    command(*found[0]["do"].split())
    wait_until(lambda: " serving " in world.log_text()[offset:], "the advice helps")
    check_equal(findings(), [], "problems afterwards")
    world.stop()


def test_doctor_sees_a_wrong_certificate(world):
    folder = WORK / "doctor"
    made = run("init", "--json", "--dir", folder, "--hostname", "mail.example.org", "--self-signed", status=0).json
    shutil.copy(world.option("tls", "key"), made["key"])
    conf = pathlib.Path(made["config"])
    conf.write_text(conf.read_text().replace("mail.example.org", "other.example.org"))
    texts = [f["what"] for f in run("doctor", "--json", "--no-dns", conf=conf, status=1).json if f["level"] == "problem"]
    check("the key is not this certificate's" in texts, f"{texts}")
    check("it is not for other.example.org" in texts, f"{texts}")
    conf.write_text(conf.read_text().replace("[server]", "[server]\nweb_host = web.example.org"))
    texts = [f["what"] for f in run("doctor", "--json", "--no-dns", conf=conf, status=1).json if f["level"] == "problem"]
    check("it is not for web.example.org" in texts, f"{texts}")


# --- at a terminal ---

class Terminal:
    """A command with a terminal of its own: what it shows, and what is typed."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(BINARY, ["letterlock", *map(str, args)])
        self.shown = ""

    def wait_for(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.shown:
            ready, _, _ = select.select([self.fd], [], [], max(end - time.monotonic(), 0))
            check(ready, f"{text!r} was never shown, but {self.shown!r}")
            try:
                part = os.read(self.fd, 4096)
            except OSError:
                part = b""
            check(part, f"ended without showing {text!r}, but {self.shown!r}")
            self.shown += part.decode()
        before, _, self.shown = self.shown.partition(text)
        return before

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def finish(self):
        rest = self.shown
        while True:
            try:
                part = os.read(self.fd, 4096)
            except OSError:
                part = b""
            if not part:
                break
            rest += part.decode()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), rest


def test_terminal(world):
    address = "terminal@letterlock.test"
    t = Terminal("--config", world.conf, "account", "add", address)
    t.wait_for("New password: ")
    t.type(PASSWORD)
    shown = t.wait_for("again: ")
    t.type(PASSWORD)
    shown += t.wait_for("Recovery code: ")
    code = t.wait_for("\r\n")
    shown += t.wait_for("Type the recovery code: ")
    check(PASSWORD not in shown, "the password was echoed")
    t.type(code.lower().replace("-", " "))
    status, rest = t.finish()
    check_equal(status, 0, rest)
    check("ready to receive" in rest, rest)
    world.run("app-password", "add", address, "x", "--password-stdin", stdin=f"{PASSWORD}\n", status=0)


def test_terminal_refusals(world):
    address = "other@letterlock.test"
    t = Terminal("--config", world.conf, "account", "add", address)
    t.wait_for("New password: ")
    t.type(PASSWORD)
    t.wait_for("again: ")
    t.type(NEW_PASSWORD)
    status, rest = t.finish()
    check(status == 1 and "not the same" in rest, rest)
    t = Terminal("--config", world.conf, "account", "add", address)
    t.wait_for("New password: ")
    t.type(PASSWORD)
    t.wait_for("again: ")
    t.type(PASSWORD)
    t.wait_for("Type the recovery code: ")
    t.type(app_password())
    status, rest = t.finish()
    check(status == 1 and "no account was made" in rest, rest)
    t = Terminal("--config", world.conf, "account", "delete", BOB)
    t.wait_for("Type its address: ")
    t.type(ALICE)
    status, rest = t.finish()
    check(status == 1 and "nothing was deleted" in rest, rest)
    addresses = [a["address"] for a in world.run("account", "list", "--json", status=0).json]
    check(address not in addresses and BOB in addresses, f"{addresses}")


# --- afterwards ---

def test_restart_keeps_everything(world):
    before = sorted(a["account"] for a in world.run("account", "list", "--json", status=0).json)
    records = world.run("domain", "dns", "letterlock.test", status=0).out
    world.stop()
    world.run("status", status=1)
    world.start()
    check_equal(sorted(a["account"] for a in world.run("account", "list", "--json", status=0).json), before, "accounts")
    check_equal(world.run("domain", "dns", "letterlock.test", status=0).out, records, "DNS records")
    imap(world, ALICE, world.alice_app).logout()


def test_wrong_boot_secret(world):
    """With another boot secret nothing opens, and nothing is damaged."""
    secret = pathlib.Path(world.option("server", "boot_secret"))
    right = secret.read_bytes()
    world.stop()
    secret.write_bytes(bytes(32))
    world.start()
    check(world.run("account", "list", status=1).out == "", "accounts were listed")
    refused(world, ALICE, world.alice_app)
    world.stop()
    secret.write_bytes(right)
    world.start()
    imap(world, ALICE, world.alice_app).logout()


def test_somebody_else(world):
    """As an ordinary user: everything but the users of the processes."""
    if not ROOT:
        raise Skip("runs as an ordinary user already")
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = pathlib.Path(name)
        binary = folder / "letterlock"
        shutil.copy(BINARY, binary)
        os.chmod(binary, 0o755)
        os.chown(folder, 65534, 65534)
        other = (lambda *args, **options: run(*args, binary=binary, prefix=prefix, **options))
        done = run("status", conf=world.conf, binary=binary, prefix=prefix)
        check_equal(done.status, 1, f"somebody else asked the server: {done.out}{done.err}")
        conf = folder / "d" / "letterlock.conf"
        other("init", "--dir", folder / "d", "--hostname", "mail.letterlock.test", "--self-signed",
              "--listen", f"imaps=127.0.0.1:{free_ports(1, '127.0.0.1')[0]}", status=0)
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen([*prefix, str(binary), "--config", str(conf), "serve"], stdout=log, stderr=log)
        try:
            def serving():
                check(server.poll() is None, (folder / "log").read_text())
                return b" serving " in (folder / "log").read_bytes()
            wait_until(serving, "it serves")
            other("domain", "add", "letterlock.test", conf=conf, status=0)
            other("account", "add", ALICE, "--no-password", conf=conf, status=0)
            processes = other("status", "--json", conf=conf, status=0).json
            check(all(p["role"] == "parent" or ("seccomp" in p["sandbox"] and "user" not in p["sandbox"]) for p in processes),
                  f"{processes}")
            other("doctor", "--no-dns", conf=conf, status=0)
            run("account", "list", conf=conf, status=0)  # root may
        finally:
            server.terminate()
            check_equal(server.wait(PATIENCE), 0, "exit status")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
