"""HTTP over the wire: what is served, what is refused, and who cannot be kept busy."""
import base64
import collections
import gzip
import http.client
import json
import os
import re
import shutil
import ssl
import struct
import subprocess
import time

from harness import Installation, check, check_equal, main, stop_and_inspect, wait_until

ALICE = "alice@letterlock.test"
SCRIPT = b"export const answer = 42;\n" * 400
PAGE = b"<!doctype html><title>test</title><script type=module src=/assets/app-1.js></script>"
PAGE_CSP = "default-src 'none'; script-src 'self'"


def text16(s):
    return struct.pack(">H", len(s)) + s.encode()


def pack(entries):
    """A web.pack of (path, type, class, policy, body, compress)."""
    out = b"LLWEB1\n" + struct.pack(">I", len(entries))
    for path, kind, number, csp, body, compress in entries:
        small = gzip.compress(body, mtime=0) if compress else b""
        out += text16(path) + text16(kind) + bytes([number]) + text16(csp)
        out += struct.pack(">II", len(body), len(small)) + body + small
    return out


def setup():
    world = Installation(settings={("server", "frontends"): "1"}.items())
    web = world.dir / "test.pack"
    web.write_bytes(pack([
        ("/index.html", "text/html; charset=utf-8", 0, PAGE_CSP, PAGE, True),
        ("/assets/app-1.js", "text/javascript", 1, "", SCRIPT, True),
        ("/assets/worker-1.js", "text/javascript", 2, "", SCRIPT, False),
        ("/sw.js", "text/javascript", 4, "", b"self;", False),
    ]))
    world.configure({("server", "web"): str(web)})
    (world.dir / "large").write_bytes(b"x" * 500000)
    return world.start().populate(ALICE)


class Answer:
    def __init__(self, text):
        head, _, self.body = text.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()


def curl(world, path, *options, version="--http2"):
    name = f"{world.hostname}:{world.ports['https']}"
    done = subprocess.run(
        ["curl", "-sS", "-i", "-m", "30", version, "--cacert", str(world.ca), "--resolve", f"{name}:{world.address}",
         *options, f"https://{name}{path}"], capture_output=True)
    check_equal(done.returncode, 0, f"curl {path}: {done.stderr.decode()}")
    return Answer(done.stdout)


def password(world):
    return "--user", f"{ALICE}:{world.accounts[ALICE]}"


def wrap(world, alpn, service="https"):
    context = world.tls()
    if alpn:
        context.set_alpn_protocols([alpn])
    s = context.wrap_socket(world.connect(service), server_hostname=world.hostname)
    s.settimeout(120)
    return s


def read_all(s):
    out = b""
    try:
        while piece := s.recv(65536):
            out += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return out


def exchange(world, data):
    """Sends the bytes, and reads until the server closes."""
    with wrap(world, "http/1.1") as s:
        s.sendall(data)
        return read_all(s)


def request(world, line="GET / HTTP/1.1", *fields, host=True):
    lines = [line] + ([f"Host: {world.hostname}"] if host else []) + list(fields)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def close(world):
    return request(world, "GET /close HTTP/1.1", "Connection: close")


def statuses(text):
    return [int(n) for n in re.findall(rb"(?:^|(?<=[\n}]))HTTP/1\.1 (\d{3})", text)]


# --- what is served ---

SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


def test_safari_is_spared_one_policy(world):
    """With Integrity-Policy WebKit 26 would load none of the client's scripts; everything else it gets as the others do."""
    protection = ("content-security-policy", "permissions-policy", "cross-origin-opener-policy", "x-content-type-options", "referrer-policy")
    for path in ("/", "/letter"):
        plain = curl(world, path)
        for agent, policy in ((SAFARI, None), (CHROME, plain.headers["integrity-policy"])):
            page = curl(world, path, "-A", agent)
            check_equal(page.headers.get("integrity-policy"), policy, f"{path}: the integrity policy for {agent}")
            check_equal((page.status, page.body), (200, plain.body), f"{path} for {agent}")
            check_equal([page.headers.get(n) for n in protection], [plain.headers.get(n) for n in protection], f"{path}: the rest of its protection")
            check("user-agent" in page.headers["vary"], f"{path}: caches are not told")


