#!/usr/bin/env python3
"""Programs that sign in by OAuth, from the metadata to the revocation: the page's part is played by the web client's own key
library under node, and once by the page itself in Chromium (test_web.py); the program's part by this file, and by curl."""
import base64
import hashlib
import http.client
import json
import secrets
import shutil
import time
import urllib.parse

from harness import PATIENCE, Installation, check, check_equal, command, letter, main, raw, smtp_reply, stop_and_inspect, token, wait_until
from test_websign import PASSWORD, Client, bundle, refused

DOMAIN = "letterlock.test"
MAIL, SEND, IMAP, JMAP = ("urn:ietf:params:oauth:scope:mail", "urn:letterlock:scope:send", "urn:letterlock:scope:imap",
                          "urn:letterlock:scope:jmap")
BACK = "http://127.0.0.1/back"
DAY = 86_400
BITS = {MAIL: (2, 39), SEND: (0, 4), IMAP: (2, 1), JMAP: (2, 32)}  # areas and protocols, docs/api/auth.md


def setup():
    bundle()
    world = Installation(domains=(DOMAIN,)).start().populate()
    for name in ("alice", "bob", "carol", "dora"):
        address = f"{name}@{DOMAIN}"
        made = json.loads(world.ctl("--json", "account", "add", address, "--password-stdin", "--no-confirm", "--app-password", "test",
                                    stdin=PASSWORD.encode() + b"\n"))
        world.accounts[address] = made["app_password"]["password"]
    return world


# --- HTTP ---

def ask(world, method, path, body=None, **fields):
    """Status, head and body; the body as JSON where it is that."""
    c = http.client.HTTPSConnection(world.hostname, world.ports["https"], context=world.tls(), timeout=60)
    c.sock = world.tls().wrap_socket(world.connect("https"), server_hostname=world.hostname)
    head = {name.replace("_", "-"): value for name, value in fields.items()}
    c.request(method, path, body=body, headers=head)
    answer = c.getresponse()
    text = answer.read()
    c.close()
    is_json = (answer.getheader("content-type") or "").startswith(("application/json", "application/problem+json"))
    return answer.status, answer, json.loads(text) if is_json else text


def form(world, path, **fields):
    status, answer, body = ask(world, "POST", path, urllib.parse.urlencode(fields), Content_Type="application/x-www-form-urlencoded")
    check_equal(answer.getheader("cache-control"), "no-store", "nothing keeps tokens")
    return status, body


def issuer(world):
    return f"https://{world.hostname}:{world.ports['https']}"


def register(world, name="Test program", uris=(BACK,), status=201, **more):
    got, _, body = ask(world, "POST", "/oauth/register", json.dumps({"client_name": name, "redirect_uris": list(uris)} | more),
                       Content_Type="application/json")
    check_equal(got, status, str(body))
    return body["client_id"] if status == 201 else body["error"]


def proof():
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Program:
    """What a program knows after its user has let it in."""

    def __init__(self, world, who="alice", scope=MAIL, uri="http://127.0.0.1:7777/back", expires=0, name="Test program", client=None):
        self.world, self.uri, self.address = world, uri, f"{who}@{DOMAIN}"
        self.client_id = client or register(world, name)
        self.verifier, challenge = proof()
        query = urllib.parse.urlencode({"response_type": "code", "client_id": self.client_id, "redirect_uri": uri, "scope": scope,
                                        "state": "s1", "code_challenge": challenge, "code_challenge_method": "S256"})
        status, _, asked = ask(world, "GET", f"/api/v1/oauth/request?{query}")
        check_equal((status, asked.get("error")), (200, ""), str(asked))
        check_equal((asked["areas"], asked["protocols"]), BITS[scope], "what is asked for")
        with Client(world) as page:
            page.login(self.address)
            made = page.call("oauthGrant", name=asked["name"], clientId=self.client_id, redirectUri=uri, challenge=challenge,
                             scope={"areas": asked["areas"], "protocols": asked["protocols"], "expires": expires})
        self.code, self.unlocker = made["code"], made["id"]

    def exchange(self, **other):
        return form(self.world, "/oauth/token", **{"grant_type": "authorization_code", "client_id": self.client_id, "code": self.code,
                                                   "redirect_uri": self.uri, "code_verifier": self.verifier} | other)

    def refresh(self, **other):
        return form(self.world, "/oauth/token", **{"grant_type": "refresh_token", "client_id": self.client_id,
                                                   "refresh_token": self.tokens["refresh_token"]} | other)

    def begin(self):
        status, self.tokens = self.exchange()
        check_equal(status, 200, str(self.tokens))
        return self

    @property
    def access(self):
        return self.tokens["access_token"]


def jmap(world, access, path="/jmap/session"):
    return ask(world, "GET", path, Authorization=f"Bearer {access}")


def works(world, access):
    return jmap(world, access)[0] == 200


def bearer(access, user=""):
    return base64.b64encode(f"n,{f'a={user}' if user else ''},\1host=x\1port=993\1auth=Bearer {access}\1\1".encode()).decode()


