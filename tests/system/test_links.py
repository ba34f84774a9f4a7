"""From the cookie to the account's process and back: what a sign-in holds open ends with it, and what dies comes again. The
client is the web client's own key library under node, as in test_websign.py."""
import json
import os
import ssl
import threading
import time

import wire
from harness import Installation, check, check_equal, letter, main, stop_and_inspect, token, wait_until
from test_websign import DOMAIN, Client, bundle, refused, sign_up
from wire import Closed, Events, Refused, WebSocket

VERSIONS = ("HTTP/1.1", "HTTP/2")


def setup():
    world = Installation(domains=(DOMAIN,), settings={("server", "frontends"): "1"}.items()).start().populate()
    world.ctl("domain", "registration", DOMAIN, "invitation")
    bundle()
    return world


class SignedIn:
    """A signed-in browser, opened, with what it holds open."""

    def __init__(self, world, client, version):
        self.cookie = wire.cookie(client.ask(cookie=""))
        client.ask(cookie=self.cookie[1].partition("=")[2])
        self.sockets = [WebSocket(world, self.cookie, version=version) for _ in range(2)]
        self.events = Events(world, self.cookie, version=version)
        for ws in self.sockets:
            ws.send({"@type": "WebSocketPushEnable", "dataTypes": None})
            check_equal(ws.ask(["Core/echo", {}, "0"])[0][0], "Core/echo", "the WebSocket works")

    def ended(self):
        """How long until everything was closed."""
        begun = time.monotonic()
        codes = [ws.close_code() for ws in self.sockets]
        check(self.events.ends(), "the EventSource")
        return time.monotonic() - begun, codes


def fresh(world, client, name):
    address, _ = sign_up(world, client, name)
    client.call("unlockSession")
    return address


def sign_out(world, client):
    client.call("signOut")


def end_from_elsewhere(world, client):
    address = client.post("account")["address"]
    current = next(s["id"] for s in client.post("sessions")["sessions"] if s["current"])
    with Client(world) as other:
        other.login(address)
        other.post("session-end", id=current)


def new_password(world, client):
    address = client.post("account")["address"]
    with Client(world) as other:
        other.login(address)
        other.call("confirm", password="correct horse battery staple")
        other.call("changePassword", password="quite another password", rotate=False)


def is_over(world, kind, cookie, version):
    """A frontend that has not heard of it yet sends the request to a session that is gone: 503, once."""
    try:
        kind(world, cookie, version=version)
    except Refused as e:
        check(e.status in (0, 401, 503), e)
        return e.status != 503
    check(False, f"{kind.__name__} by a cookie that is over")


def test_what_a_sign_in_holds_ends_with_it(world):
    """Signing out, being signed out from elsewhere, and a new password close WebSockets and EventSources at once."""
    for version in VERSIONS:
        for i, end in enumerate((sign_out, end_from_elsewhere, new_password)):
            with Client(world) as c:
                fresh(world, c, f"leaver{i}{version[5]}")
                held = SignedIn(world, c, version)
                end(world, c)
                took, codes = held.ended()
                check(took < 10, f"{version}, {end.__name__}: it took {took} s")
                check(all(code in (None, 1001, 1008, 3000) for code in codes), codes)
                for kind in (WebSocket, Events):
                    wait_until(lambda kind=kind, held=held, version=version: is_over(world, kind, held.cookie, version), "the cookie is over")


def test_another_sign_in_goes_on(world):
    """One account, two browsers: what ends with the one does not touch the other."""
    with Client(world) as c, Client(world) as d:
        address = fresh(world, c, "pair")
        d.login(address)
        one, other = SignedIn(world, c, "HTTP/2"), SignedIn(world, d, "HTTP/1.1")
        c.call("signOut")
        one.ended()
        world.deliver("friend@example.net", [address], letter("friend@example.net", address, token()))
        for source in other.sockets + [other.events]:
            check("Email" in source.change(), "the other is told")
        other.sockets[0].messages.clear()
        check_equal(d.ask(get="/api/v1/session")["state"], "open", "state")


def test_locked(world):
    """Before the account is open nothing but its state is answered, over every way; opening it changes that at once."""
    for version in VERSIONS:
        with Client(world) as c:
            sign_up(world, c, f"locked{version[5]}")
            cookie = wire.cookie(c.ask(cookie=""))
            c.ask(cookie=cookie[1].partition("=")[2])
            for path in ("/jmap/session", "/jmap/events?types=*&closeafter=no&ping=0", "/jmap/download/a/b/c"):
                try:
                    wire.get(world, path, cookie, version=version)
                    check(False, f"{path} was answered")
                except Refused as e:
                    check(e.status in (0, 403) and (version == "HTTP/2" or b"urn:letterlock:locked" in e.text), f"{path}: {e}")
            try:
                WebSocket(world, cookie, version=version)
                check(False, "a WebSocket to a locked account")
            except Refused as e:
                check(e.status in (0, 403), e)
            check_equal(json.loads(wire.get(world, "/api/v1/session", cookie, version=version))["state"], "locked", "state")
            c.call("unlockSession")
            SignedIn(world, c, version)


def status(world, path, *fields):
    """(status, retry-after)"""
    try:
        t = wire.Http1(world, path, list(fields) + [("Connection", "close")], False)
        t.close()
        return 200, None
    except Refused as e:
        retry = [line for line in e.text.lower().split(b"\r\n") if line.startswith(b"retry-after:")]
        return e.status, int(retry[0].split(b":")[1]) if retry else None


def test_a_killed_session(world):
    """The account's process dies under a request: 503 with Retry-After, or the next process's answer; and that one is locked."""
    with Client(world) as c:
        address = fresh(world, c, "victim")
        held = SignedIn(world, c, "HTTP/2")
        seen, stop = set(), threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    seen.add(status(world, "/api/v1/session", held.cookie))
                except (OSError, ssl.SSLError, Closed) as e:
                    seen.add(repr(e))
        workers = [threading.Thread(target=ask) for _ in range(2)]
        for w in workers:
            w.start()
        for _ in range(5):
            for pid in world.pids("session-of-account"):
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
            time.sleep(0.3)
        stop.set()
        for w in workers:
            w.join()
        check(seen <= {(200, None), (503, 2)} and (200, None) in seen, f"{seen}")
        held.ended()
        wait_until(lambda: status(world, "/api/v1/session", held.cookie)[0] == 200, "it is answered again")
        check_equal(c.ask(get="/api/v1/session")["state"], "locked", "state")
        refused("locked", lambda: c.ask(get="/jmap/session"))
        c.call("unlockSession")
        check_equal(c.ask(get="/jmap/session")["username"], address, "the account")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
