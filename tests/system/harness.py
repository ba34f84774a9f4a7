"""What the system tests share: an installation in a folder of its own, clients that verify its certificate, and the running
of a file's tests. Only the standard library is used."""
import base64
import contextlib
import ctypes
import imaplib
import itertools
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import traceback

BINARY = os.environ.get("LETTERLOCK_TEST_BINARY", "")
ATTACK = os.environ.get("LETTERLOCK_TEST_ATTACK", "")
WORK = pathlib.Path(os.environ.get("LETTERLOCK_TEST_WORK", "."))
HERE = pathlib.Path(__file__).resolve().parent
SERVICES = ("smtp", "submission", "submissions", "imaps", "https")
# How long a condition may take to come true before a test calls it missing; never a measure of speed.
PATIENCE = 120
ROOT = os.geteuid() == 0

libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """Raised by a test that cannot run on this machine; its text says why."""


class Failure(AssertionError):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def check_equal(got, expected, what):
    if got != expected:
        raise Failure(f"{what}: got {got!r}, expected {expected!r}")


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of condition(); its exceptions count as not yet."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, EOFError, imaplib.IMAP4.error, smtplib.SMTPException, Failure) as e:
            last = e
        if time.monotonic() > end:
            raise Failure(f"never came true: {what}" + (f" ({last!r})" if last else ""))
        time.sleep(0.05)