def xoauth2(access, user):
    return base64.b64encode(f"user={user}\1auth=Bearer {access}\1\1".encode()).decode()


# What a client says when it has been told why its sign-in fails: each mechanism has its own.
HEARD = {"OAUTHBEARER": b"AQ==\r\n", "XOAUTH2": b"\r\n"}


def imap_sign_in(world, message, mechanism="OAUTHBEARER"):
    """The tagged line, and the JSON that came before it."""
    with world.connect_tls("imaps") as s:
        raw(s)
        s.sendall(f"a AUTHENTICATE {mechanism} {message}\r\n".encode())
        with s.makefile("rb") as f:
            why = None
            while True:
                line = f.readline()
                if line.startswith(b"+ "):
                    why = json.loads(base64.b64decode(line[2:]))
                    s.sendall(HEARD[mechanism])
                elif line.startswith(b"a ") or not line:
                    return line, why


def smtp_sign_in(world, message, mechanism="OAUTHBEARER"):
    with world.connect_tls("submissions") as s:
        smtp_reply(s)
        smtp_reply(s, b"EHLO client.example.net\r\n")
        answer = smtp_reply(s, f"AUTH {mechanism} {message}\r\n".encode())
        why = None
        if b"334" in as_bytes(answer):
            why = json.loads(base64.b64decode(as_bytes(answer).split(b"334 ", 1)[1].split()[0]))
            answer = smtp_reply(s, HEARD[mechanism])
        return as_bytes(answer), why


def as_bytes(answer):
    if isinstance(answer, tuple):
        answer = answer[-1] if isinstance(answer[-1], bytes) else str(answer).encode()
    return answer if isinstance(answer, bytes) else str(answer).encode()


# --- what is said of it ---

def test_metadata(world):
    _, _, server = ask(world, "GET", "/.well-known/oauth-authorization-server")
    me = issuer(world)
    check_equal(server["issuer"], me, "issuer")
    for name, path in (("authorization_endpoint", "/authorize"), ("token_endpoint", "/oauth/token"),
                       ("registration_endpoint", "/oauth/register"), ("revocation_endpoint", "/oauth/revoke")):
        check_equal(server[name], me + path, name)
    check_equal(server["code_challenge_methods_supported"], ["S256"], "PKCE")
    check_equal(server["response_types_supported"], ["code"], "no implicit grant")
    check_equal(server["token_endpoint_auth_methods_supported"], ["none"], "public programs")
    check(server["authorization_response_iss_parameter_supported"], "RFC 9207")
    check(MAIL in server["scopes_supported"] and SEND in server["scopes_supported"], "scopes")
    for path in ("", "/jmap/session"):
        _, _, resource = ask(world, "GET", "/.well-known/oauth-protected-resource" + path)
        check_equal(resource["resource"], me + path, "resource")
        check_equal(resource["authorization_servers"], [me], "its server")
    check_equal(ask(world, "GET", "/.well-known/oauth-protected-resource/etc/passwd")[0], 404, "no other resource")


def test_challenge_at_jmap(world):
    status, answer, _ = ask(world, "GET", "/jmap/session")
    said = answer.headers.get_all("www-authenticate")
    check_equal(status, 401, "status")
    check(any(s.startswith("Basic ") for s in said), said)
    check_equal([s for s in said if s.startswith("Bearer ")],
                [f'Bearer resource_metadata="{issuer(world)}/.well-known/oauth-protected-resource/jmap/session"'], "where to ask")
    status, answer, _ = jmap(world, "lla1_nothing")
    check_equal(status, 401, "status")
    check(any('error="invalid_token"' in s for s in answer.headers.get_all("www-authenticate")), "why")
    status, answer, _ = ask(world, "GET", "/jmap/session", X_Letterlock="1")
    check_equal((status, answer.headers.get_all("www-authenticate")), (401, None), "a page is not asked for a password")


def test_proofs_are_not_taken(world):
    """DPoP is not offered (docs/decisions/0020): nobody who wants a bound token is left in the belief that they have one."""
    _, _, server = ask(world, "GET", "/.well-known/oauth-authorization-server")
    check("dpop_signing_alg_values_supported" not in server, str(server))
    p = Program(world)
    status, _, tokens = ask(world, "POST", "/oauth/token", urllib.parse.urlencode({
        "grant_type": "authorization_code", "client_id": p.client_id, "code": p.code, "redirect_uri": p.uri, "code_verifier": p.verifier}),
        Content_Type="application/x-www-form-urlencoded", DPoP="e30.e30.AA")
    check_equal((status, tokens["token_type"]), (200, "Bearer"), str(tokens))
    status, answer, _ = ask(world, "GET", "/jmap/session", Authorization=f"DPoP {tokens['access_token']}", DPoP="e30.e30.AA")
    said = answer.headers.get_all("www-authenticate")
    check_equal((status, [s.split()[0] for s in said]), (401, ["Bearer", "Basic"]), "no sign-in, and what there is")
    check(works(world, tokens["access_token"]), "as a bearer token it is good")