def test_client_is_served(world):
    """Pages and files with their type, policy, cache rules, compression and ranges, by both versions."""
    for version in ("--http1.1", "--http2"):
        page = curl(world, "/", version=version)
        check_equal((page.status, page.body), (200, PAGE), "the page")
        check_equal(page.headers["content-security-policy"], PAGE_CSP, "the page's policy")
        check_equal(page.headers["cache-control"], "no-cache", "the page's cache rule")
        check_equal(page.headers["integrity-policy"], "blocked-destinations=(script)", "the page's integrity policy")
        check_equal(curl(world, "/mail/inbox", version=version).body, PAGE, "a view of the client")
        check_equal(curl(world, "/search/from%3Aanna%40example.org", version=version).body, PAGE, "a view that is named by an address")
        again = curl(world, "/", "-H", f"If-None-Match: {page.headers['etag']}", version=version)
        check_equal((again.status, again.body), (304, b""), "the page, unchanged")
        plain = curl(world, "/assets/app-1.js", version=version)
        check_equal(plain.body, SCRIPT, "a script")
        check("immutable" in plain.headers["cache-control"], "a script whose name changes with it may be kept")
        small = curl(world, "/assets/app-1.js", "-H", "Accept-Encoding: br, gzip;q=0.5", version=version)
        check_equal((small.headers["content-encoding"], gzip.decompress(small.body)), ("gzip", SCRIPT), "compressed")
        check(small.headers["etag"] != plain.headers["etag"], "two forms of a file have one tag")
        check("content-encoding" not in curl(world, "/assets/app-1.js", "-H", "Accept-Encoding: gzip;q=0", version=version).headers,
              "gzip was refused, and came")
        part = curl(world, "/assets/app-1.js", "-H", "Range: bytes=10-19", version=version)
        check_equal((part.status, part.body, part.headers["content-range"]),
                    (206, SCRIPT[10:20], f"bytes 10-19/{len(SCRIPT)}"), "a range")
        check_equal(curl(world, "/assets/app-1.js", "-H", "Range: bytes=-5", version=version).body, SCRIPT[-5:], "the end")
        stale = curl(world, "/assets/app-1.js", "-H", "Range: bytes=10-19", "-H", 'If-Range: "other"', version=version)
        check_equal(stale.status, 200, "a range of another version")
        check_equal(curl(world, "/assets/none.js", version=version).status, 404, "a file that is not there")
        check_equal(curl(world, "/none.js", version=version).status, 404, "a file at the top that is not there")
        check_equal(curl(world, "/", "-X", "DELETE", version=version).status, 405, "DELETE of the page")
        head = curl(world, "/assets/app-1.js", "--head", version=version)
        check_equal((head.status, head.body, head.headers["content-length"]), (200, b"", str(len(SCRIPT))), "HEAD")


def test_every_answer_is_protected(world):
    """The headers that protect a page stand on files, errors and API answers alike."""
    for path in ("/", "/assets/app-1.js", "/nothing.js", "/api/v1/session", "/jmap/session", "/.well-known/nothing"):
        got = curl(world, path).headers
        for name, value in {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
                            "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
                            "strict-transport-security": "max-age=63072000"}.items():
            check_equal(got.get(name), value, f"{name} of {path}")
        check("default-src 'none'" in got["content-security-policy"], f"policy of {path}")
        check("camera=(self)" in got["permissions-policy"], f"permissions of {path}")
    check("'wasm-unsafe-eval'" in curl(world, "/assets/worker-1.js").headers["content-security-policy"], "the worker's policy")


def test_well_known(world):
    """What programs look for at fixed places."""
    check_equal(curl(world, "/.well-known/jmap").headers["location"], "/jmap/session", "jmap")
    check_equal(curl(world, "/.well-known/change-password").headers["location"], "/settings/security", "change-password")
    text = curl(world, "/.well-known/security.txt").body.decode()
    check(f"Contact: mailto:postmaster@{world.hostname}" in text and "Expires: " in text, f"security.txt is {text!r}")
    check_equal(json.loads(curl(world, "/.well-known/oauth-authorization-server").body)["issuer"], f"https://{world.hostname}:{world.ports['https']}", "oauth")


