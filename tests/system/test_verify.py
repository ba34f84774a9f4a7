"""letterlock verify against a served installation, and against a server that stands before it and lies: other files for some, other
headers, old or forked releases. Each lie must be told; what is served as it was built must not be."""
import base64
import gzip
import hashlib
import http.client
import http.server
import json
import os
import shutil
import ssl
import struct
import subprocess
import threading

from harness import BINARY, WORK, Installation, check, check_equal, free_ports, main, stop_and_inspect

WELL_KNOWN = "/.well-known/letterlock/"
SCRIPT = b"export const answer = 42;\n" * 50
WORKER = b"onmessage = () => postMessage(1);\n"
CSP = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"


def integrity(body):
    return "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()


def page(script="/assets/app-1.js", body=SCRIPT):
    return (f'<!doctype html><title>x</title><script type="importmap">{{"integrity":{{"/assets/app-1.js":"{integrity(SCRIPT)}"}}}}</script>'
            f'<script type="module" src="{script}" integrity="{integrity(body)}"></script>').encode()


def text16(s):
    return struct.pack(">H", len(s)) + s.encode()


def write_pack(name, page_body=None, worker=WORKER, more=()):
    files = [("/assets/app-1.js", "text/javascript; charset=utf-8", 1, "", SCRIPT), ("/assets/keys-1.js", "text/javascript; charset=utf-8", 2, "", worker),
             ("/index.html", "text/html; charset=utf-8", 0, CSP, page_body or page()),
             ("/mailframe", "text/html; charset=utf-8", 3, "", b"<!doctype html>"), ("/sw.js", "text/javascript; charset=utf-8", 4, "", b"self;"), *more]
    out = b"LLWEB1\n" + struct.pack(">I", len(files))
    for path, kind, number, csp, body in files:
        small = gzip.compress(body)
        out += text16(path) + text16(kind) + bytes([number]) + text16(csp) + struct.pack(">II", len(body), len(small)) + body + small
    path = WORK / name
    path.write_bytes(out)
    return path