def test_registration(world):
    one = register(world)
    check_equal(one, register(world), "the same program is the same")
    check(register(world, "Another") != one, "another is another")
    check(len(one) <= 2048 and one.startswith("c1."), one)
    register(world, uris=("com.example.app:/back", "https://app.example/back", "http://[::1]:1234/"))
    for bad in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "myapp:/back", "http://app.example/back", "https://a@b.example/",
                "http://localhost/back", "https://app.example/back#x", f"https://{world.hostname}/back", f"https://{world.hostname}:1/", "", "//x", 7):
        check_equal(register(world, uris=(bad,), status=400), "invalid_redirect_uri", str(bad))
    check_equal(register(world, uris=(), status=400), "invalid_redirect_uri", "none")
    check_equal(register(world, uris=[BACK] * 9, status=400), "invalid_redirect_uri", "too many")
    for bad in ("", "a\nb", "x" * 65, "\u202egnp.exe", 7):
        check_equal(register(world, bad, status=400), "invalid_client_metadata", repr(bad))
    check_equal(ask(world, "POST", "/oauth/register", "[", Content_Type="application/json")[0], 400, "no JSON")
    check_equal(ask(world, "POST", "/oauth/register", "{}", Content_Type="text/plain")[0], 415, "a page of elsewhere would say this")
    check_equal(ask(world, "GET", "/oauth/register")[0], 405, "method")


def test_requests_that_the_page_refuses(world):
    client, (_, challenge) = register(world), proof()
    good = {"response_type": "code", "client_id": client, "redirect_uri": BACK, "scope": MAIL, "state": "x y&z", "code_challenge": challenge,
            "code_challenge_method": "S256"}

    def asked(**other):
        fields = {k: v for k, v in (good | other).items() if v is not None}
        status, _, body = ask(world, "GET", f"/api/v1/oauth/request?{urllib.parse.urlencode(fields)}")
        return status, body

    status, body = asked()
    check_equal((status, body["name"], body["kind"], body["target"], body["state"]), (200, "Test program", "loopback", "127.0.0.1", "x y&z"), "asked")
    check_equal(asked(redirect_uri="http://127.0.0.1:5000/back")[0], 200, "any port of this machine")
    for uri in ("http://127.0.0.1/other", "http://127.0.0.1.example/back", "https://127.0.0.1/back", "http://[::1]/back", "http://127.0.0.1/back?x", None):
        check_equal(asked(redirect_uri=uri)[0], 400, f"nothing is sent to {uri}")
    for other in ({"client_id": "c1.AAAA"}, {"client_id": None}, {"client_id": client + "A"}):
        check_equal(asked(**other)[0], 400, str(other)[:80])
    for other, why in (({"response_type": "token"}, "unsupported_response_type"), ({"code_challenge": None}, "invalid_request"),
                       ({"code_challenge_method": "plain"}, "invalid_request"), ({"code_challenge": "short"}, "invalid_request"),
                       ({"scope": "everything"}, "invalid_scope")):
        check_equal(asked(**other)[1].get("error"), why, str(other))
    check_equal(asked(scope=f"openid {IMAP} offline_access")[1]["protocols"], 1, "what is known counts")
    query = urllib.parse.urlencode(good)
    check_equal(ask(world, "GET", f"/api/v1/oauth/request?{query}&state=2")[0], 400, "twice")
    check_equal(ask(world, "GET", f"/authorize?{query}")[1].getheader("content-security-policy").count("frame-ancestors 'none'"), 1, "in no frame")


# --- the way of a program ---

def test_from_code_to_mail(world):
    p = Program(world).begin()
    check_equal(p.tokens["token_type"], "Bearer", "type")
    check_equal(p.tokens["scope"], MAIL, "scope")
    check_equal(p.tokens["expires_in"], 3600, "an hour")
    check(p.access.startswith("lla1_") and p.tokens["refresh_token"].startswith("llr1_"), "prefixes")
    status, _, session = jmap(world, p.access)
    check_equal((status, session["username"]), (200, p.address), "JMAP")
    word = token()
    with world.submission() as s:
        s.ehlo()
        check_equal(s.docmd("AUTH", f"OAUTHBEARER {bearer(p.access, p.address)}")[0], 235, "submission")
        s.sendmail(p.address, [p.address], letter(p.address, p.address, word))
    world.wait_message(p.address, word)
    line, _ = imap_sign_in(world, bearer(p.access))
    check(line.startswith(b"a OK"), line)
    with Client(world) as page:
        page.login(p.address)
        mine = next(u for u in page.post("unlockers")["unlockers"] if u["id"] == p.unlocker)
        check_equal((mine["name"], mine["protocols"]), ("Test program", 39), "in the list of programs")
        check(mine["lastUsed"] >= time.time() - 2 * DAY, "with its last use")