def test_other_names_are_refused(world):
    """A name that is not this server's own gets nothing, so that no page of another origin is made of ours."""
    for host in ("example.net", "letterlock.test.example.net", "mail.letterlock.test.", "xmail.letterlock.test"):
        check_equal(curl(world, "/", "-H", f"Host: {host}").status, 421, f"Host {host}")
    check_equal(curl(world, "/", "-H", "Host: MAIL.letterlock.test:8443").status, 200, "our name, with a port")
    with_escape = curl(world, "/%2e%2e/x", "--path-as-is")
    check_equal(with_escape.status, 400, "a path with dot segments")


# --- accounts ---

def test_a_sign_in_that_is_over_is_told_so_each_time(world):
    """Auth may have refused before the request's first byte is written towards the session."""
    client = http.client.HTTPSConnection(world.hostname)
    client.sock = world.connect_tls("https")
    told = collections.Counter()
    for n in range(400):
        token = base64.urlsafe_b64encode(n.to_bytes(32, "big")).decode().rstrip("=")
        client.request("GET", "/api/v1/session", headers={"Cookie": f"__Host-letterlock={token}", "Sec-Fetch-Mode": "cors"})
        answer = client.getresponse()
        answer.read()
        told[answer.status] += 1
    check_equal(told, {401: 400}, "what was told")


def test_a_password_reaches_the_session(world):
    """A program with an app password talks to the account's own process; a wrong one does not."""
    for version in ("--http1.1", "--http2"):
        good = curl(world, "/api/v1/session", *password(world), version=version)
        check_equal((good.status, json.loads(good.body)["address"]), (200, ALICE), "the session")
        check_equal(json.loads(good.body)["state"], "open", "the session's state")
        bad = curl(world, "/api/v1/session", "--user", f"{ALICE}:{'0' * 26}", version=version)
        check_equal((bad.status, bad.headers.get("www-authenticate", "")[:5]), (401, "Basic"), "a wrong password")
        none = curl(world, "/jmap/session", "-H", "Sec-Fetch-Mode: cors", version=version)
        check_equal((none.status, none.headers.get("www-authenticate")), (401, None), "a page without a cookie")
        asked = curl(world, "/api/v1/session", "-H", "Sec-Fetch-Mode: cors", version=version)
        check_equal((asked.status, json.loads(asked.body)), (200, {"state": "out"}), "a page that asks whether anybody is signed in")
        ended = curl(world, "/api/v1/session", "-H", "Sec-Fetch-Mode: cors", "-H", f"Cookie: __Host-letterlock={'A' * 43}", version=version)
        check_equal(ended.status, 401, "a page whose sign-in is over")
        check_equal(curl(world, "/jmap/nothing", *password(world), version=version).status, 404, "no such path")
        for path, method, allow in (("/api/v1/session", "PATCH", "GET, HEAD, OPTIONS"), ("/jmap/api", "GET", "POST, OPTIONS"), ("/", "POST", "GET, HEAD, OPTIONS")):
            answer = curl(world, path, "-X", method, *password(world), version=version)
            check_equal((answer.status, answer.headers.get("allow")), (405, allow), f"{method} {path}")
            answer = curl(world, path, "-X", "OPTIONS", version=version)
            check_equal((answer.status, answer.headers.get("allow"), answer.body), (204, allow, b""), f"OPTIONS {path}")
        big = curl(world, "/api/v1/session/unlock", *password(world), "-X", "POST", "-H", "Expect:",
                   "--data-binary", f"@{world.dir / 'large'}", version=version)
        check(big.status in (404, 405, 413), f"a large body was answered with {big.status}")


def test_other_sites_cannot_ask(world):
    """A request that another site's page made the browser send is refused before anything is done."""
    cookie = "Cookie: __Host-letterlock=" + "A" * 43
    for fields in (["-X", "POST", "-d", "{}"], ["-X", "POST", "-d", "{}", "-H", "X-Letterlock: 1", "-H", "Origin: https://example.net"],
                   ["-H", "Sec-Fetch-Site: cross-site"], ["-H", "Origin: null"]):
        path = "/jmap/api" if "POST" in fields else "/jmap/session"
        check_equal(curl(world, path, "-H", cookie, *fields).status, 403, f"{fields}")
    check_equal(curl(world, "/jmap/session", *password(world), "-H", "Sec-Fetch-Site: cross-site").status, 403, "a kept password")
    check_equal(curl(world, "/api/v1/auth/login-start", "-d", "{}").status, 403, "a command without its header")


