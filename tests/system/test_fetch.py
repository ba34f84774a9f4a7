"""What a signed-in reader has fetched: pictures, and correspondents' OpenPGP keys by Web Key Directory and DNS; and the server's own
Web Key Directory, read by curl and gpg. All of it runs in a network namespace where an address that is public elsewhere is a
server of the test's own: so nothing is switched off, and addresses that are not public are really refused."""
import base64
import hashlib
import http.client
import json
import struct
import subprocess
import tempfile
import threading
import time
import zlib

import test_web
from harness import WORK, Installation, Network, Skip, check, check_equal, command, inside, main, stop_and_inspect, wait_until
from listening import ListeningTls, http_request
from nameserver import Authority, Nameserver, Zone
from test_websign import Client, bundle, refused, sign_up

DOMAIN = "letterlock.test"
PUBLIC, DNS = "44.77.0.20", "44.77.0.53"  # public elsewhere; here, in this namespace only
SIGNED, PLAIN = "signed.example", "plain.example"
MEBIBYTE = 1 << 20


# --- a server elsewhere ---

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
       chunk(b"IDAT", zlib.compress(b"\0\x7f")) + chunk(b"IEND", b""))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


class Elsewhere(ListeningTls):
    """HTTPS: {(host, path): (status, headers, body)}; a body that is a list is sent in chunks without a length."""

    def __init__(self, address, certificate):
        self.pages, self.requests, self.posted = {}, [], []
        super().__init__(address, 443, certificate, self.answer)

    def answer(self, sock):
        method, target, headers, body = http_request(sock)
        host = headers.get("host", "").split(":")[0]
        self.posted.append((host, target, method, headers.get("content-type"), body))
        self.requests.append((host, target, headers))
        status, extra, body = self.pages.get((host, target.partition("?")[0]), (404, {}, b""))
        length = "Transfer-Encoding: chunked" if isinstance(body, list) else f"Content-Length: {len(body)}"
        head = [f"HTTP/1.1 {status} Answer", length, "Connection: close"] + [f"{n}: {v}" for n, v in extra.items()]
        sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        if isinstance(body, list):
            for part in body:
                sock.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            body = b"0\r\n\r\n"
        sock.sendall(body)

    def asked(self, host):
        return [(target, headers) for h, target, headers in self.requests if h == host]


# --- the world ---

