"""An authoritative DNS server (NSD) for zones of a test's own, signed or not; and certificates with the TLSA records that go
with them. Needs the packages nsd, ldnsutils and openssl."""
import hashlib
import pathlib
import shutil
import socket
import struct
import time

import harness
from harness import Daemon, Failure, Skip, command, wait_until


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise Skip(f"{name} is not installed")
    return found


class Zone:
    """A zone under a name of its own. Records are lines of a zone file; names without a dot at the end are below it."""

    def __init__(self, name, folder, signed=True):
        self.name, self.signed = name, signed
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.records = []
        self.serial = int(time.time())
        self.keys = []
        if signed:
            for options in (["-k"], []):
                base = command(program("ldns-keygen"), *options, "-a", "ECDSAP256SHA256", name, cwd=self.folder).split()[-1]
                self.keys.append(base)

    def add(self, *records):
        self.records += records

    def remove(self, record):
        self.records.remove(record)

    @property
    def file(self):
        return self.folder / f"{self.name}.zone{'.signed' if self.signed else ''}"

    @property
    def anchor(self):
        """The key that signs the keys, as a trust anchor."""
        return (self.folder / f"{self.keys[0]}.key").read_text()

    def write(self):
        self.serial += 1
        plain = self.folder / f"{self.name}.zone"
        plain.write_text("\n".join([
            f"$ORIGIN {self.name}.", "$TTL 1", f"@ SOA ns hostmaster {self.serial} 3600 600 86400 1", "@ NS ns", "ns A 127.0.0.1",
            *self.records]) + "\n")
        if self.signed:
            command(program("ldns-signzone"), plain, *self.keys, cwd=self.folder)


class Nameserver:
    """NSD on one address and port, in one process."""

    def __init__(self, zones, folder, address="127.0.0.1", port=None, netns=None):
        self.zones, self.address, self.netns = list(zones), address, netns
        self.folder = pathlib.Path(folder)
        self.port = port or harness.free_ports(1, address)[0]
        self.conf = self.folder / "nsd.conf"
        for zone in self.zones:
            zone.write()
        self.conf.write_text("\n".join([
            "server:", f"  ip-address: {address}@{self.port}", "  server-count: 1", '  username: ""', '  chroot: ""',
            f'  zonesdir: "{self.folder}"', f'  pidfile: "{self.folder}/nsd.pid"', '  database: ""',
            f'  xfrdfile: "{self.folder}/xfrd.state"', f'  zonelistfile: "{self.folder}/zone.list"',
            "  zonefiles-check: yes", "remote-control:", "  control-enable: no",
            *(line for z in self.zones for line in ("zone:", f"  name: {z.name}", f'  zonefile: "{z.file}"'))]) + "\n")
        self.daemon = Daemon([program("nsd"), "-d", "-c", self.conf], self.folder / "nsd.log", netns=netns)
        wait_until(self._answers, "the name server answers", 30)

    def _answers(self):
        for zone in self.zones:
            if self.serial(zone) != zone.serial:
                return False
        return True

    def serial(self, zone):
        """The serial number that is served."""
        labels = b"".join(bytes([len(x)]) + x.encode() for x in zone.name.split("."))
        question = struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 6, 1)
        with harness.inside(self.netns):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with s:
            s.settimeout(1)
            s.sendto(question, (self.address, self.port))
            answer = s.recv(4096)
        if answer[3] & 15 or len(answer) < len(question) + 40:
            raise Failure(f"{zone.name}: no answer with a serial number")
        end = len(question) + 12 + struct.unpack(">H", answer[len(question) + 10:len(question) + 12])[0]
        return struct.unpack(">I", answer[end - 20:end - 16])[0]

    def reload(self):
        """Serves what the zones have now."""
        for zone in self.zones:
            zone.write()
        self.daemon.proc.send_signal(harness.signal.SIGHUP)
        wait_until(self._answers, "the name server has read its zones", 30)

    def write_anchors(self, path):
        pathlib.Path(path).write_text("".join(z.anchor for z in self.zones if z.signed))
        return path

    @property
    def stubs(self):
        """For [dns] stub."""
        return ", ".join(f"{z.name} {self.address}@{self.port}" for z in self.zones)

    def stop(self):
        self.daemon.stop()


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ca.pem"
        command(program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=Test CA", "-keyout", self.folder / "ca.key", "-out", self.file)

    def certificate(self, name, *names):
        """A chain file with its key for some host names."""
        base = self.folder / name
        key, request, out = (base.with_suffix(s) for s in (".key", ".csr", ".pem"))
        command("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ignored",
                "-keyout", key, "-out", request)
        extensions = base.with_suffix(".ext")
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in names or (name,)) + "\n")
        command("openssl", "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                "-days", "30", "-extfile", extensions, "-out", out)
        return out, key


def tlsa(certificate):
    """The record data 3 1 1 for a certificate file."""
    public = command("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = harness.base64.b64decode("".join(public.strip().splitlines()[1:-1]))
    return f"3 1 1 {hashlib.sha256(der).hexdigest()}"
