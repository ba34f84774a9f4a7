"""Real peers for the system tests: an authoritative name server with signed zones (NSD, ldns), Postfix, a web server for
MTA-STS policies, and a mail server that only takes mail in (for its certificate)."""
import base64
import hashlib
import http.server
import pathlib
import re
import shutil
import signal
import smtplib
import socketserver
import ssl
import threading

from harness import PATIENCE, Daemon, check, command, connect, inside, wait_until

TTL = 1  # so that a changed record counts at once


class Nameserver:
    """The root, `example.` (signed) and `unsigned.` on one server. Records are (name, type, value)."""

    def __init__(self, work, address, netns):
        self.work, self.address, self.netns = pathlib.Path(work), address, netns
        self.work.mkdir(parents=True)
        self.records = []
        self.serial = 1
        self.daemon = None
        self.keys = {zone: self._key(zone) for zone in (".", "example.")}

    def _key(self, zone):
        name = command("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "-r", "/dev/urandom", zone, cwd=self.work).strip()
        return self.work / name

    def _ds(self, zone):
        return command("ldns-key2ds", "-n", "-2", f"{self.keys[zone]}.key").strip()

    def zone_of(self, name):
        return "example." if name.endswith("example.") else "unsigned."

    def _zone_text(self, zone):
        origin = "" if zone == "." else zone
        lines = [f"{zone} {TTL} IN SOA ns.{origin} hostmaster.{origin} {self.serial} 3600 600 86400 {TTL}",
                 f"{zone} {TTL} IN NS ns.{origin}", f"ns.{origin} {TTL} IN A {self.address}"]
        if zone == ".":
            for child in ("example.", "unsigned."):
                lines += [f"{child} {TTL} IN NS ns.{child}", f"ns.{child} {TTL} IN A {self.address}"]
            lines.append(self._ds("example.").replace("\t", " "))
        lines += [f"{n} {TTL} IN {t} {v}" for n, t, v in self.records if zone != "." and self.zone_of(n) == zone]
        return "\n".join(lines) + "\n"

    def write(self, spoil=()):
        """Writes and signs the zones. spoil: names whose records are changed after signing."""
        self.serial += 1
        for zone in (".", "example.", "unsigned."):
            path = self.work / f"zone.{zone.rstrip('.') or 'root'}"
            path.write_text(self._zone_text(zone))
            if zone in self.keys:
                command("ldns-signzone", "-o", zone, "-f", f"{path}.signed", path, self.keys[zone], cwd=self.work)
            else:
                shutil.copy(path, f"{path}.signed")
            for name, before, after in spoil:
                text = pathlib.Path(f"{path}.signed").read_text()
                pathlib.Path(f"{path}.signed").write_text(
                    "\n".join(line.replace(before, after) if line.startswith(name) and "RRSIG" not in line else line
                              for line in text.split("\n")))

    def start(self):
        self.write()
        conf = self.work / "nsd.conf"
        conf.write_text(f"""server:
  ip-address: {self.address}
  port: 53
  username: ""
  chroot: ""
  zonesdir: "{self.work}"
  database: ""
  pidfile: "{self.work}/nsd.pid"
  xfrdfile: "{self.work}/xfrd.state"
  zonelistfile: "{self.work}/zone.list"
  xfrdir: "{self.work}"
  server-count: 1
  round-robin: no
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "zone.root.signed"
zone:
  name: "example."
  zonefile: "zone.example.signed"
zone:
  name: "unsigned."
  zonefile: "zone.unsigned.signed"
""")
        self.daemon = Daemon(["nsd", "-d", "-c", conf], self.work / "nsd.log", netns=self.netns)
        self.wait_serial()
        return self

    def wait_serial(self):
        def current():
            check(self.daemon.alive(), (self.work / "nsd.log").read_text()[-2000:])
            answer = command("drill", "-p", "53", f"@{self.address}", "example.", "SOA", netns=self.netns, ok=False)
            return re.search(rf"SOA\s+\S+\s+\S+\s+{self.serial}\s", answer)
        wait_until(current, f"the name server serves serial {self.serial}")

    def change(self, name, rtype, *values, spoil=()):
        """Puts the values in the place of all records of that name and type."""
        self.records = [r for r in self.records if r[:2] != (name, rtype)] + [(name, rtype, v) for v in values]
        self.write(spoil)
        self.daemon.proc.send_signal(signal.SIGHUP)
        self.wait_serial()

    def anchor(self, path):
        """A trust anchor file for validating resolvers."""
        pathlib.Path(path).write_text(self._ds(".") + "\n")
        return path

    def stop(self):
        if self.daemon:
            self.daemon.stop()
            self.daemon = None


class Postfix:
    """Postfix with a configuration and queue of its own. It takes mail for one domain into a Maildir and sends for its network."""

    def __init__(self, work, domain, hostname, address, netns, network):
        self.work, self.domain, self.address, self.netns = pathlib.Path(work), domain, address, netns
        self.hostname = hostname
        etc, spool, lib = (self.work / name for name in ("etc", "spool", "lib"))
        for folder in (etc, spool, lib, self.work / "mail"):
            folder.mkdir(parents=True)
        command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={hostname}", "-keyout", etc / "key.pem", "-out", etc / "cert.pem")
        shutil.chown(lib, "postfix")
        shutil.chown(self.work / "mail", "postfix")
        (etc / "main.cf").write_text(f"""compatibility_level = 3.6
config_directory = {etc}
queue_directory = {spool}
data_directory = {lib}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
sendmail_path = /usr/sbin/sendmail
newaliases_path = /usr/bin/newaliases
mailq_path = /usr/bin/mailq
mail_owner = postfix
setgid_group = postdrop
maillog_file = {self.work}/mail.log
maillog_file_prefixes = {self.work}
myhostname = {hostname}
mydestination =
mynetworks = {network}
inet_interfaces = {address}
inet_protocols = ipv4
smtp_bind_address = {address}
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {self.work}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{self._id('postfix')}
virtual_gid_maps = static:{self._id('postfix', group=True)}
virtual_minimum_uid = 1
smtpd_tls_security_level = may
smtpd_tls_cert_file = {etc}/cert.pem
smtpd_tls_key_file = {etc}/key.pem
smtpd_tls_received_header = yes
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
smtp_dns_support_level = enabled
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
""")
        (etc / "master.cf").write_text("""smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
""")
        self.etc = etc
        self.daemon = None

    @staticmethod
    def _id(name, group=False):
        return int(command("id", "-g" if group else "-u", name))

    def start(self):
        self.daemon = Daemon(["postfix", "-c", self.etc, "start-fg"], self.work / "output.log", netns=self.netns)

        def ready():
            check(self.daemon.alive(), f"Postfix ended: {(self.work / 'output.log').read_text()[-3000:]}{self.log_text()[-3000:]}")
            with connect(self.address, 25, self.netns, timeout=5) as s:
                return s.recv(4)[:3] == b"220"
        wait_until(ready, "Postfix is ready")
        return self

    def log_text(self):
        log = self.work / "mail.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def send(self, sender, recipients, text):
        with inside(self.netns), smtplib.SMTP(self.address, 25, timeout=PATIENCE, local_hostname=self.hostname) as s:
            return s.sendmail(sender, recipients, text)

    def messages(self):
        return [p.read_bytes() for p in (self.work / "mail" / "inbox").glob("new/*")]

    def stop(self):
        if self.daemon:
            command("postfix", "-c", self.etc, "stop", netns=self.netns, ok=False)
            self.daemon.stop()
            self.daemon = None


class Authority:
    """A certificate authority for hosts."""

    def __init__(self, work, name):
        self.work = pathlib.Path(work)
        self.work.mkdir(parents=True)
        self.key, self.certificate = self.work / "ca.key", self.work / "ca.pem"
        command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def issue(self, host):
        """(certificate, key) files for a name."""
        base = self.work / host
        command("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
                "-addext", f"subjectAltName=DNS:{host}", "-keyout", f"{base}.key", "-out", f"{base}.csr")
        command("openssl", "x509", "-req", "-in", f"{base}.csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-copy_extensions", "copy", "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"


class Threaded(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Server:
    """A TCP server of this process in a namespace."""

    def __init__(self, handler, address, port, netns):
        with inside(netns):
            self.server = Threaded((address, port), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class PolicyServer(Server):
    """HTTPS with one MTA-STS policy, whose text may be changed."""

    def __init__(self, address, netns, certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        outer = self
        self.policy, self.asked = "", 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self):
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self):
                outer.asked += 1
                good = self.path == "/.well-known/mta-sts.txt"
                self.send_response(200 if good else 404)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                if good:
                    self.wfile.write(outer.policy.encode())

            def log_message(self, format, *args):
                print("policy server:", format % args, flush=True)

        super().__init__(Handler, address, 443, netns)


class Sink(Server):
    """A mail server that keeps what it gets, with STARTTLS and the certificate it is given."""

    def __init__(self, address, netns, certificate, key, hostname):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.messages = []  # (whether by TLS, octets)
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    self.talk()
                except OSError as e:  # the client does not like our certificate
                    print("sink:", e, flush=True)

            def talk(self):
                sock, tls = self.request, False
                lines = sock.makefile("rb")

                def say(text):
                    sock.sendall(text.encode() + b"\r\n")
                say(f"220 {hostname} ESMTP")
                while line := lines.readline():
                    word = line.strip().upper()
                    if word.startswith(b"EHLO"):
                        say(f"250-{hostname}\r\n250-8BITMIME\r\n" + ("250 SIZE" if tls else "250 STARTTLS"))
                    elif word == b"STARTTLS":
                        say("220 ready")
                        sock = outer.context.wrap_socket(sock, server_side=True)
                        lines, tls = sock.makefile("rb"), True
                    elif word == b"DATA":
                        say("354 go on")
                        text = b""
                        while (part := lines.readline()) != b".\r\n":
                            if not part:
                                return
                            text += part
                        outer.messages.append((tls, text))
                        say("250 kept")
                    elif word == b"QUIT":
                        say("221 bye")
                        return
                    else:
                        say("250 fine")

        super().__init__(Handler, address, 25, netns)


def spki_sha256(certificate):
    """The value of a TLSA 3 1 1 record."""
    key = command("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = base64.b64decode("".join(line for line in key.splitlines() if "-----" not in line))
    return hashlib.sha256(der).hexdigest()