class World:
    def __init__(self):
        self.net = Network("one")
        self.namespace, self.address = self.net.namespace("one"), self.net.address("one")
        self.net.stand_in("one", PUBLIC, DNS)
        self.pictures, self.key = f"pictures.{PLAIN}", OpenPgp(f"someone@advanced.{SIGNED}")
        self.ca = Authority(WORK / "ca")
        self.zones()
        names = [self.pictures, f"tracker.{PLAIN}", f"openpgpkey.advanced.{SIGNED}", f"direct.{SIGNED}", f"inside.{PLAIN}",
                 f"both.{PLAIN}", f"openpgpkey.nonsense.{SIGNED}", f"keys.{PLAIN}"]
        with inside(self.namespace):
            self.elsewhere = Elsewhere(PUBLIC, self.ca.certificate("elsewhere", *names))
            self.inner = Elsewhere("127.0.0.1", self.ca.certificate("inner", *names))
        self.one = Installation("one", netns=self.namespace, address=self.address, settings={
            ("dns", "stub"): self.dns.stubs, ("dns", "trust_anchor"): self.dns.write_anchors(WORK / "anchor"),
            ("tls", "ca_file"): self.ca.file, ("server", "key_server"): f"keys.{PLAIN}"})
        self.one.start().populate()
        self.one.ctl("domain", "registration", DOMAIN, "invitation")
        with inside(self.namespace):
            self.browser = Client(self.one)
        self.owner, _ = sign_up(self.one, self.browser, "reader")
        self.cookie = self.browser.ask(cookie="")
        self.browser.ask(cookie=self.cookie)

    def zones(self):
        signed, plain = Zone(SIGNED, WORK / "zones"), Zone(PLAIN, WORK / "zones", signed=False)
        signed.add(f"openpgpkey.advanced A {PUBLIC}", f"direct A {PUBLIC}", f"openpgpkey.nonsense A {PUBLIC}", self.dane("dane"))
        plain.add(f"pictures A {PUBLIC}", f"tracker A {PUBLIC}", "inside A 127.0.0.1", f"inside2 A {self.address}",
                  "six AAAA ::1", "mapped AAAA ::ffff:127.0.0.1", f"both A {PUBLIC}", "both A 127.0.0.1", f"keys A {PUBLIC}", self.dane("dane"))
        self.dns = Nameserver([signed, plain], WORK / "zones", DNS, 53, self.namespace)

    def dane(self, domain, local="someone"):
        """RFC 7929, in the form of a type that the zone's signer need not know."""
        key = self.key.public()
        name = hashlib.sha256(local.encode()).digest()[:28].hex()
        return f"{name}._openpgpkey.{domain} TYPE61 \\# {len(key)} {key.hex()}"

    # --- a page's requests ---

    def get(self, path, method="GET", **headers):
        c = http.client.HTTPSConnection(self.one.hostname, self.one.ports["https"])
        c.sock = self.one.connect_tls("https")
        with_cookie = {"Cookie": f"__Host-letterlock={self.cookie}"} if headers.pop("cookie", True) else {}
        own = {"Host": f"{self.one.hostname}:{self.one.ports['https']}"}
        c.request(method, path, headers=own | with_cookie | {n.replace("_", "-"): v for n, v in headers.items()})
        r = c.getresponse()
        return r.status, {n.lower(): v for n, v in r.getheaders()}, r.read()

    def picture(self, url, **headers):
        return self.get("/api/v1/image?url=" + escape(url), **headers)

    def leave(self, url, method="POST", **headers):
        return self.get("/api/v1/unsubscribe?url=" + escape(url), method, **({"X_Letterlock": "1"} | headers))[0]

    def keys(self, address, place="lookup"):
        status, _, body = self.get(f"/api/v1/keys/{place}?address={escape(address)}")
        check_equal(status, 200, body)
        answer = json.loads(body)
        check_equal(answer["address"], address, "address")
        return answer

    def serve(self, path, body, status=200, host=None, **headers):
        self.elsewhere.pages[(host or self.pictures, path)] = (status, {n.replace("_", "-"): v for n, v in headers.items()}, body)
        return f"https://{host or self.pictures}{path}"