def command(*args, stdin=None, ok=True, env=None, netns=None, cwd=None):
    """Runs a program; its output, errors included. ok: a failing exit status is a failure."""
    if netns:
        args = ("ip", "netns", "exec", netns) + args
    done = subprocess.run([str(a) for a in args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                          cwd=cwd, timeout=PATIENCE * 3, **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    text = done.stdout.decode("utf-8", "replace")
    if ok and done.returncode:
        raise Failure(f"{' '.join(str(a) for a in args)}: status {done.returncode}\n{text[-4000:]}")
    return text


# --- network namespaces ---

@contextlib.contextmanager
def inside(netns):
    """Sockets made inside are in that namespace and stay there. None: where we are."""
    if not netns:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(there, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if libc.setns(home, 0x40000000):
                os._exit(3)  # nothing after this would be where it thinks it is
    finally:
        os.close(home)
        os.close(there)


def connect(host, port, netns=None, timeout=PATIENCE):
    with inside(netns):
        return socket.create_connection((host, port), timeout)


class Network:
    """Hosts on one switch: a namespace each, with an address in 10.77.0.0/24; gone when closed."""

    def __init__(self, *names):
        if not ROOT:
            raise Skip("network namespaces need root")
        self.tag = f"ll{os.getpid()}"
        self.hosts, self.made = {}, []
        try:
            self.switch = self._namespace("sw")
            command("ip", "-n", self.switch, "link", "add", "br0", "type", "bridge")
            command("ip", "-n", self.switch, "link", "set", "br0", "up")
            for i, name in enumerate(names):
                self._host(name, f"10.77.0.{i + 10}")
        except Failure as e:
            self.close()
            raise Skip(f"no network namespaces here: {e}") from e
        except BaseException:
            self.close()
            raise

    def _namespace(self, name):
        full = f"{self.tag}-{name}"
        command("ip", "netns", "add", full)
        self.made.append(full)
        command("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def _host(self, name, address):
        ns = self._namespace(name)
        port = f"p{len(self.hosts)}"
        command("ip", "-n", ns, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", self.switch)
        command("ip", "-n", self.switch, "link", "set", port, "master", "br0", "up")
        command("ip", "-n", ns, "addr", "add", f"{address}/24", "dev", "eth0")
        command("ip", "-n", ns, "link", "set", "eth0", "up")
        self.hosts[name] = (ns, address)

    def namespace(self, name):
        return self.hosts[name][0]

    def address(self, name):
        return self.hosts[name][1]

    def stand_in(self, name, *addresses):
        """A host answers under addresses that are others' outside."""
        for address in addresses:
            command("ip", "-n", self.namespace(name), "addr", "add", f"{address}/32", "dev", "lo")

    def close(self):
        for ns in reversed(self.made):
            with contextlib.suppress(Failure):
                command("ip", "netns", "del", ns)
        self.made = []


# --- processes ---

def die_with_parent():
    libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: nothing outlives a test that is killed


class Daemon:
    """A program that runs until stopped; its output goes to a file."""

    def __init__(self, args, log, netns=None, env=None, cwd=None):
        args = [str(a) for a in args]
        if netns:
            args = ["ip", "netns", "exec", netns] + args
        self.log = pathlib.Path(log)
        self.args = args
        with open(self.log, "ab") as out:
            self.proc = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
                                         preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.proc.pid

    def alive(self):
        return self.proc.poll() is None

    def stop(self, sig=signal.SIGTERM, seconds=PATIENCE):
        if self.alive():
            self.proc.send_signal(sig)
        try:
            return self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise Failure(f"did not stop: {' '.join(self.args)}") from None


def all_processes():
    """{pid: (parent, session id, command line)}"""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                line = f.read().rstrip(b"\0").split(b"\0")
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(entry)] = (int(fields[1]), int(fields[3]), [part.decode("utf-8", "replace") for part in line])
    return found


def resident_kib(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024
    except OSError:
        return 0


def threads_of(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


# --- an installation ---

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def app_password():
    return "".join(secrets.choice(CROCKFORD) for _ in range(26))


_used_ports = set()


def free_ports(count, address):
    """Ports that nobody listens on. Two test files at once take theirs from different ranges."""
    rng, ports = random.Random(os.getpid()), []
    while len(ports) < count:
        port = rng.randrange(20000, 32000)
        if port in _used_ports:
            continue
        with socket.socket() as s:
            try:
                s.bind((address, port))
            except OSError:
                continue
        _used_ports.add(port)
        ports.append(port)
    return ports


class Installation:
    """Letterlock in a folder of its own: made, served, stopped."""

    def __init__(self, name="demo", domains=("letterlock.test",), hostname=None, netns=None, address="127.0.0.1", ports=None,
                 binary=None, settings=()):
        self.name, self.netns, self.address = name, netns, address
        self.domains = tuple(domains)
        self.hostname = hostname or f"mail.{self.domains[0]}"
        self.binary = binary or BINARY
        self.dir = WORK / name
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.conf = self.dir / "letterlock.conf"
        self.log = self.dir / "server.log"
        self.accounts = {}
        self.daemon = None
        self.templates = set()
        if ports is None:
            with inside(netns):
                ports = dict(zip(SERVICES, free_ports(len(SERVICES), address)))
        self.ports = ports
        self._init(dict(settings))

    # The configuration is what `init` writes, with the test's own settings put in.
    def _init(self, settings):
        listen = [f"--listen={service}={self.address}:{port}" for service, port in self.ports.items()]
        self.ctl("init", "--dir", self.dir, "--hostname", self.hostname, "--self-signed", *listen)
        self.configure(settings)

    def configure(self, settings):
        lines = self.conf.read_text().splitlines()
        for (section, name), value in settings.items():
            lines = set_option(lines, section, name, value)
        self.conf.write_text("\n".join(lines) + "\n")

    def option(self, section, name):
        here = None
        for line in self.conf.read_text().splitlines():
            line = line.strip()
            if line.startswith("["):
                here = line.strip("[]")
            elif here == section and line.partition("=")[0].strip() == name:
                return line.partition("=")[2].strip()
        return None

    @property
    def data(self):
        return pathlib.Path(self.option("server", "data"))

    @property
    def ca(self):
        return self.dir / "tls" / "ca.pem"

    def ctl(self, *args, stdin=None, ok=True):
        """One letterlock command; its output."""
        return command(self.binary, "--config", self.conf, *args, stdin=stdin, ok=ok, netns=self.netns)

    def start(self):
        offset = self.log.stat().st_size if self.log.exists() else 0
        self.daemon = Daemon([self.binary, "--config", self.conf, "serve"], self.log, netns=self.netns)
        self.wait_ready(offset)
        return self

    def wait_ready(self, offset=0):
        def ready():
            if not self.daemon.alive():
                raise SystemError(f"{self.name}: the server ended\n{self.log_text()[-4000:]}")
            return " serving" in self.log_text()[offset:] or None
        try:
            wait_until(ready, f"{self.name} is ready")
        except (Failure, SystemError) as e:
            raise Failure(f"{e}\n{self.log_text()[-4000:]}") from None

    def stop(self):
        if not self.daemon:
            return
        daemon, self.daemon = self.daemon, None
        status = daemon.stop()
        check_equal(status, 0, f"{self.name}: exit status\n{self.log_text()[-2000:]}\nstatus")

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def add_domain(self, domain):
        self.ctl("domain", "add", domain)

    def add_account(self, address, *options):
        self.add_accounts([address], *options)
        return self.accounts[address]

    def add_accounts(self, addresses, *options):
        """Accounts with app passwords that are known here."""
        new = {address: app_password() for address in addresses}
        self.ctl("account", "add", "--batch", "-", "--no-password", "--app-password", "test", *options,
                 stdin="".join(f"{address} {password}\n" for address, password in new.items()).encode())
        self.accounts.update(new)

    def populate(self, *addresses):
        for domain in self.domains:
            self.add_domain(domain)
        self.add_accounts(addresses)
        return self

    # --- its processes ---

    def processes(self):
        """(role, pid) of each process; the first is the parent. Sessions of accounts are forks of the session role's process; each
        role's process leads a session (setsid) of its own, by which they are known even when that process is gone."""
        everyone = all_processes()
        found = [("parent", self.daemon.pid)]
        for pid, (parent, _, line) in everyone.items():
            if parent == self.daemon.pid and len(line) == 3 and line[1] == "role":
                found.append((line[2], pid))
                if line[2] == "session":
                    self.templates.add(pid)
        return found + [("session-of-account", pid) for pid, (_, leader, line) in everyone.items()
                        if leader in self.templates and pid != leader and line[1:] == ["role", "session"]]

    def pids(self, role):
        return [pid for r, pid in self.processes() if r == role]

    def memory_kib(self):
        total = {}
        for role, pid in self.processes():
            total[role] = total.get(role, 0) + resident_kib(pid)
        return total

    # --- clients ---

    def tls(self):
        return ssl.create_default_context(cafile=self.ca)

    def connect(self, service):
        return connect(self.address, self.ports[service], self.netns)

    def connect_tls(self, service):
        return self.tls().wrap_socket(self.connect(service), server_hostname=self.hostname)

    def smtp(self):
        """Port 25: as another server would."""
        return Smtp(self, "smtp")

    def submission(self, address=None, service="submissions", login=True):
        s = Smtp(self, service)
        if service == "submission":
            s.starttls()
        if login and address:
            s.login(address, self.accounts[address])
        return s

    def imap(self, address=None):
        m = Imap(self)
        if address:
            m.login(address, self.accounts[address])
        return m

    def deliver(self, sender, recipients, text, **options):
        with self.smtp() as s:
            return s.sendmail(sender, recipients, text, **options)

    def texts(self, address, mailbox="INBOX"):
        """Every message of a mailbox, whole."""
        with self.imap(address) as m:
            return m.texts(mailbox)

    def wait_message(self, address, token, mailbox="INBOX", seconds=PATIENCE):
        """The one message with that token in it."""
        def look():
            found = [t for t in self.texts(address, mailbox) if as_bytes(token) in t]
            return found[0] if found else None
        return wait_until(look, f"{token!r} in {mailbox} of {address}", seconds)


def set_option(lines, section, name, value):
    out, here, done = [], None, False
    for line in lines:
        text = line.strip()
        if text.startswith("["):
            if here == section and not done:
                out.append(f"{name} = {value}")
                done = True
            here = text.strip("[]")
        elif here == section and text.partition("=")[0].strip() == name:
            if not done:
                out.append(f"{name} = {value}")
            done = True
            continue
        out.append(line)
    if not done:
        if here != section:
            out.append(f"[{section}]")
        out.append(f"{name} = {value}")
    return out


class Smtp(smtplib.SMTP):
    """smtplib against an installation: connects where it is, verifies the name it has."""

    def __init__(self, installation, service):
        self.installation, self.service = installation, service
        super().__init__(installation.hostname, installation.ports[service], timeout=PATIENCE,
                         local_hostname="client.example.net")

    def _get_socket(self, host, port, timeout):
        s = self.installation.connect(self.service)
        if self.service == "submissions":
            s = self.installation.tls().wrap_socket(s, server_hostname=self.installation.hostname)
        return s

    def starttls(self, **_):
        return super().starttls(context=self.installation.tls())


class Imap(imaplib.IMAP4):
    """imaplib over TLS, the same way."""

    def __init__(self, installation):
        self.installation = installation
        super().__init__(installation.hostname, installation.ports["imaps"], timeout=PATIENCE)

    def _create_socket(self, timeout):
        return self.installation.connect_tls("imaps")

    def do(self, name, *args):
        """A command that must succeed; its data."""
        status, data = getattr(self, name)(*args)
        check_equal(status, "OK", f"{name} {args}: {data}")
        return data

    def texts(self, mailbox="INBOX"):
        count = int(self.do("select", quote(mailbox), True)[0])
        if count == 0:
            return []
        return [part[1] for part in self.do("fetch", "1:*", "(BODY.PEEK[])") if isinstance(part, tuple)]

    def fill(self, letters, batch=500):
        """Brings many letters into the inbox with MULTIAPPEND: pairs of when each came, in Unix seconds, and its bytes."""
        letters, lines = iter(letters), self.sock.makefile("rb")
        while some := list(itertools.islice(letters, batch)):
            parts = [b' "%s" {%d+}\r\n%s' % (time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(when)).encode(), len(text), text)
                     for when, text in some]
            self.sock.sendall(b"x APPEND INBOX" + b"".join(parts) + b"\r\n")
            while not (line := lines.readline()).startswith(b"x "):
                check(line, "the connection ended")
            check(line.startswith(b"x OK"), line)


def quote(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def token():
    return f"tok{secrets.token_hex(8)}"


def letter(sender, to, subject, body="Hello.\r\n", **headers):
    """A plain message as bytes; header names are written with underscores."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{secrets.token_hex(10)}@example.net>",
             f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def plain(address, password):
    return base64.b64encode(b"\0" + address.encode() + b"\0" + password.encode()).decode()


def raw(sock, data=b"", until=b"\r\n"):
    """Sends, then reads until the given end (None: until the connection closes)."""
    if data:
        sock.sendall(data)
    got = b""
    while until is None or not got.endswith(until):
        part = sock.recv(65536)
        if not part:
            if until is None:
                break
            raise EOFError(f"closed after {got!r}")
        got += part
    return got


def smtp_reply(sock, data=b""):
    """Sends, then reads one whole SMTP reply: (code, text)."""
    if data:
        sock.sendall(data)
    text = b""
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            part = sock.recv(1)
            if not part:
                raise EOFError(f"closed after {text + line!r}")
            line += part
        text += line
        if line[3:4] != b"-":
            return int(line[:3]), text


# --- running a file's tests ---

def refuse_signals_twice(signum, frame):
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(tests, setup=None, teardown=None):
    """Runs tests in order, each with what setup() gave; one JSON line for each into results.jsonl."""
    signal.signal(signal.SIGTERM, refuse_signals_twice)
    results = open(WORK / "results.jsonl", "w", encoding="utf-8")
    failed = False

    def record(name, result, text="", started=None):
        nonlocal failed
        failed = failed or result == "fail"
        line = {"test": name, "result": result, "text": text}
        if started is not None:
            line["seconds"] = time.monotonic() - started
        results.write(json.dumps(line) + "\n")
        results.flush()
        print(name, result, text, flush=True)

    def attempt(name, fn, *args, quiet=False):
        started = time.monotonic()
        try:
            value = fn(*args)
        except Skip as e:
            record(name, "skip", str(e))
            return None, False
        except Exception:  # every failure of a test is reported, none ends the others
            record(name, "fail", traceback.format_exc(limit=-6), started)
            return None, False
        if not quiet:
            record(name, "ok", started=started)
        return value, True

    world, good = None, True
    if setup:
        world, good = attempt("set up", setup, quiet=True)
    try:
        if good:
            args = (world,) if setup else ()
            for test in tests:
                attempt(test.__name__.removeprefix("test_").replace("_", " "), test, *args)
    finally:
        if good and teardown:
            attempt("stops in good order", teardown, world)
    results.write(json.dumps({"test": "", "result": "end", "text": ""}) + "\n")
    results.close()
    sys.exit(1 if failed else 0)


COMPLAINTS = ("AddressSanitizer", "UndefinedBehaviorSanitizer", "runtime error:", "LeakSanitizer", "Assertion")


def stop_and_inspect(*installations):
    """Stops them, then reads their logs: no process died but those a test killed, no finding of a sanitizer."""
    for i in installations:
        i.stop()
    for i in installations:
        for line in i.log_text().splitlines():
            check(not any(c in line for c in COMPLAINTS), f"{i.name}: the log says: {line}")
            if not getattr(i, "killed", False):
                check("process-died" not in line, f"{i.name}: the log says: {line}")