def test_a_lost_session_comes_again(world):
    """When the account's process dies, the next request has another one."""
    check_equal(curl(world, "/api/v1/session", *password(world)).status, 200, "before")
    pids = world.pids("session-of-account")
    check(pids, "there is no session process")
    for pid in pids:
        os.kill(pid, 9)
    wait_until(lambda: curl(world, "/api/v1/session", *password(world)).status == 200, "a new session answers")


# --- framing ---

def test_nothing_is_smuggled(world):
    """What two readers might frame in two ways is refused, and nothing behind it is read."""
    body = b"GET /smuggled HTTP/1.1\r\nHost: " + world.hostname.encode() + b"\r\n\r\n"
    post, chunked = "POST / HTTP/1.1", "Transfer-Encoding: chunked"
    bad = {
        "both lengths": request(world, post, "Content-Length: 5", chunked) + b"0\r\n\r\n",
        "two lengths": request(world, post, "Content-Length: 5", "Content-Length: 6") + b"hello",
        "the same length twice": request(world, post, "Content-Length: 5", "Content-Length: 5") + b"hello",
        "a list of lengths": request(world, post, "Content-Length: 5, 5") + b"hello",
        "a signed length": request(world, post, "Content-Length: +5") + b"hello",
        "a hexadecimal length": request(world, post, "Content-Length: 0x5") + b"hello",
        "a huge length": request(world, post, "Content-Length: 99999999999999999999"),
        "another coding": request(world, post, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        "identity": request(world, post, "Transfer-Encoding: identity"),
        "chunked twice": request(world, post, chunked, chunked) + b"0\r\n\r\n",
        "a vertical tab": request(world, post, "Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
        "chunked in 1.0": request(world, "POST / HTTP/1.0", chunked) + b"0\r\n\r\n",
        "space before the colon": request(world, post, "Content-Length : 5") + b"hello",
        "a folded line": request(world, post, "X: a", " Content-Length: 5") + b"hello",
        "a bare LF": request(world, post, "X: a\nContent-Length: 5") + b"hello",
        "a bare CR": request(world, post, "X: a\rContent-Length: 5") + b"hello",
        "a NUL": request(world, post, "X: a\0b"),
        "no name": request(world, post, ": a"),
        "no colon": request(world, post, "nothing"),
        "no host": request(world, host=False),
        "two hosts": request(world, "GET / HTTP/1.1", "Host: other"),
        "another authority": request(world, "GET https://example.net/ HTTP/1.1"),
        "a host with a path": request(world, "GET / HTTP/1.1", "Host: a/b", host=False),
        "two spaces": request(world, "GET  / HTTP/1.1"),
        "no version": request(world, "GET /"),
        "version 2": request(world, "GET / HTTP/2.0"),
        "a fragment": request(world, "GET /#x HTTP/1.1"),
        "a control character": request(world, "GET /\x01 HTTP/1.1"),
        "CONNECT": request(world, f"CONNECT {world.hostname}:443 HTTP/1.1"),
        "two empty lines first": b"\r\n\r\n" + request(world),
    }
    for name, data in bad.items():
        got = exchange(world, data + body + close(world))
        found = statuses(got)
        check(len(found) == 1 and found[0] in (400, 501, 505), f"{name}: {found} in {got[:300]!r}")
    chunks = {
        "a size with a sign": b"+5\r\nhello\r\n0\r\n\r\n", "0x": b"0x5\r\nhello\r\n0\r\n\r\n", "no size": b"\r\nhello\r\n0\r\n\r\n",
        "a space": b"5 \r\nhello\r\n0\r\n\r\n", "bare LF": b"5\nhello\r\n0\r\n\r\n", "too long": b"5\r\nhelloX\r\n0\r\n\r\n",
        "a huge size": b"FFFFFFFFFFFFFFFFF\r\n", "an endless extension": b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
        "a bad trailer": b"0\r\nno colon\r\n\r\n",
    }
    for name, data in chunks.items():
        got = exchange(world, request(world, "POST /api/v1/auth/x HTTP/1.1", chunked) + data + body + close(world))
        check(b"smuggled" not in got and 200 not in statuses(got), f"chunk with {name}: {got[:300]!r}")


def test_limits_of_heads(world):
    """Too long lines, heads and targets, and too many fields."""
    check_equal(statuses(exchange(world, request(world, "GET /" + "a" * 20000 + " HTTP/1.1")))[:1], [414], "a long target")
    check_equal(statuses(exchange(world, request(world, "GET / HTTP/1.1", "X: " + "a" * 30000)))[:1], [431], "a long field")
    check_equal(statuses(exchange(world, request(world, "GET / HTTP/1.1", *["X: a"] * 100)))[:1], [431], "many fields")
    with wrap(world, "http/1.1") as s:
        s.sendall(b"GET / HTTP/1.1\r\n")
        sent = 0
        try:
            for _ in range(4000):
                s.sendall(b"X: " + b"a" * 500 + b"\r\n")
                sent += 500
        except OSError:
            pass
        check(sent < 2000000, "a head without end was taken")


def test_pipelined_requests_are_answered_in_order(world):
    """Several requests sent at once, with bodies between them, get their answers one after the other."""
    data = request(world, "GET /assets/app-1.js HTTP/1.1")
    data += request(world, "POST /api/v1/auth/none HTTP/1.1", "X-Letterlock: 1", "Content-Length: 5") + b"hello"
    data += request(world, "POST /api/v1/auth/none HTTP/1.1", "X-Letterlock: 1", "Transfer-Encoding: chunked")
    data += b"5;x=y\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n"
    data += request(world, "HEAD / HTTP/1.1") + close(world)
    for pieces in (1, 7):
        with wrap(world, "http/1.1") as s:
            for i in range(0, len(data), len(data) // pieces):
                s.sendall(data[i:i + len(data) // pieces])
                time.sleep(0.01)
            got = read_all(s)
        check_equal(statuses(got), [200, 404, 404, 200, 200], f"in {pieces} pieces")
        check(got.endswith(PAGE), "the last answer is the page")


def test_a_body_waits_for_leave(world):
    """Expect: 100-continue is answered when the body is wanted; a refusal comes without it."""
    with wrap(world, "http/1.1") as s:
        s.sendall(request(world, "POST /jmap/api HTTP/1.1", "Content-Length: 5", "Expect: 100-continue"))
        check_equal(statuses(read_all(s)), [401], "refused, and closed")
    check_equal(statuses(exchange(world, request(world, "GET / HTTP/1.1", "Expect: tea"))), [417], "another expectation")


def test_slow_heads_end(world):
    """A head that comes a byte at a time, and one that never ends, are given up; others are served meanwhile."""
    begun = time.monotonic()
    with wrap(world, "http/1.1") as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: ")
        s.settimeout(1)
        got = b""
        while time.monotonic() - begun < 100:
            try:
                s.sendall(b"a")
                piece = s.recv(4096)
                got += piece
                if not piece:
                    break
            except TimeoutError:
                check_equal(curl(world, "/").status, 200, "meanwhile") if int(time.monotonic()) % 10 == 0 else None
            except OSError:
                break
        took = time.monotonic() - begun
    check(20 < took < 90 and b" 408 " in got[:20], f"it ended after {took:.0f} s with {got[:60]!r}")


# --- HTTP/2 floods ---

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(world, path=b"/"):
    return (literal(b":method", b"GET") + literal(b":scheme", b"https") + literal(b":path", path)
            + literal(b":authority", world.hostname.encode()))


def goaway(data):
    """The error code of the GOAWAY among the frames, or None."""
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if data[3] == 7:
            return int.from_bytes(data[13:17], "big")
        data = data[9 + size:]
    return None


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)


def flood(world, make, times):
    """What the server said at the end, and whether it closed. A GOAWAY can get lost when it closes on us in mid-flood."""
    with wrap(world, "h2") as s:
        s.sendall(PREFACE)
        try:
            for i in range(times):
                s.sendall(make(i))
        except OSError:
            pass
        s.settimeout(10)
        out, closed = b"", False
        try:
            while piece := s.recv(65536):
                out += piece
            closed = True
        except TimeoutError:
            pass
        except OSError:
            closed = True
        return goaway(out), closed


def test_http2_floods_end(world):
    """Clients that make work and ask for nothing are told to be calm; the process is the same afterwards."""
    pids = world.pids("frontend")
    before = world.memory_kib()["frontend"]
    post = lambda: head(world)
    floods = {
        "rapid reset": (lambda i: frame(1, 5, 2 * i + 1, post()) + frame(3, 0, 2 * i + 1, b"\0\0\0\x08"), 5000),
        "settings": (lambda i: frame(4, 0, 0, struct.pack(">HI", 3, 100)), 5000),
        "window updates": (lambda i: frame(8, 0, 0, b"\0\0\0\1"), 5000),
        "pings": (lambda i: frame(6, 0, 0, b"12345678"), 5000),
        "empty data": (lambda i: (frame(1, 4, 1, post()) if i == 0 else b"") + frame(0, 0, 1), 5000),
        "priorities": (lambda i: frame(2, 0, 2 * i + 1, b"\0\0\0\0\x10"), 5000),
        "continuation": (lambda i: frame(1, 0, 1, post()) if i == 0 else frame(9, 0, 1, literal(b"x", b"a" * 100)), 5000),
    }
    for name, (make, times) in floods.items():
        code, closed = flood(world, make, times)
        check(closed and code != 0, f"{name}: GOAWAY {code}, closed: {closed}")
    check_equal(world.pids("frontend"), pids, "the frontends, none of which may have died")
    after = world.memory_kib()["frontend"]
    check(after < before + (64 << 10), f"memory grew from {before} to {after} KiB")
    check_equal(curl(world, "/").status, 200, "afterwards")


def test_http2_is_strict(world):
    """Connection fields, a length that is not the body's, and unclear authorities."""
    cases = {
        "transfer-encoding": literal(b"transfer-encoding", b"chunked"), "connection": literal(b"connection", b"close"),
        "upper case": literal(b"X-A", b"b"), "line break": literal(b"x", b"a\r\nb"), "two hosts": literal(b"host", b"example.net"),
        "a length without a body": literal(b"content-length", b"5"),
    }
    for name, more in cases.items():
        with wrap(world, "h2") as s:
            s.sendall(PREFACE + frame(1, 5, 1, head(world, b"/case") + more) + frame(1, 5, 3, head(world, b"/sw.js")))
            out = b""
            while b"self;" not in out and goaway(out) is None:
                piece = s.recv(65536)
                if not piece:
                    break
                out += piece
            check(PAGE not in out, f"{name} was served")


def test_other_protocols_are_not_let_in(world):
    """A TLS client that came to speak something else is turned away at the handshake, at every port where TLS comes first."""
    own = {"https": ("h2", "http/1.1"), "imaps": ("imap",), "submissions": ("smtp", "esmtp", "submission")}
    for service, names in own.items():
        for name in names:
            with wrap(world, name, service) as s:
                check_equal(s.selected_alpn_protocol(), name, f"ALPN at {service}")
        with wrap(world, None, service) as s:
            check_equal(s.selected_alpn_protocol(), None, f"no ALPN at {service}")
        for name in {n for one in own.values() for n in one} - set(names):
            try:
                with wrap(world, name, service):
                    pass
            except ssl.SSLError:
                continue
            check(False, f"ALPN {name} was accepted at {service}")


def test_many_at_once(world):
    """Twenty thousand requests on twenty connections, by both versions, all of them answered."""
    if not shutil.which("h2load"):
        return
    for options in (["-m", "20"], ["--h1"]):
        done = subprocess.run(["h2load", "-n", "20000", "-c", "20", *options, "-H", f":authority: {world.hostname}",
                               f"https://{world.address}:{world.ports['https']}/assets/app-1.js"], capture_output=True, text=True)
        check("20000 succeeded" in done.stdout, done.stdout[-800:])
        print("   ", re.search(r"finished in .*", done.stdout).group())


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