def escape(text):
    return "".join(c if c.isalnum() else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


class OpenPgp:
    """A key that gpg makes."""

    def __init__(self, address):
        self.home = WORK / f"gpg-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
        self.home.mkdir(mode=0o700)
        self.run("--quick-generate-key", address, "ed25519", "sign")
        self.fingerprint = fingerprints(self.run("--list-keys", "--with-colons"))[0]

    def run(self, *args):
        options = ["--homedir", str(self.home), "--batch", "--quiet", "--yes"]
        try:
            done = subprocess.run(["gpg", *options, "--pinentry-mode", "loopback", "--passphrase", "", *args],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        except FileNotFoundError as e:
            raise Skip("gpg is not installed") from e
        check_equal(done.returncode, 0, f"gpg {args}: {done.stderr.decode()}")
        return done.stdout

    def public(self):
        return self.run("--export", self.fingerprint)

    def secret(self):
        return self.run("--export-secret-keys", self.fingerprint)

    def close(self):
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, timeout=60)


def fingerprints(listing):
    return [line.split(":")[9] for line in listing.decode().splitlines() if line.startswith("fpr:")]


def wkd_name(local):
    """z-base-32 of SHA-1 (draft-koch-openpgp-webkey-service)."""
    number = int.from_bytes(hashlib.sha1(local.lower().encode()).digest(), "big")
    return "".join("ybndrfg8ejkmcpqxot1uwisza345h769"[number >> shift & 31] for shift in range(155, -5, -5))


def encode(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def setup():
    bundle()
    return World()


def teardown(w):
    try:
        w.browser.close()
        stop_and_inspect(w.one)
    finally:
        w.key.close()
        for s in (w.elsewhere, w.inner, w.dns):
            s.stop() if s is w.dns else s.close()
        w.net.close()


# --- who may ask ---

def test_only_for_who_is_signed_in(w):
    url = w.serve("/a.png", PNG)
    for path in ("/api/v1/image?url=" + escape(url), "/api/v1/keys/lookup?address=" + escape(f"someone@dane.{SIGNED}")):
        before = len(w.elsewhere.requests)
        check_equal(w.get(path, cookie=False)[0], 401, f"{path} without a cookie")
        check_equal(w.get(path, cookie=False, Cookie="__Host-letterlock=" + "A" * 43)[0], 401, f"{path} with another cookie")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
                        {"Sec_Fetch_Site": "same-site"}, {"Origin": f"https://{w.one.hostname}"}):
            status, _, body = w.get(path, **headers)
            check_equal((status, json.loads(body)["type"]), (403, "urn:letterlock:forged"), f"{path} {headers}")
        check_equal(len(w.elsewhere.requests), before, "requests that went out")
        check_equal(w.get(path, Sec_Fetch_Site="same-origin")[0], 200, path)
        check_equal(w.get(path, Origin=f"https://{w.one.hostname}:{w.one.ports['https']}")[0], 200, path)
    with inside(w.namespace):
        other = Client(w.one)
    with other:
        other.login(w.owner)
        mine, w.cookie = w.cookie, other.ask(cookie="")
        other.ask(cookie=w.cookie)
        try:
            check_equal(w.picture(url)[0], 200, "signed in")
            other.call("signOut")
            check_equal(w.picture(url)[0], 401, "signed out")
        finally:
            w.cookie = mine


# --- pictures ---

def test_a_picture(w):
    url = w.serve("/pixel.png", PNG, Content_Type="text/html", Set_Cookie="id=1", Refresh="0; url=https://evil.example")
    status, headers, body = w.picture(url + "?reader=4711#fragment")
    check_equal((status, body), (200, PNG), "picture")
    check_equal(headers["content-type"], "image/png", "the type is that of the bytes")
    for name in ("set-cookie", "refresh", "location"):
        check(name not in headers, f"{name} came through")
    check_equal(headers["x-content-type-options"], "nosniff", "nosniff")
    check("default-src 'none'" in headers["content-security-policy"], headers)
    check(headers["cache-control"].startswith("private"), headers)
    target, sent = w.elsewhere.asked(w.pictures)[-1]
    check_equal(target, "/pixel.png?reader=4711", "no fragment")
    check_equal(sent["user-agent"], "Mozilla/5.0", "every reader looks the same")
    told = {"cookie", "referer", "origin", "x-forwarded-for", "forwarded", "via", "accept-language", "authorization"} & set(sent)
    check(not told, f"told: {told}")
    check(w.cookie not in str(sent) and w.owner not in str(sent), "who reads is told")


def test_what_is_no_picture(w):
    for path, body, kind in (("/html.png", HTML, "image/png"), ("/vector.svg", SVG, "image/svg+xml"), ("/script", b"alert(1)", "text/javascript"),
                             ("/empty.png", b"", "image/png"), ("/xml", b'<?xml version="1.0"?>' + SVG, "image/png"),
                             ("/late.png", HTML + PNG, "image/png")):
        status, headers, answer = w.picture(w.serve(path, body, Content_Type=kind))
        check_equal(status, 415, path)
        check_equal(headers["content-type"], "application/problem+json", path)
        check(body[:20] not in answer or not body, f"{path} came through")
    check_equal(w.picture(w.serve("/gone.png", PNG, 404))[0], 502, "404 elsewhere")
    check_equal(w.picture(w.serve("/error.png", PNG, 500))[0], 502, "500 elsewhere")


def test_sizes(w):
    for mebibytes, status in ((7, 200), (9, 502)):
        body = PNG + b"\0" * (mebibytes * MEBIBYTE)
        got, _, answer = w.picture(w.serve(f"/large-{mebibytes}.png", body))
        check_equal(got, status, f"{mebibytes} MiB")
        check(status != 200 or answer == body, "the large one is whole")
        got, _, answer = w.picture(w.serve(f"/chunks-{mebibytes}.png", [PNG] + [b"\0" * MEBIBYTE] * mebibytes))
        check_equal(got, status, f"{mebibytes} MiB in chunks")
    check_equal(w.picture(w.serve("/after.png", PNG))[0], 200, "and goes on")


def test_addresses_of_pictures(w):
    w.serve("/a.png", PNG)
    host = w.pictures
    check_equal(w.picture(f"http://{host}/a.png")[0], 200, "http: is tried as https:")
    for url in (f"ftp://{host}/a.png", "file:///etc/passwd", f"https://user:word@{host}/a.png", f"https://{host}:8443/a.png",
                f"http://{host}:80/a.png", f"https://{PUBLIC}/a.png", "https://[::1]/a.png", "https://127.0.0.1/a.png", "https://2130706433/a.png",
                "https://0x7f.1/a.png", "https://localhost/a.png", "data:image/png;base64,AAAA", "gopher://x", "//", "a.png", "x" * 1500,
                f"https://nobody.{PLAIN}/a.png", f"https://inside.{PLAIN}/a.png", f"https://inside2.{PLAIN}/a.png",
                f"https://six.{PLAIN}/a.png", f"https://mapped.{PLAIN}/a.png", f"https://{w.one.hostname}/"):
        status, _, body = w.picture(url)
        check_equal(status, 502, f"{url}: {body[:200]}")
    for query in ("", "?url=", "?url=%0d%0aHost:x", "?url=%zz", "?other=1", "?url=" + "x" * 3000):
        check_equal(w.get("/api/v1/image" + query)[0], 400, query)
    check_equal(w.inner.requests, [], "what was asked of the machine's own address")
    # Of two addresses only the one that is public is used.
    w.serve("/b.png", PNG, host=f"both.{PLAIN}")
    check_equal(w.picture(f"https://both.{PLAIN}/b.png")[0], 200, "both")
    check_equal(w.inner.requests, [], "what was asked of the machine's own address")


def test_redirections(w):
    w.serve("/end.png", PNG)
    check_equal(w.picture(w.serve("/here.png", b"", 302, Location="/end.png"))[0], 200, "relative")
    check_equal(w.picture(w.serve("/plain.png", b"", 301, Location=f"http://{w.pictures}/end.png"))[0], 200, "to http:")
    before = len(w.inner.requests)
    for where in (f"https://inside.{PLAIN}/end.png", "https://127.0.0.1/end.png", f"https://{w.address}/end.png", "https://[::1]/end.png", f"https://six.{PLAIN}/",
                  "file:///etc/passwd", f"https://{w.pictures}:8443/end.png", f"https://a:b@{w.pictures}/end.png", "javascript:alert(1)"):
        status, headers, _ = w.picture(w.serve("/away.png", b"", 302, Location=where))
        check_equal(status, 502, f"to {where}")
        check("location" not in headers, f"the client is sent to {where}")
    check_equal(len(w.inner.requests), before, "requests to the machine itself")
    start = len(w.elsewhere.requests)
    check_equal(w.picture(w.serve("/loop.png", b"", 302, Location="/loop.png"))[0], 502, "a loop")
    check_equal(len(w.elsewhere.requests) - start, 5, "one request and four redirections")


def test_many_at_once(w):
    """More than are fetched at the same time: each gets an answer."""
    w.serve("/many.png", PNG)
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(w.picture(f"https://{w.pictures}/many.png?{n}")[0])) for n in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    check_equal(len(answers), 60, "answers")
    check_equal(set(answers), {200}, "statuses")


