#!/usr/bin/env python3
"""Push messages against the whole server: a push service of the test's own, over HTTPS at a name that a zone gives; node opens
what arrives there and checks who sent it."""
import base64
import json
import pathlib
import subprocess
import time

from harness import WORK, Installation, check, check_equal, free_ports, main, stop_and_inspect, wait_until
from listening import ListeningTls, http_request
from nameserver import Authority, Nameserver, Zone

ALICE = "alice@letterlock.test"
ZONE, ADDRESS = "push.example", "127.0.0.30"
ORIGIN = f"https://service.{ZONE}"
CORE, MAIL = "urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"
VAPID = "urn:ietf:params:jmap:webpush-vapid"


class Service(ListeningTls):
    """Keeps what is posted: (method, path, fields, body)."""

    def __init__(self, port, certificate):
        self.got, self.status = [], 201
        super().__init__(ADDRESS, port, certificate, self.answer)

    def answer(self, sock):
        request, status = http_request(sock), self.status
        self.got.append(request)
        sock.sendall(f"HTTP/1.1 {status} Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".encode())


class World:
    def __init__(self):
        self.ca = Authority(WORK / "ca")
        self.port = free_ports(1, ADDRESS)[0]
        zone = Zone(ZONE, WORK / "zones")
        zone.add(f"service A {ADDRESS}")
        self.ns = Nameserver([zone], WORK / "zones")
        self.service = Service(self.port, self.ca.certificate("service", f"service.{ZONE}"))
        self.peer = subprocess.Popen(["node", str(pathlib.Path(__file__).with_name("webpush_peer.mjs"))], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.one = Installation("webpush", settings={
            ("server", "frontends"): "1", ("limits", "session_linger"): "1", ("dns", "stub"): self.ns.stubs,
            ("dns", "trust_anchor"): self.ns.write_anchors(WORK / "anchor"),
            ("relay", "https_port"): self.port, ("relay", "private_fetch"): 1, ("tls", "ca_file"): self.ca.file,
        }).start().populate(ALICE)
        self.session = self.ask("GET", "/jmap/session")
        self.account = self.session["primaryAccounts"][MAIL]

    def node(self, name, **args):
        self.peer.stdin.write(json.dumps({"command": name} | args) + "\n")
        self.peer.stdin.flush()
        answer = json.loads(self.peer.stdout.readline())
        check("error" not in answer, f"{name}: {answer}")
        return answer

    def ask(self, method, path, body=b""):
        context = self.one.tls()
        context.set_alpn_protocols(["http/1.1"])
        word = base64.b64encode(f"{ALICE}:{self.one.accounts[ALICE]}".encode()).decode()
        with context.wrap_socket(self.one.connect("https"), server_hostname=self.one.hostname) as s, s.makefile("rb") as f:
            s.settimeout(30)
            s.sendall((f"{method} {path} HTTP/1.1\r\nHost: {self.one.hostname}\r\nAuthorization: Basic {word}\r\n"
                       f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
            check_equal(int(f.readline().split()[1]), 200, path)
            length = 0
            while (line := f.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            return json.loads(f.read(length))

    def subscriptions(self, **args):
        request = {"using": [CORE], "methodCalls": [["PushSubscription/set", args, "a"]]}
        name, answer, _ = self.ask("POST", "/jmap/api", json.dumps(request).encode())["methodResponses"][0]
        check_equal(name, "PushSubscription/set", str(answer))
        return answer

    def next(self, path, key):
        """The next message there, opened."""
        def look():
            return next((g for g in self.service.got if g[1] == path), None)
        wait_until(look, f"a push message arrives at {path}", 30)
        message = look()
        self.service.got.remove(message)
        self.last = message
        body = message[3].decode() if key is None else self.node("open", key=key, body=base64.urlsafe_b64encode(
            message[3]).decode().rstrip("="))["plain"]
        return json.loads(body)

    def subscribe(self, path, key, **more):
        wanted = {"deviceClientId": "test", "url": ORIGIN + path} | more
        if key:
            wanted["keys"] = {"p256dh": key["public"], "auth": key["auth"]}
        made = self.subscriptions(create={"s": wanted})
        check(made["created"], str(made))
        code = self.next(path, key)
        check_equal(code["@type"], "PushVerification", "the first message")
        check_equal(code["pushSubscriptionId"], made["created"]["s"]["id"], "whose code it is")
        return code["pushSubscriptionId"], code["verificationCode"]

    def verify(self, path, key, **more):
        who, code = self.subscribe(path, key, **more)
        done = self.subscriptions(update={who: {"verificationCode": code}})
        check(done["updated"], str(done))
        return who

    def deliver(self, subject):
        self.one.deliver("bob@example.org", [ALICE], f"Subject: {subject}\r\nFrom: bob@example.org\r\n\r\nText.\r\n")

    def wait_alone(self):
        """A session stays for minutes behind the last request; after a restart there is none."""
        self.one.stop()
        self.one.start()


def test_messages_are_sealed_and_signed(w):
    w.key = w.node("keys")
    who, code = w.subscribe("/first", w.key, types=["EmailDelivery"])
    method, _, fields, body = w.last
    check_equal(method, "POST", "how it is sent")
    check_equal(fields["content-encoding"], "aes128gcm", "its encoding")
    check(int(fields["ttl"]) > 0 and fields["topic"] and fields["urgency"], str(fields))
    check(code.encode() not in body, "the code is not to be read by the way")
    said = w.node("vapid", value=fields["authorization"])
    check(said["good"], "the token's signature is wrong")
    check_equal(said["key"], w.session["capabilities"][VAPID]["applicationServerKey"], "the server's key")
    check_equal(said["claims"]["aud"], ORIGIN, "for whom the token is")
    check(time.time() < said["claims"]["exp"] < time.time() + 86400, str(said))
    w.deliver("nobody hears of this")
    wait_until(lambda: "nobody hears of this" in str(w.one.texts(ALICE)), "the letter is there", 30)
    wrong = w.subscriptions(update={who: {"verificationCode": "wrong"}})
    check_equal(wrong["notUpdated"][who]["properties"], ["verificationCode"], "a wrong code")
    time.sleep(3)
    check_equal(w.service.got, [], "what an unproven address was told")
    check(w.subscriptions(update={who: {"verificationCode": code}})["updated"], "the code was right")
    w.who = who


def test_a_session_tells_of_mail(w):
    imap = w.one.imap(ALICE)
    w.deliver("with a session")
    change = w.next("/first", w.key)
    check_equal(change["@type"], "StateChange", str(change))
    check_equal(list(change["changed"]), [w.account], "whose account it is")
    check_equal(list(change["changed"][w.account]), ["EmailDelivery"], "what it was told of")
    check(change["changed"][w.account]["EmailDelivery"].isdigit(), str(change))
    imap.logout()


def test_mail_comes_without_a_session(w):
    w.wait_alone()
    w.service.got.clear()
    for i in range(5):
        w.deliver(f"alone {i}")
    change = w.next("/first", w.key)
    check_equal(list(change["changed"][w.account]), ["EmailDelivery"], "what it was told of")
    check(change["changed"][w.account]["EmailDelivery"].startswith("d"), f"it was a session that told: {change}")
    time.sleep(3)
    check(len(w.service.got) <= 1, f"five letters were told one by one: {len(w.service.got) + 1}")
    check(b"alone" not in w.last[3], "a letter was told of by its name")


def test_without_keys_it_is_plain(w):
    who = w.verify("/plain", None, types=["Mailbox"])
    w.subscriptions(destroy=[who])


def test_an_address_that_is_gone_is_forgotten(w):
    w.verify("/gone", None, types=["EmailDelivery"])
    w.wait_alone()
    w.service.got.clear()
    w.service.status = 410
    w.deliver("told once more")
    w.next("/gone", None)
    w.next("/first", w.key)  # is told at the same time, and gone from now on
    w.service.status = 201
    time.sleep(1)
    w.service.got.clear()
    w.deliver("nobody is there")
    time.sleep(18)
    check_equal([g[1] for g in w.service.got], [], "who was told after that")


def test_elsewhere_than_the_world_nothing_goes(w):
    made = w.subscriptions(create={"a": {"deviceClientId": "x", "url": f"https://127.0.0.30:{w.port}/literal"},
                                   "b": {"deviceClientId": "x", "url": "http://service.push.example/"}})
    check_equal(list(made["notCreated"]), ["b"], str(made))
    time.sleep(2)
    check(not any(g[1] == "/literal" for g in w.service.got), "an address without a name was asked")


def teardown(w):
    w.peer.stdin.close()
    w.peer.wait(10)
    stop_and_inspect(w.one)
    w.service.close()
    w.ns.stop()


if __name__ == "__main__":
    main([f for name, f in list(globals().items()) if name.startswith("test_")], World, teardown)