def test_foreign_client(world):
    p = Program(world, who="bob").begin()
    if not shutil.which("curl"):
        return
    at = lambda service: ("--resolve", f"{world.hostname}:{world.ports[service]}:{world.address}")
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        word = token()
        text = world.dir / "letter.eml"
        text.write_bytes(letter(p.address, p.address, word))
        common = ("curl", "--silent", "--show-error", "--max-time", "60", "--cacert", world.ca, "--oauth2-bearer", p.access,
                  "--login-options", f"AUTH={mechanism}", "--user", f"{p.address}:")
        command(*common, *at("submissions"), f"smtps://{world.hostname}:{world.ports['submissions']}", "--mail-from", p.address, "--mail-rcpt", p.address,
                "--upload-file", text, netns=world.netns)
        world.wait_message(p.address, word)
        found = command(*common, *at("imaps"), f"imaps://{world.hostname}:{world.ports['imaps']}/INBOX", "-X", f"SEARCH SUBJECT {word}", netns=world.netns)
        check(found.split()[2:], f"curl's search by {mechanism}: {found}")


def test_mechanism_is_offered(world):
    with world.imap() as m:
        check("AUTH=OAUTHBEARER" in m.capabilities and "AUTH=XOAUTH2" in m.capabilities, m.capabilities)
        m.logout()
    with world.submission() as s:
        s.ehlo()
        check({"OAUTHBEARER", "XOAUTH2"} <= set(s.esmtp_features["auth"].split()), s.esmtp_features)


def test_sign_in_that_fails(world):
    p = Program(world).begin()
    for message, why in ((bearer("lla1_nothing"), "invalid_token"), (bearer(p.access[:-2] + "AA"), "invalid_token"),
                         (bearer(p.tokens["refresh_token"]), "invalid_token"), (bearer(p.access, f"bob@{DOMAIN}"), "invalid_token"),
                         (base64.b64encode(b"n,,\1auth=Basic x\1\1").decode(), "invalid_token")):
        line, said = imap_sign_in(world, message)
        check(line.startswith(b"a NO [AUTHENTICATIONFAILED]"), line)
        check_equal(said["status"], why, "IMAP says why")
        answer, said = smtp_sign_in(world, message)
        check(b"535" in answer, answer)
        check_equal(said["status"], why, "SMTP says why")
    with world.connect_tls("imaps") as s:
        raw(s)
        raw(s, f"a AUTHENTICATE OAUTHBEARER {bearer('lla1_x')}\r\n".encode())
        check(raw(s, b"*\r\n").startswith(b"a BAD"), "cancelled")
        s.sendall(f"b AUTHENTICATE OAUTHBEARER {bearer(p.access)}\r\n".encode())
        with s.makefile("rb") as f:
            check(any(line.startswith(b"b OK") for line in iter(f.readline, b"")), "and once more, with the right one")


def test_the_older_form(world):
    """XOAUTH2, which many programs speak only."""
    p = Program(world).begin()
    good = xoauth2(p.access, p.address)
    check(imap_sign_in(world, good, "XOAUTH2")[0].startswith(b"a OK"), "IMAP")
    check(b"235" in smtp_sign_in(world, good, "XOAUTH2")[0], "submission")
    for message in (xoauth2("lla1_nothing", p.address), xoauth2(p.access, f"bob@{DOMAIN}"), xoauth2(p.tokens["refresh_token"], p.address), bearer(p.access)):
        line, said = imap_sign_in(world, message, "XOAUTH2")
        check(line.startswith(b"a NO [AUTHENTICATIONFAILED]"), line)
        check_equal((said["status"], said["schemes"]), ("401", "bearer"), "IMAP says why")
        answer, said = smtp_sign_in(world, message, "XOAUTH2")
        check(b"535" in answer, answer)
        check_equal(said["status"], "401", "SMTP says why")
    sends = Program(world, scope=SEND).begin()
    check_equal(imap_sign_in(world, xoauth2(sends.access, sends.address), "XOAUTH2")[1]["status"], "403", "not for this")
    check(imap_sign_in(world, good)[0].startswith(b"a NO"), "one form is not the other")


def test_scopes_are_limits(world):
    sends, reads, speaks = (Program(world, scope=scope).begin() for scope in (SEND, IMAP, JMAP))
    check_equal([p.tokens["scope"] for p in (sends, reads, speaks)], [SEND, IMAP, JMAP], "scopes")
    check_equal([works(world, p.access) for p in (sends, reads, speaks)], [False, False, True], "JMAP")
    imap = [imap_sign_in(world, bearer(p.access)) for p in (sends, reads, speaks)]
    check_equal([line.startswith(b"a OK") for line, _ in imap], [False, True, False], "IMAP")
    check_equal(imap[0][1]["status"], "insufficient_scope", "and why")
    smtp = [smtp_sign_in(world, bearer(p.access)) for p in (sends, reads, speaks)]
    check_equal([b"235" in answer for answer, _ in smtp], [True, False, False], "submission")


# --- resources (RFC 8707) ---