# --- keys ---

def found(answer):
    return [(k["source"], base64.urlsafe_b64decode(k["key"] + "=" * (-len(k["key"]) % 4))) for k in answer["keys"]]


def test_leaving_a_list(w):
    """RFC 8058: one POST, which tells nothing of who leaves but what the list put into its own address."""
    url = w.serve("/leave", b"bye")
    check_equal(w.leave(url + "?reader=4711"), 204, "left")
    host, target, method, kind, body = w.elsewhere.posted[-1]
    check_equal((host, target, method), (w.pictures, "/leave?reader=4711", "POST"), "request")
    check_equal((kind, body), ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"), "what is posted")
    sent = w.elsewhere.asked(w.pictures)[-1][1]
    check(not {"cookie", "referer", "origin"} & set(sent) and w.owner not in str(sent), f"told: {sent}")
    before = len(w.elsewhere.posted)
    check_equal(w.leave(url, cookie=False), 401, "without a cookie")
    check_equal(w.leave(url, X_Letterlock=""), 403, "as another site's page would")
    check_equal(w.leave(url, Origin="https://evil.example"), 403, "from another site")
    check_equal(w.leave(url, "GET"), 405, "by a link")
    for bad in (url.replace("https:", "http:"), f"https://inside.{PLAIN}/leave", f"https://{PUBLIC}/leave", "https://127.0.0.1/leave"):
        check_equal(w.leave(bad), 502, bad)
    check_equal(len(w.elsewhere.posted), before, "requests that should not have been made")
    check_equal(w.leave(w.serve("/gone", b"", 404)), 502, "the list says no")
    check_equal(w.leave(w.serve("/moved", b"", 302, Location=url)), 502, "a redirection is not followed")
    check_equal(w.elsewhere.posted[-1][1], "/moved", "the last request")


def test_web_key_directories(w):
    key, name = w.key.public(), wkd_name("Some.One")
    check_equal(wkd_name("Joe.Doe"), "iy9q119eutrkn8s1mk4r39qejnbu3n5q", "the draft's example")
    host = f"openpgpkey.advanced.{SIGNED}"
    w.serve(f"/.well-known/openpgpkey/advanced.{SIGNED}/hu/{name}", key, host=host)
    answer = w.keys(f"Some.One@advanced.{SIGNED}")
    check_equal((answer["local"], found(answer)), (False, [("wkd", key)]), "advanced method")
    check(w.elsewhere.asked(host)[-1][0].endswith("?l=Some.One"), w.elsewhere.asked(host))
    # Where the first place does not exist, and only there, the second one is asked.
    w.serve(f"/.well-known/openpgpkey/hu/{name}", key, host=f"direct.{SIGNED}")
    check_equal(found(w.keys(f"some.one@direct.{SIGNED}")), [("wkd", key)], "direct method")
    check_equal(found(w.keys(f"nobody@direct.{SIGNED}")), [], "nobody")
    check_equal(found(w.keys(f"nobody@advanced.{SIGNED}")), [], "nobody")
    # What is no key, or a secret one, is not handed on.
    for local, body in (("page", HTML), ("secret", w.key.secret()), ("large", key * 200), ("two", b"")):
        w.serve(f"/.well-known/openpgpkey/nonsense.{SIGNED}/hu/{wkd_name(local)}", body, host=f"openpgpkey.nonsense.{SIGNED}")
        check_equal(found(w.keys(f"{local}@nonsense.{SIGNED}")), [], local)
    for address in ("nobody", "@x.example", "a@", "", "a\r\nb@x.example", "a" * 600 + "@x.example"):
        check_equal(w.get("/api/v1/keys/lookup?address=" + escape(address))[0], 400, address)


def test_keys_in_the_dns(w):
    key = w.key.public()
    check_equal(found(w.keys(f"someone@dane.{SIGNED}")), [("dane", key)], "signed")
    check_equal(found(w.keys(f"SomeOne@dane.{SIGNED}")), [("dane", key)], "lower case is asked for")
    check_equal(found(w.keys(f"someone@dane.{PLAIN}")), [], "the same record without a signature")
    check_equal(found(w.keys(f"other@dane.{SIGNED}")), [], "nobody")


def wkd(w, path, host=None, *options):
    """As a program elsewhere asks: curl, verifying the server's name."""
    name = f"{w.one.hostname}:{w.one.ports['https']}"
    out = WORK / "wkd.key"
    status = command("curl", "-sS", "-m", "30", "--cacert", w.one.ca, "--resolve", f"{name}:{w.one.address}", "-H", f"Host: {host or name}", *options,
                     "-o", out, "-w", "%{http_code}", f"https://{name}/.well-known/openpgpkey/{path}", netns=w.namespace)
    return int(status), out.read_bytes()


def test_a_key_server_only_when_it_is_wanted(w):
    """It answers with armored text. It is asked by its own path alone, and learns nothing else."""
    address, host = f"someone@served.{SIGNED}", f"keys.{PLAIN}"
    path = f"/vks/v1/by-email/someone%40served.{SIGNED}"
    w.serve(path, w.key.run("--armor", "--export", w.key.fingerprint), host=host)
    answer = w.keys(address)
    check_equal((found(answer), answer["server"]), ([], host), "nobody is asked for it, but it is named")
    check_equal(w.elsewhere.asked(host), [], "not asked")
    check_equal([(s, taken(k)) for s, k in found(w.keys(address, "server"))], [("keyserver", taken(w.key.public()))], "asked")
    check_equal([line for line, *_ in w.elsewhere.asked(host)], [path], "asked for")
    check_equal(found(w.keys(f"nobody@served.{SIGNED}", "server")), [], "nobody")
    for local, body in (("html", HTML), ("binary", w.key.public()), ("cut", w.key.run("--armor", "--export", w.key.fingerprint)[:200])):
        w.serve(f"/vks/v1/by-email/{local}%40served.{SIGNED}", body, host=host)
        check_equal(found(w.keys(f"{local}@served.{SIGNED}", "server")), [], local)
    check_equal(w.keys(w.owner)["server"], "", "nobody is sent elsewhere for an address that is here")
    check_equal(w.get("/api/v1/keys/server?address=nobody")[0], 400, "no address")


def test_a_key_server_in_the_page(w):
    """The writer of a letter is told who would learn of it, and asks; then the letter can be encrypted."""
    test_web.ready()
    key = OpenPgp(f"stranger@served.{SIGNED}")
    key.run("--quick-add-key", key.fingerprint, "cv25519", "encr")
    w.serve(f"/vks/v1/by-email/stranger%40served.{SIGNED}", key.run("--armor", "--export", key.fingerprint), host=f"keys.{PLAIN}")
    people = {"alice": test_web.add_person(w.one, "alice"), "strangers": {"server": f"keys.{PLAIN}", "known": f"stranger@served.{SIGNED}",
                                                                         "unknown": f"nobody@served.{SIGNED}"}}
    before = len(w.elsewhere.asked(f"keys.{PLAIN}"))
    browser = test_web.Browser(w.one, people, ("key_server",))
    try:
        browser.run("a key server is asked only on a click")
    finally:
        browser.close()
        key.close()
    check_equal(len(w.elsewhere.asked(f"keys.{PLAIN}")) - before, 2, "asked for each of the two clicks")


def test_own_directory(w):
    """Published by its owner; read with curl, and taken by gpg."""
    mine, stranger = OpenPgp(w.owner), OpenPgp(f"somebody-else@{DOMAIN}")
    try:
        own_directory(w, mine, stranger)
    finally:
        mine.close()
        stranger.close()


def own_directory(w, mine, stranger):
    name, c = wkd_name("reader"), w.browser
    check_equal(wkd(w, f"{DOMAIN}/hu/{name}?l=reader")[0], 404, "before")
    refused("denied", c.post, "key-publish", key=encode(mine.public()))
    c.ask(openpgp=encode(mine.secret()), fingerprint=encode(bytes.fromhex(mine.fingerprint)))
    refused("not-found", c.post, "key-publish", key=encode(stranger.public()))
    refused("denied", c.post, "key-publish", key=encode(mine.secret()))
    c.post("key-publish", key=encode(mine.public()))
    for path, host in ((f"{DOMAIN}/hu/{name}?l=reader", f"openpgpkey.{DOMAIN}"), (f"{DOMAIN}/hu/{name}", f"openpgpkey.{DOMAIN}"),
                       (f"hu/{name}?l=reader", DOMAIN), (f"hu/{name}", DOMAIN)):
        status, key = wkd(w, path, host)
        check_equal(status, 200, path)
        check_equal(fingerprints(taken(key)), [mine.fingerprint], path)
    check_equal(wkd(w, f"{DOMAIN}/policy")[0], 200, "policy")
    for path in (f"{DOMAIN}/hu/{wkd_name('nobody')}", f"elsewhere.example/hu/{name}", f"{DOMAIN}/hu/short", f"{DOMAIN}/hu/../{name}", DOMAIN):
        check_equal(wkd(w, path)[0], 404, path)
    answer = w.keys(w.owner)
    check_equal((answer["local"], [s for s, _ in found(answer)]), (True, ["directory"]), "lookup here")
    check_equal(fingerprints(taken(found(answer)[0][1])), [mine.fingerprint], "the key here")
    check_equal(found(w.keys(f"nobody@{DOMAIN}")), [], "nobody here")
    c.post("key-publish", key="")
    check_equal(wkd(w, f"{DOMAIN}/hu/{name}")[0], 404, "withdrawn")


def taken(key):
    """What gpg has after an import of it, and of nothing else."""
    with tempfile.TemporaryDirectory(dir=WORK) as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--no-autostart"]
        done = subprocess.run(gpg + ["--import"], input=key, timeout=60, capture_output=True)
        check_equal(done.returncode, 0, f"gpg --import of {len(key)} bytes: {done.stderr.decode()}")
        listed = subprocess.run(gpg + ["--with-colons", "--list-keys"], check=True, timeout=60, capture_output=True).stdout
        # The line "tru" says when this folder was made.
        return b"\n".join(line for line in listed.splitlines() if not line.startswith(b"tru:"))


# --- and as it is elsewhere ---

def test_private_addresses_only_where_they_are_allowed(w):
    """The same address that was refused all along is fetched once the setting allows it: it was that rule that refused."""
    w.inner.pages[(f"inside.{PLAIN}", "/a.png")] = (200, {}, PNG)
    check_equal(w.picture(f"https://inside.{PLAIN}/a.png")[0], 502, "as it is delivered")
    w.one.stop()
    w.one.configure({("relay", "private_fetch"): "1"})
    w.one.start()
    check_equal(w.picture(f"https://inside.{PLAIN}/a.png")[0], 200, "allowed")
    check_equal(w.picture("https://127.0.0.1/a.png")[0], 502, "an address instead of a name")


def test_pictures_of_one_account_are_limited(w):
    """The last test of this file: it uses up what the account may have fetched. Each request counts, also one that brings nothing."""
    c = http.client.HTTPSConnection(w.one.hostname, w.one.ports["https"])
    c.sock = w.one.connect_tls("https")
    head = {"Cookie": f"__Host-letterlock={w.cookie}", "Host": f"{w.one.hostname}:{w.one.ports['https']}"}

    def ask(url="x:"):
        c.request("GET", "/api/v1/image?url=" + escape(url), headers=head)
        r = c.getresponse()
        return r.status, r.getheader("Retry-After"), r.read()

    taken, began = 0, time.monotonic()
    while taken < 20000 and (answer := ask())[0] == 502:
        taken += 1
    status, retry, body = answer
    check_equal((status, json.loads(body)["type"]), (429, "urn:letterlock:rate"), f"after {taken} pictures")
    check(taken <= 2001 + time.monotonic() - began, f"{taken} pictures were let through")
    check(retry and 1 <= int(retry) <= 2, f"Retry-After: {retry}")
    before = len(w.elsewhere.requests)
    good = w.serve("/limited.png", PNG)
    wait_until(lambda: ask(good)[0] == 200, "it goes on after a while")
    check(len(w.elsewhere.requests) > before, "the picture was fetched")
    check_equal(w.get("/api/v1/keys/lookup?address=" + escape(f"someone@dane.{SIGNED}"))[0], 200, "keys are not pictures")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)]

if __name__ == "__main__":
    main(TESTS, setup, teardown)