def letterlock(*args, ok=True):
    done = subprocess.run([str(a) for a in (BINARY, *args)], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
    if ok:
        check_equal(done.returncode, 0, f"{args}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body, self.early = status, headers, body, b""

    def get(self, name):
        return next((value for n, value in self.headers if n == name), None)

    def drop(self, name):
        self.headers = [(n, value) for n, value in self.headers if n != name]

    def set(self, name, value):
        self.drop(name)
        self.headers.append((name, value))

    def plain(self, body):
        """Another body, as it is."""
        self.drop("content-encoding")
        self.status, self.body = 200, body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        world = self.server.world
        self.behind = http.client.HTTPSConnection("localhost", world.ports["https"], context=world.tls())

    def finish(self):
        self.behind.close()
        super().finish()

    def do_GET(self):
        self.behind.request("GET", self.path, headers={n: v for n, v in self.headers.items() if n.lower() != "host"})
        r = self.behind.getresponse()
        answer = Answer(r.status, [(n.lower(), v) for n, v in r.getheaders()], r.read())
        self.server.lie(self.path, self.headers, answer)
        self.wfile.write(answer.early)
        self.send_response_only(answer.status)
        answer.set("content-length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format, *args):
        pass


class Liar(http.server.ThreadingHTTPServer):
    """Asks the true server, and changes what it says as self.lie(path, headers, answer) wants."""
    daemon_threads = True

    def __init__(self, world):
        self.world = world
        super().__init__(("127.0.0.1", free_ports(1, "127.0.0.1")[0]), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(world.dir / "tls" / "certificate.pem", world.dir / "tls" / "key.pem")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self.server_address[1]}"
        self.be_honest()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def be_honest(self):
        self.lie = lambda path, headers, answer: None

    def give(self, **files):
        """Another log or manifest."""
        def lie(path, headers, answer):
            name = path.removeprefix(WELL_KNOWN)
            if path.startswith(WELL_KNOWN) and name in files:
                answer.plain(files[name])
        self.lie = lie

    def handle_error(self, request, client_address):
        pass  # a client that has seen enough


class World:
    def __init__(self):
        self.one = Installation()
        self.key, self.log, self.states = WORK / "release", WORK / "web.log", 0
        letterlock("manifest", "keygen", self.key)
        self.public = f"{self.key}.pub"
        self.sign(self.log, None, "2026-11-20")
        self.one.configure({("server", "web_log"): self.log})
        self.one.start()
        self.liar = Liar(self.one)

    def sign(self, log, pack, date, *options, key=None):
        letterlock("manifest", "sign", log, "--key", key or self.key, "--date", date, *(("--pack", pack) if pack else ()), *options)
        return log.read_bytes()

    def serve(self, pack, log):
        self.one.stop()
        self.one.configure({("server", "web"): pack, ("server", "web_log"): log})
        self.one.start()

    def fresh(self):
        """A folder in which nothing is remembered."""
        self.states += 1
        return WORK / f"state-{self.states}"

    @property
    def true_url(self):
        return f"https://localhost:{self.one.ports['https']}/"

    def verify(self, *options, url=None, state=None, key=True, binary=None):
        given = ("--key", self.public) if key else ()
        done = letterlock("verify", url or self.liar.url, "--ca", self.one.ca, "--state", state or self.fresh(), "--json", *given, *options, ok=False)
        said = json.loads(done.stdout)
        check_equal(done.returncode == 0, "error" not in said and not said["different"], f"the status is {done.returncode}: {said}")
        return said

    def good(self, *options, **more):
        said = self.verify(*options, **more)
        check("error" not in said and not said["different"], f"nothing is wrong, but: {said}")
        return said

    def refused(self, reason, *options, **more):
        said = self.verify(*options, **more)
        check(reason in said.get("error", ""), f"{reason!r} is not in {said}")

    def told(self, path, what, lie, *options):
        """One lie, and what is said of it: one path, unless it is told of several."""
        self.liar.lie = lie
        said = self.verify(*options)
        self.liar.be_honest()
        check(said.get("different"), f"{path} ({what}) was not told: {said}")
        for one in said["different"]:
            check(one["path"].startswith(path) and what in one["what"], f"{one} is not {path} ({what})")


def setup():
    return World()


def teardown(w):
    w.liar.shutdown()
    w.liar.server_close()
    stop_and_inspect(w.one)


# --- what is served as it was built ---

def test_the_client_of_this_build(w):
    """All files of the real client, with the log that the operator put beside it."""
    said = w.good(url=w.true_url)
    check(said["same"] == said["total"] > 50, said)
    shown = json.loads(letterlock("manifest", "show", "--json").stdout)
    check_equal((said["build"], said["version"]), (shown["build"], shown["version"]), "what is compared with")
    check_equal((said["release"]["number"], said["release"]["date"], said["release"]["keyFrom"]), (1, "2026-11-20", "given with --key"), "the release")
    check_equal(said["total"], shown["files"] + 8, "files and other paths")
    own = w.good(url=w.true_url, key=False)
    check_equal((own["total"], "release" in own), (said["total"], False), "compared with what was built here")
    text = letterlock("verify", w.true_url, "--ca", w.one.ca, "--state", w.fresh(), "--key", w.public).stdout
    check(shown["build"] in text and "Not shown: what the server gives to others" in text, text)


def test_manifest_and_log_are_public(w):
    """At a fixed place, as the command makes them, with a server's own version."""
    c = http.client.HTTPSConnection("localhost", w.one.ports["https"], context=w.one.tls())
    for name, expected in (("manifest", letterlock("manifest", "show").stdout.encode()), ("log", w.log.read_bytes())):
        c.request("GET", WELL_KNOWN + name)
        r = c.getresponse()
        check_equal((r.status, r.getheader("Content-Type"), r.read()), (200, "text/plain; charset=utf-8", expected), name)
    c.request("GET", WELL_KNOWN + "other")
    check_equal(c.getresponse().status, 404, "another name")


def test_from_another_machine(w):
    """With the program and the key alone: nothing that was built is there."""
    away = WORK / "elsewhere"
    away.mkdir()
    program = away / "letterlock"
    shutil.copy(BINARY, program)
    ask = [program, "verify", w.true_url, "--ca", w.one.ca, "--state", away / "state", "--json"]

    def run(*options):
        return json.loads(subprocess.run([str(a) for a in (*ask, *options)], capture_output=True, text=True, timeout=300, check=False).stdout)
    check("nothing to compare with" in run()["error"], "without a key")
    said = run("--key", w.public)
    check(not said["different"] and said["release"]["number"] == 1, said)
    again = run()
    check_equal((again["release"]["keyFrom"], again["release"]["remembered"]), ("remembered from before", 1), "the key is remembered")
    check("nothing to compare with" in run("--forget")["error"], "forgotten")


# --- lies about files ---

def test_two_releases_of_a_small_client(w):
    """What the tests after this one lie about."""
    w.old, w.new = write_pack("old.pack", worker=WORKER + b"// old\n"), write_pack("new.pack")
    w.log = WORK / "small.log"
    w.first = w.sign(w.log, w.old, "2026-11-20")
    w.second = w.sign(w.log, w.new, "2026-11-21")
    w.serve(w.new, w.log)
    said = w.good(url=w.true_url)
    check_equal((said["release"]["number"], said["total"]), (2, 13), "what is served")
    check_equal(w.good()["total"], 13, "through the server that could lie")


def changed(path, body=None, when=lambda headers: True):
    def lie(asked, headers, answer):
        if asked == path and when(headers):
            answer.plain(body if body is not None else bytes([answer.body[0] ^ 1]) + answer.body[1:])
    return lie


def agent(headers, word):
    return word in headers.get("User-Agent", "")


def test_other_content(w):
    script = "/assets/app-1.js"
    w.told(script, "content", changed(script))
    w.told(script, "content", changed(script, SCRIPT[:-1]))
    w.told(script, "content", changed(script, SCRIPT + b"\n"))
    w.told(script, "content", changed(script, b"x" * 5_000_000))
    w.told(script, "content", changed(script, b""))
    w.told("/sw.js", "content", changed("/sw.js", b"evil"))
    w.told("/mailframe", "content", changed("/mailframe", b"<!doctype htmL>"))


def test_other_content_for_some(w):
    """Whom a server could tell apart by what a browser says of itself."""
    script = "/assets/app-1.js"
    w.told(script, "content, when a browser asks", changed(script, b"evil", lambda h: agent(h, "Mozilla")))
    w.told(script, "content, when a browser asks", changed(script, b"evil", lambda h: agent(h, "Chrome")))
    w.told(script, "content, when another browser asks", changed(script, b"evil", lambda h: agent(h, "Firefox")))
    w.told(script, "content", changed(script, b"evil", lambda h: not agent(h, "Mozilla")))
    w.told(script, "content, when another browser asks", changed(script, b"evil", lambda h: h.get("Accept-Language", "").startswith("de")))
    w.told(script, "content, when Safari asks", changed(script, b"evil", lambda h: agent(h, "iPhone")))
    w.told("/sw.js", "content, when a browser asks", changed("/sw.js", b"evil", lambda h: h.get("Sec-Fetch-Dest") == "serviceworker"))
    w.told("/", "content, when a browser asks", changed("/", page(body=b"x"), lambda h: h.get("Sec-Fetch-Mode") == "navigate"))


def test_other_content_when_compressed(w):
    script = "/assets/app-1.js"

    def coded(coding, body):
        def lie(asked, headers, answer):
            if asked == script and coding in headers.get("Accept-Encoding", ""):
                answer.plain(body)
                answer.set("content-encoding", coding)
        return lie
    w.told(script, "content, when a browser asks", coded("gzip", gzip.compress(b"evil")))
    w.told(script, "content, when a browser asks", coded("gzip", b"this is no gzip"))
    w.told(script, "content, when a browser asks", coded("br", b"this is no brotli"))
    w.told(script, "content, when a browser asks", coded("zstd", b"this is no zstd"))
    # A bomb is not unpacked: no more is taken than the file should have.
    w.told(script, "content, when a browser asks", coded("gzip", gzip.compress(bytes(200_000_000))))
    w.liar.lie = coded("gzip", gzip.compress(SCRIPT, 1))
    w.good()
    w.liar.be_honest()


def test_pages_under_other_names(w):
    """People open /, not /index.html."""
    w.told("/", "content", changed("/", page(body=b"x")))
    w.told("/mail/inbox", "content", changed("/mail/inbox", b"evil"))
    w.told("/index.html", "content", changed("/index.html", b"evil"))
    w.told("/?from=elsewhere", "content", changed("/?from=elsewhere", b"evil"))

    def deep(asked, headers, answer):
        if asked.startswith("/mail/") and asked != "/mail/inbox":
            answer.plain(b"evil")
    w.told("/mail/", "content", deep)


def test_missing_redirected_and_more(w):
    script = "/assets/app-1.js"

    def missing(asked, headers, answer):
        if asked == script:
            answer.status = 404

    def moved(asked, headers, answer):
        if asked == script:
            answer.status = 302
            answer.set("location", "https://elsewhere.example/app-1.js")

    def extra(asked, headers, answer):
        if asked.startswith("/assets/app-") and answer.status == 404:
            answer.plain(b"evil")

    def worker(asked, headers, answer):
        if asked.startswith("/sw-"):
            answer.plain(b"evil")
    w.told(script, "missing", missing)
    w.told(script, "redirected", moved)
    w.told("/assets/app-", "something comes where there is nothing", extra)
    w.told("/sw-", "something comes where there is nothing", worker)


def test_other_headers(w):
    def header(name, value, path="/"):
        def lie(asked, headers, answer):
            if asked != path:
                return
            if value is None:
                answer.drop(name)
            else:
                answer.set(name, value)
        return lie

    def twice(asked, headers, answer):
        if asked == "/":
            answer.headers.append(("content-security-policy", "default-src *"))

    def early(asked, headers, answer):
        if asked == "/":
            answer.early = b"HTTP/1.1 103 Early Hints\r\nlink: </evil.js>; rel=preload; as=script\r\n\r\n"
    for name, value in (("content-security-policy", "default-src *"), ("content-security-policy", None), ("integrity-policy", None),
                        ("x-content-type-options", None), ("cross-origin-opener-policy", "unsafe-none"), ("content-type", "image/png"),
                        ("cache-control", "max-age=99999999"), ("link", "</evil.js>; rel=modulepreload"), ("set-cookie", "a=b"),
                        ("refresh", "0; url=https://elsewhere.example/"), ("service-worker-allowed", "/"), ("alt-svc", 'h2="elsewhere.example:443"'),
                        ("access-control-allow-origin", "*"), ("clear-site-data", '"storage"')):
        w.told("/", f"header {name}", header(name, value))
    w.told("/", "header content-security-policy", twice)
    w.told("/", "an answer before the answer", early)
    w.told("/assets/keys-1.js", "header content-security-policy", header("content-security-policy", CSP, "/assets/keys-1.js"))
    w.liar.lie = header("via", "1.1 a-proxy")
    w.good()
    w.liar.be_honest()


# --- lies about releases ---

def other_key(name):
    path = WORK / name
    letterlock("manifest", "keygen", path)
    return path


def test_signed_by_nobody_who_is_trusted(w):
    evil = other_key("evil")
    w.refused("signed by another key than the one given with --key", "--key", f"{evil}.pub", key=False)
    own = WORK / "evil.log"
    text = w.sign(own, w.new, "2026-11-21", "--next-key", w.public, key=evil)
    w.liar.give(log=text)
    w.refused("signed by another key")
    for at in (30, len(w.second) // 2, len(w.second) - 20):
        spoilt = bytearray(w.second)
        spoilt[at] ^= 1
        w.liar.give(log=bytes(spoilt))
        w.refused("the server's log of releases:")
    for text in (b"", b"letterlock web log 1\n\n", b"x" * 5_000_000, w.second[:-10]):
        w.liar.give(log=text)
        w.refused("the server's log of releases")
    w.liar.lie = lambda path, headers, answer: setattr(answer, "status", 404 if path == WELL_KNOWN + "log" else answer.status)
    w.refused("the server has no log of releases")
    w.liar.be_honest()


def test_another_manifest(w):
    """One that was signed once, one that was not, one for some."""
    old, new = (letterlock("manifest", "show", "--pack", p).stdout.encode() for p in (w.old, w.new))
    w.liar.give(manifest=old)
    w.refused("the server gives out an old release: 1, and its log has 2")
    more = write_pack("more.pack", more=[("/x.js", "text/javascript", 1, "", b"evil")])
    w.liar.give(manifest=letterlock("manifest", "show", "--pack", more).stdout.encode())
    w.refused("the server's manifest is not the one that the newest release names")
    w.liar.give(manifest=new.replace(b"size 5\n", b"size 6\n"))
    w.refused("the server's manifest is not the one that the newest release names")

    def for_some(path, headers, answer):
        if path == WELL_KNOWN + "manifest" and agent(headers, "Firefox"):
            answer.plain(old)
    w.liar.lie = for_some
    w.refused("the server's manifest depends on who asks")
    w.liar.give(log=w.first, manifest=old)
    check(any(d["path"] == "/assets/keys-1.js" for d in w.verify()["different"]), "the old release's word for the new one's files")
    w.liar.be_honest()


def test_going_back(w):
    """What was seen before must still be there."""
    state = w.fresh()
    w.good(state=state)
    check_equal(w.good(state=state)["release"]["remembered"], 2, "seen before")
    old = letterlock("manifest", "show", "--pack", w.old).stdout.encode()
    w.liar.give(log=w.first, manifest=old)
    w.refused("the server has gone back: its log ends at release 1, and what was seen here before has release 2", state=state)
    w.refused("the server has gone back", "--log", w.log)
    w.liar.be_honest()
    w.good(state=state)


def test_two_histories(w):
    """The key's owner, or who has stolen it, shows one release to some and another to others."""
    state, fork = w.fresh(), WORK / "fork.log"
    w.good(state=state)
    fork.write_bytes(w.first)
    text = w.sign(fork, w.new, "2026-11-22")
    w.liar.give(log=text)
    w.refused("two histories: release 2 of the server's log is not the one that what was seen here before has", state=state)
    w.refused("two histories", "--log", w.log)
    w.refused("two histories", "--log", fork, url=w.true_url)
    w.liar.be_honest()
    w.good(state=state)


def test_histories_of_two_servers(w):
    """Both have the same key; the one's log contradicts the other's, or is behind it."""
    state, fork = w.fresh(), WORK / "fork2.log"
    w.good(url=w.true_url, state=state)
    fork.write_bytes(w.first)
    w.liar.give(log=w.sign(fork, w.new, "2026-11-22"))
    w.refused("two histories: release 2 is another one at localhost_", state=state)
    state = w.fresh()
    w.good(state=state)
    w.refused("two histories: release 2 is another one at localhost_", url=w.true_url, state=state)
    longer = WORK / "longer.log"
    longer.write_bytes(w.second)
    w.liar.give(log=w.sign(longer, w.new, "2026-11-23"))
    state = w.fresh()
    check_equal(w.good(state=state)["release"]["number"], 3, "the one that is ahead")
    said = w.good(url=w.true_url, state=state)
    check("has release 3" in said["release"].get("note", ""), f"the one that is behind: {said}")
    w.liar.be_honest()


def test_a_key_that_is_handed_over(w):
    """The old key names the new one; who trusts the old one goes on."""
    state, log, new = w.fresh(), WORK / "handed.log", other_key("second-key")
    w.good(state=state)
    log.write_bytes(w.second)
    w.sign(log, w.new, "2026-11-22", "--next-key", f"{new}.pub")
    text = w.sign(log, w.new, "2026-11-23", key=new)
    w.liar.give(log=text)
    check_equal(w.good(state=state)["release"]["number"], 4, "the new key's release")
    w.good("--key", f"{new}.pub", key=False)
    done = letterlock("manifest", "sign", log, "--key", w.key, "--pack", w.new, ok=False)
    check(done.returncode == 1 and "names another key" in done.stderr, done.stderr)
    w.liar.be_honest()
    w.refused("the server has gone back", state=state)


def test_trust_on_first_use(w):
    state, evil = w.fresh(), other_key("evil-later")
    said = w.good("--remember", key=False, state=state)
    check("what the server itself says" in said["release"]["keyFrom"], said)
    check_equal(w.good(key=False, state=state)["release"]["keyFrom"], "remembered from before", "the second time")
    log = WORK / "later.log"
    text = w.sign(log, w.new, "2026-11-21", key=evil)
    w.liar.give(log=text)
    w.refused("two histories: release 1", key=False, state=state)
    w.refused("two histories: release 1", "--remember", key=False, state=state)
    w.good("--forget", "--remember", key=False, state=state)
    w.liar.be_honest()
    w.refused("two histories", key=False, state=state)


def test_a_signed_build_with_faults_of_its_own(w):
    """A page that names what is not of the build, or with another hash; and a release that is not what was built here."""
    log = WORK / "faulty.log"
    for body, named in ((page("/assets/none.js"), "/assets/none.js"), (page("https://elsewhere.example/a.js"), "https://elsewhere.example/a.js"),
                        (page(body=b"other"), "/assets/app-1.js")):
        pack = write_pack("faulty.pack", page_body=body)
        log.unlink(missing_ok=True)
        w.sign(log, pack, "2026-11-21")
        w.serve(pack, log)
        said = w.verify(url=w.true_url)
        check_equal([(d["path"], d["what"]) for d in said["different"]], [("/index.html", f"names what is not of the build: {named}")], "the page")
    w.serve(w.new, w.log)
    w.good("--pack", w.new)
    more = write_pack("more.pack", more=[("/x.js", "text/javascript", 1, "", b"one more")])
    for pack in (w.old, more):
        w.refused("not that of the client that was built here", "--pack", pack)


def test_a_log_that_the_server_cannot_read_is_no_matter(w):
    """Without a log the client is served all the same; nobody can be told that it is signed."""
    w.serve(w.new, WORK / "there-is-none.log")
    w.refused("the server has no log of releases", url=w.true_url)
    w.liar.give(log=b"letterlock web log 1\n")
    w.refused("the server has no log of releases")
    w.liar.be_honest()
    check(not w.good("--pack", w.new, url=w.true_url, key=False)["different"], "compared with what was built here")
    w.serve(w.new, w.log)


def test_addresses(w):
    for url in ("http://localhost/", "localhost", "https://", "https://a:b@localhost/", f"{w.liar.url}/path", f"{w.liar.url}/?x", "https://%2e%2e%2f/"):
        done = letterlock("verify", url, "--key", w.public, "--state", w.fresh(), ok=False)
        check(done.returncode == 1 and "the address is that of a server" in done.stderr, f"{url}: {done.stderr}")
    check_equal(os.listdir(w.fresh().parent).count("..log"), 0, "files beside the folder")
    w.good(url=w.liar.url.upper().replace("HTTPS", "https"))


def test_keys_and_logs_by_hand(w):
    key = other_key("by-hand")
    check_equal(os.stat(key).st_mode & 0o777, 0o600, "mode of the secret key")
    before = key.read_bytes()
    check("it exists" in letterlock("manifest", "keygen", key, ok=False).stderr, "a key is overwritten")
    check_equal(key.read_bytes(), before, "the key")
    os.chmod(key, 0o640)
    log = WORK / "by-hand.log"
    check("others can read it" in letterlock("manifest", "sign", log, "--key", key, "--pack", w.new, ok=False).stderr, "a key that is open")
    os.chmod(key, 0o600)
    w.sign(log, w.new, "2026-11-21", key=key)
    for args, reason in ((("--key", key, "--date", "2026-11-20"), "before the newest release"), (("--key", key, "--date", "tomorrow"), "no day"),
                         (("--key", w.key), "names another key"), (("--key", key, "--next-key", "nobody"), "nobody:"), ((), "--key is needed")):
        before = log.read_bytes()
        done = letterlock("manifest", "sign", log, "--pack", w.new, *args, ok=False)
        check(done.returncode in (1, 2) and reason in done.stderr, f"{args}: {done.stderr}")
        check_equal(log.read_bytes(), before, "the log")
    check("Release 1 of 2026-11-21" in letterlock("manifest", "check", log, "--key", f"{key}.pub", "--pack", w.new).stdout, "check")
    check("not of that client" in letterlock("manifest", "check", log, "--key", f"{key}.pub", "--pack", w.old, ok=False).stderr, "another client")
    check("signed by another key" in letterlock("manifest", "check", log, "--key", w.public, ok=False).stderr, "another key")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)]

if __name__ == "__main__":
    main(TESTS, setup, teardown)