def test_resources_are_checked(world):
    me, elsewhere = issuer(world), "https://mail.example.net/"
    client, (_, challenge) = register(world), proof()

    def asked(*resources):
        query = urllib.parse.urlencode([("response_type", "code"), ("client_id", client), ("redirect_uri", BACK), ("code_challenge", challenge),
                                        ("code_challenge_method", "S256")] + [("resource", r) for r in resources])
        return ask(world, "GET", f"/api/v1/oauth/request?{query}")[2]["error"]

    check_equal([asked(), asked(me), asked(me + "/"), asked(me + "/jmap/session", me + "/jmap/api")], [""] * 4, "this server's")
    for other in (elsewhere, me + "/jmap/ws", me + "#x", "http" + me[5:], "jmap"):
        check_equal(asked(me, other), "invalid_target", other)
    p = Program(world)
    status, body = p.exchange(resource=elsewhere)
    check_equal((status, body["error"]), (400, "invalid_target"), "a token for elsewhere")
    status, p.tokens = p.exchange(resource=me + "/jmap/session")
    check_equal(status, 200, "the code is still good: it was not tried")
    status, body = p.refresh(resource=elsewhere)
    check_equal((status, body["error"]), (400, "invalid_target"), "nor by the refresh token")
    status, p.tokens = p.refresh(resource=me)
    check(status == 200 and works(world, p.access), "good")


# --- programs that are pages of another origin (CORS) ---

ELSEWHERE = {"Origin": "https://app.example", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"}
COOKIE = "__Host-letterlock=" + "A" * 43


def open_to_all(answer):
    check_equal(answer.getheader("access-control-allow-credentials"), None, "never with the cookie")
    return answer.getheader("access-control-allow-origin") == "*"


def test_pages_of_elsewhere_may_ask_first(world):
    for path, methods in (("/jmap/session", "GET, HEAD, OPTIONS"), ("/jmap/api", "POST, OPTIONS"), ("/jmap/upload/A1", "POST, OPTIONS"),
                          ("/jmap/download/A1/B1/x", "GET, HEAD, OPTIONS"), ("/jmap/events", "GET, HEAD, OPTIONS"), ("/oauth/token", "POST, OPTIONS"),
                          ("/oauth/register", "POST, OPTIONS"), ("/.well-known/jmap", "GET, HEAD, OPTIONS"),
                          ("/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS")):
        status, answer, _ = ask(world, "OPTIONS", path, Access_Control_Request_Method="POST", Access_Control_Request_Headers="authorization", **ELSEWHERE)
        check(status == 204 and open_to_all(answer), f"{path}: {status}")
        check_equal(answer.getheader("access-control-allow-methods"), methods, path)
        check({"authorization", "content-type"} <= set(answer.getheader("access-control-allow-headers").split(", ")), path)
    for path in ("/", "/api/v1/session", "/api/v1/auth/login-start", "/api/v1/image", "/api/v1/oauth/request", "/authorize", "/.well-known/change-password"):
        status, answer, _ = ask(world, "OPTIONS", path, Access_Control_Request_Method="POST", **ELSEWHERE)
        check_equal((status, answer.getheader("access-control-allow-origin"), answer.getheader("access-control-allow-methods")), (204, None, None), path)


def test_pages_of_elsewhere_use_tokens(world):
    def page(method, path, body=None, **fields):
        status, answer, body = ask(world, method, path, body, **(ELSEWHERE | fields))
        check(open_to_all(answer), f"{path}: {status} can be read")
        return status, answer, body

    check_equal(page("GET", "/.well-known/oauth-authorization-server")[2]["issuer"], issuer(world), "metadata")
    check_equal(page("GET", "/.well-known/oauth-protected-resource/jmap/session")[0], 200, "metadata of JMAP")
    check_equal(page("GET", "/.well-known/jmap")[0], 307, "where JMAP is")
    uri = "https://app.example/back"
    status, _, made = page("POST", "/oauth/register", json.dumps({"client_name": "Page", "redirect_uris": [uri]}), Content_Type="application/json")
    check_equal(status, 201, "registration")
    p = Program(world, scope=JMAP, uri=uri, name="Page", client=made["client_id"])
    fields = {"grant_type": "authorization_code", "client_id": p.client_id, "code": p.code, "redirect_uri": uri, "code_verifier": p.verifier}
    status, _, p.tokens = page("POST", "/oauth/token", urllib.parse.urlencode(fields), Content_Type="application/x-www-form-urlencoded")
    check_equal(status, 200, "token")
    with_token = {"Authorization": f"Bearer {p.access}"}
    status, _, session = page("GET", "/jmap/session", **with_token)
    check_equal((status, session["username"]), (200, p.address), "session")
    call = json.dumps({"using": ["urn:ietf:params:jmap:core"], "methodCalls": [["Core/echo", {"hello": True}, "c"]]})
    status, _, body = page("POST", "/jmap/api", call, Content_Type="application/json", **with_token)
    check_equal((status, body["methodResponses"]), (200, [["Core/echo", {"hello": True}, "c"]]), "JMAP")
    account = next(iter(session["accounts"]))
    status, _, made = page("POST", f"/jmap/upload/{account}", "text", Content_Type="text/plain", **with_token)
    check_equal(status, 201, "upload")
    status, answer, text = page("GET", f"/jmap/download/{account}/{made['blobId']}/x?type=text/plain", **with_token)
    check_equal((status, text), (200, b"text"), "download")
    check("www-authenticate" in answer.getheader("access-control-expose-headers"), "what it may see")
    status, answer, _ = page("GET", "/jmap/session", Authorization="Bearer lla1_nothing")
    check_equal(status, 401, "no token")
    check_equal([s.split()[0] for s in answer.headers.get_all("www-authenticate")], ["Bearer"], "no browser asks for a password then")


def test_pages_of_elsewhere_have_no_cookie(world):
    """What the browser adds by itself opens nothing to another origin, and its answers cannot be read there."""
    p = Program(world, scope=JMAP).begin()
    call = json.dumps({"using": [], "methodCalls": []})
    basic = base64.b64encode(f"{p.address}:{world.accounts[p.address]}".encode()).decode()
    for fields in ({"Cookie": COOKIE}, {"Cookie": COOKIE, "X_Letterlock": "1"}, {"Cookie": COOKIE, "Authorization": f"Bearer {p.access}"}):
        for origin in (ELSEWHERE, {"Origin": "null"}, {"Origin": f"https://x.{world.hostname}", "Sec_Fetch_Site": "same-site"}):
            for method, path in (("GET", "/jmap/session"), ("POST", "/jmap/api")):
                status, answer, _ = ask(world, method, path, call if method == "POST" else None, Content_Type="application/json", **origin, **fields)
                check_equal((status, answer.getheader("access-control-allow-origin")), (403, None), f"{method} {path} {origin} {list(fields)}")
    check_equal(ask(world, "GET", "/jmap/session", Authorization=f"Basic {basic}", **ELSEWHERE)[0], 403, "a password that the browser keeps")
    check_equal(ask(world, "GET", "/jmap/session", Authorization=f"Basic {basic}")[0], 200, "it is the right one")
    for path in ("/api/v1/session", "/api/v1/oauth/request", "/"):
        check_equal(ask(world, "GET", path, Authorization=f"Bearer {p.access}", **ELSEWHERE)[1].getheader("access-control-allow-origin"), None, path)


# --- codes ---

def test_wrong_proofs(world):
    other = register(world, "Another program")
    for wrong in ({"code_verifier": proof()[0]}, {"redirect_uri": "http://127.0.0.1:7778/back"}, {"client_id": other}, {"code_verifier": "x" * 42}):
        p = Program(world)
        status, body = p.exchange(**wrong)
        check_equal((status, body["error"]), (400, "invalid_grant"), str(wrong))
        status, body = p.exchange()
        check_equal((status, body["error"]), (400, "invalid_grant"), "a code that was tried with a wrong proof is used up")
        check(over(world, p), "and nobody has the password that lay under it")
    p = Program(world)
    for missing in ("client_id", "redirect_uri", "code", "code_verifier", "grant_type"):
        status, body = p.exchange(**{missing: ""})
        check_equal((status, body["error"]), (400, "invalid_request"), missing)
    check_equal(p.exchange(grant_type="password")[1]["error"], "unsupported_grant_type", "grant")
    check_equal(p.exchange(code="A" * 43)[1]["error"], "invalid_grant", "a code of nobody")
    p.begin()


def over(world, p):
    """Whether its app password has ended; it stands in the list until its owner takes it out."""
    with Client(world) as page:
        page.login(p.address)
        mine = next(u for u in page.post("unlockers")["unlockers"] if u["id"] == p.unlocker)
        ended = 0 < mine["expires"] <= time.time()
        if ended:
            page.call("revoke", id=p.unlocker, rotate=False)
            check(all(u["id"] != p.unlocker for u in page.post("unlockers")["unlockers"]), "its owner takes it out")
        return ended


def test_code_that_comes_twice(world):
    p = Program(world).begin()
    check(works(world, p.access), "good")
    status, body = p.exchange()
    check_equal((status, body["error"]), (400, "invalid_grant"), "used")
    check(not works(world, p.access), "what it gave is over")
    check_equal(p.refresh()[1]["error"], "invalid_grant", "all of it")
    check(over(world, p), "in the list, too")


def test_consent_needs_the_person(world):
    client, (_, challenge) = register(world), proof()
    fields = {"clientId": client, "redirectUri": BACK, "challenge": challenge, "codeHash": base64.urlsafe_b64encode(bytes(32)).decode().rstrip("="),
              "sealed": base64.urlsafe_b64encode(bytes(98)).decode().rstrip("="), "unlocker": base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")}
    with Client(world) as page:
        refused("signed-out", page.post, "oauth-grant", **fields)
        page.login(f"alice@{DOMAIN}")
        refused("not-found", page.post, "oauth-grant", **(fields | {"unlocker": base64.urlsafe_b64encode(b"x" * 16).decode().rstrip("=")}))
        refused("malformed", page.post, "oauth-grant", **(fields | {"sealed": "AA"}))
        mine = page.post("unlockers")["unlockers"]
    with Client(world) as page:
        page.login(f"bob@{DOMAIN}")
        for u in mine:
            refused("not-found", page.post, "oauth-grant", **(fields | {"unlocker": u["id"]}))


# --- tokens ---

def test_refresh_goes_on_and_is_watched(world):
    p = Program(world, who="carol").begin()
    first = p.tokens
    check_equal(p.refresh(client_id=register(world, "Thief"))[1]["error"], "invalid_grant", "another program's")
    check_equal(p.refresh(refresh_token=p.access)[1]["error"], "invalid_grant", "an access token is none")
    status, lost = p.refresh()
    check_equal(status, 200, str(lost))
    status, p.tokens = p.refresh()
    check_equal(status, 200, "the answer was lost, so it is asked once more")
    check(p.tokens["refresh_token"] not in (first["refresh_token"], lost["refresh_token"]), "each time another")
    check(works(world, p.access), "good")
    status, second = p.refresh()
    check_equal(status, 200, str(second))
    old, p.tokens = p.tokens, second
    check(works(world, p.access), "good")
    status, body = p.refresh(refresh_token=first["refresh_token"])
    check_equal((status, body["error"]), (400, "invalid_grant"), "one that was replaced has been stolen")
    check(not works(world, p.access) and not works(world, old["access_token"]), "so all of it is over")
    check_equal(p.refresh()[1]["error"], "invalid_grant", "for both")


def test_revocation_by_the_program(world):
    for name in ("access_token", "refresh_token"):
        p = Program(world, who="carol").begin()
        check(works(world, p.access), "good")
        check_equal(form(world, "/oauth/revoke", token=p.tokens[name], client_id=register(world, "Another"))[0], 200, "nothing is said")
        check(works(world, p.access), "another program cannot")
        check_equal(form(world, "/oauth/revoke", token=p.tokens[name], client_id=p.client_id)[0], 200, "revoked")
        check(not works(world, p.access), "over at once")
        check_equal(p.refresh()[1]["error"], "invalid_grant", "for good")
        check_equal(form(world, "/oauth/revoke", token=p.tokens[name], client_id=p.client_id)[0], 200, "and again")
        check(over(world, p), "in the list, too")
    check_equal(form(world, "/oauth/revoke", token="x", client_id=p.client_id)[0], 200, "what is none is as good as revoked")
    check_equal(form(world, "/oauth/revoke", token="x")[1]["error"], "invalid_request", "whose?")


def test_revocation_by_the_owner(world):
    p, other = Program(world, who="dora").begin(), Program(world, who="dora").begin()
    check(works(world, p.access), "good")
    with Client(world) as page:
        page.login(p.address)
        page.call("revoke", id=p.unlocker, rotate=False)
    check(not works(world, p.access), "over at once")
    check_equal(p.refresh()[1]["error"], "invalid_grant", "for good")
    wait_until(lambda: works(world, other.access), "the other program goes on")


def test_over_means_signed_out(world):
    """What is revoked is told so by the very next request, not that the account cannot be reached: a program would try again."""
    world.stop()  # which forgets how often this network has failed
    world.start()
    address = f"dora@{DOMAIN}"
    c = http.client.HTTPSConnection(world.hostname, world.ports["https"], context=world.tls(), timeout=60)
    c.sock = world.tls().wrap_socket(world.connect("https"), server_hostname=world.hostname)

    def request(method, path, body=None, **head):
        c.request(method, path, body=body, headers={name.replace("_", "-"): value for name, value in head.items()})
        answer = c.getresponse()
        return answer.status, answer.read()

    def signed_in(authorization):
        return request("GET", "/jmap/session", Authorization=authorization)[0]

    def revoke_by_program(page, made):
        fields = urllib.parse.urlencode({"token": made["access"], "client_id": client})
        check_equal(request("POST", "/oauth/revoke", fields, Content_Type="application/x-www-form-urlencoded")[0], 200, "revoked")

    def revoke_by_owner(page, made):
        page.call("revoke", id=made["id"], rotate=False)

    client = register(world)
    with Client(world) as page:
        page.login(address)
        for n in range(50):
            verifier, challenge = proof()
            made = page.call("oauthGrant", name="Test program", clientId=client, redirectUri=BACK, challenge=challenge,
                             scope={"areas": 2, "protocols": 39, "expires": 0})
            status, tokens = form(world, "/oauth/token", grant_type="authorization_code", client_id=client, code=made["code"],
                                  redirect_uri=BACK, code_verifier=verifier)
            check_equal(status, 200, str(tokens))
            made["access"] = tokens["access_token"]
            authorization = f"Bearer {made['access']}"
            wait_until(lambda: signed_in(authorization) == 200, "the token is good")
            (revoke_by_owner if n % 5 == 4 else revoke_by_program)(page, made)
            check_equal(signed_in(authorization), 401, f"right after the end of token {n}")
        for n in range(5):
            made = json.loads(world.ctl("--json", "app-password", "add", address, f"p{n}", "--password-stdin", stdin=PASSWORD.encode() + b"\n"))
            authorization = "Basic " + base64.b64encode(f"{address}:{made['password']}".encode()).decode()
            wait_until(lambda: signed_in(authorization) == 200, "the app password is good")
            world.ctl("app-password", "revoke", address, f"p{n}")
            check_equal(signed_in(authorization), 401, f"right after the end of app password {n}")
    c.close()


def test_disabled_account(world):
    p, waiting = Program(world, who="dora").begin(), Program(world, who="dora")
    world.ctl("account", "disable", p.address)
    check(not works(world, p.access), "JMAP")
    check(imap_sign_in(world, bearer(p.access))[0].startswith(b"a NO"), "IMAP")
    check_equal(p.refresh()[1]["error"], "invalid_grant", "no new tokens")
    check_equal(waiting.exchange()[1]["error"], "invalid_grant", "nor first ones")
    world.ctl("account", "enable", p.address)
    wait_until(lambda: works(world, p.access), "as before")


def test_restart_keeps_tokens(world):
    p, waiting = Program(world).begin(), Program(world)
    world.stop()
    world.start()
    check(works(world, p.access), "access")
    status, p.tokens = p.refresh()
    check_equal(status, 200, "refresh")
    check(works(world, p.access), "the new one")
    check_equal(waiting.exchange()[1]["error"], "invalid_grant", "codes are for a minute only, and forgotten")


# The last three: from here on tokens end soon, and then codes, too.
def test_tokens_end(world):
    world.stop()
    world.configure({("limits", "access_token"): "6"})
    world.start()
    p = Program(world).begin()
    check_equal(p.tokens["expires_in"], 6, "six seconds")
    ends = time.time() + 6
    with world.tls().wrap_socket(world.connect("https"), server_hostname=world.hostname) as s:
        s.settimeout(60)
        s.sendall(f"GET /jmap/events?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: {world.hostname}\r\nAuthorization: Bearer {p.access}\r\n\r\n".encode())
        head = raw(s, until=b"\r\n\r\n")
        if time.time() < ends - 1:
            check(head.startswith(b"HTTP/1.1 200"), head)
        raw(s, until=None)
    check(time.time() >= ends - 1, "events go on as long as the token does, and no longer")
    wait_until(lambda: time.time() > ends + 1, "the end")
    check(not works(world, p.access), "JMAP")
    line, why = imap_sign_in(world, bearer(p.access))
    check(line.startswith(b"a NO") and why["status"] == "invalid_token", f"IMAP: {line} {why}")
    status, p.tokens = p.refresh()
    check_equal(status, 200, "the refresh token goes on")
    brief = Program(world, expires=int(time.time()) + 60).begin()
    check(brief.tokens["expires_in"] <= 6, "shorter of both")


def test_codes_that_never_come(world):
    """Their app passwords end by themselves, though nobody asks auth for anything meanwhile."""
    world.stop()
    world.configure({("limits", "authorization_code"): "3"})
    world.start()
    before = world.log_text().count("oauth-code why=nobody-came")
    one, other = Program(world, who="bob"), Program(world, who="carol")
    wait_until(lambda: world.log_text().count("oauth-code why=nobody-came") == before + 2, "the end of two codes that nobody brought")
    for p in (one, other):
        check_equal(p.exchange()[1]["error"], "invalid_grant", "too late")
        check(over(world, p), "its app password has ended")


def test_what_nobody_was_given(world):
    """It is no program in anybody's list, and nothing is interrupted for its sake."""
    mine = lambda page: {u["id"]: u for u in page.post("unlockers")["unlockers"]}
    before = world.log_text().count("oauth-code why=nobody-came")
    p = Program(world, who="dora")
    with world.imap(p.address) as beside:
        wait_until(lambda: world.log_text().count("oauth-code why=nobody-came") > before, "the end of a code that nobody brought")
        beside.do("noop")
        with Client(world) as page:
            page.login(p.address)
            check_equal(mine(page)[p.unlocker]["expires"], mine(page)[p.unlocker]["created"], "it ended when it was made")
        listed = world.ctl("app-password", "list", p.address).splitlines()
        number = base64.urlsafe_b64decode(p.unlocker + "==").hex()[:8]
        check(any(line.startswith(number) and ", never fetched" in line for line in listed), str(listed))
        later = Program(world, who="dora")
        with Client(world) as page:
            page.login(p.address)
            check(p.unlocker not in mine(page) and later.unlocker in mine(page), "it goes when the next program is let in")
        beside.do("noop")


if __name__ == "__main__":
    main([test_metadata, test_challenge_at_jmap, test_proofs_are_not_taken, test_registration, test_requests_that_the_page_refuses,
          test_from_code_to_mail, test_foreign_client,
          test_mechanism_is_offered, test_sign_in_that_fails, test_the_older_form, test_scopes_are_limits, test_resources_are_checked,
          test_pages_of_elsewhere_may_ask_first, test_pages_of_elsewhere_use_tokens, test_pages_of_elsewhere_have_no_cookie, test_wrong_proofs,
          test_code_that_comes_twice,
          test_consent_needs_the_person, test_refresh_goes_on_and_is_watched, test_revocation_by_the_program, test_revocation_by_the_owner,
          test_over_means_signed_out, test_disabled_account, test_restart_keeps_tokens, test_tokens_end, test_codes_that_never_come, test_what_nobody_was_given], setup, stop_and_inspect)
