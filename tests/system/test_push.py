"""What is pushed: JMAP over WebSockets (RFC 8887) and state changes by EventSource (RFC 8620, section 7.3), by both versions
of HTTP; and that a sign-in that is over takes them along."""
import json
import os
import select
import ssl
import time

import wire
from harness import Installation, check, check_equal, letter, main, stop_and_inspect, token, wait_until
from wire import CLOSE, BINARY, PING, PONG, TEXT, Closed, Events, Http2Connection, Refused, WebSocket, until_change

ALICE = "alice@letterlock.test"
BOB = "bob@letterlock.test"
VERSIONS = ("HTTP/1.1", "HTTP/2")


def setup():
    return Installation(settings={("server", "frontends"): "1"}.items()).start().populate(ALICE, BOB)


def sign_in(world, address=ALICE):
    return wire.authorization(address, world.accounts[address])


def send_mail(world, address=ALICE):
    subject = token()
    world.deliver("friend@example.net", [address], letter("friend@example.net", address, subject))
    return subject


def account_id(world, address=ALICE):
    return json.loads(wire.get(world, "/jmap/session", sign_in(world, address)))["primaryAccounts"]["urn:ietf:params:jmap:mail"]


def mailboxes(world, ws, address=ALICE):
    """{role: id}, by the WebSocket: when they are there, everything that was sent before has been seen to."""
    (name, args, _), = ws.ask(["Mailbox/get", {"accountId": account_id(world, address), "ids": None, "properties": ["role"]}, "0"])
    check_equal(name, "Mailbox/get", f"the answer, which is {args}")
    return {m["role"]: m["id"] for m in args["list"]}


# --- WebSocket ---

def test_requests_by_websocket(world):
    for version in VERSIONS:
        with WebSocket(world, sign_in(world), version=version) as ws:
            name, boxes = account_id(world), mailboxes(world, ws)
            check("inbox" in boxes, boxes)
            answers = ws.ask(["Core/echo", {"hello": [1, None, "ä"]}, "a"], ["Email/query", {"accountId": name}, "b"])
            check_equal([a[0] for a in answers], ["Core/echo", "Email/query"], "two calls")
            check_equal(answers[0][1], {"hello": [1, None, "ä"]}, "what came back")
            ws.send_frame(TEXT, b"not JSON")
            problem = ws.receive()
            check_equal((problem["@type"], problem["type"]), ("RequestError", "urn:ietf:params:jmap:error:notJSON"), "nonsense")
            ws.send({"@type": "Request", "id": "x", "using": ["urn:none"], "methodCalls": []})
            problem = ws.receive()
            check_equal((problem["requestId"], problem["type"]), ("x", "urn:ietf:params:jmap:error:unknownCapability"), "using")
            check_equal(ws.ask(["Core/echo", {}, "c"])[0][0], "Core/echo", "after the errors")


def test_pings_and_fragments(world):
    """A ping in the midst of a message is answered; a message comes in as many pieces as its sender likes."""
    for version in VERSIONS:
        with WebSocket(world, sign_in(world), version=version) as ws:
            for data in (b"", b"hello", b"x" * 125):
                ws.send_frame(PING, data)
                check_equal(ws.frame(), (PONG, True, data), "the pong")
            ws.send_frame(PONG, b"nobody asked")
            text = json.dumps({"@type": "Request", "id": "f", "using": ["urn:ietf:params:jmap:core"],
                               "methodCalls": [["Core/echo", {"ü": "€"}, "0"]]}, ensure_ascii=False).encode()
            for i in range(len(text)):
                ws.send_frame(TEXT if i == 0 else 0, text[i:i + 1], fin=i == len(text) - 1)
                if i == 40:
                    ws.send_frame(PING, b"between")
            check_equal(ws.frame(), (PONG, True, b"between"), "the pong between")
            check_equal(ws.receive()["methodResponses"][0][1], {"ü": "€"}, "a message of single bytes")


def test_large_messages(world):
    """Several windows' worth in one message and in many fragments; the answer is as large."""
    for version in VERSIONS:
        with WebSocket(world, sign_in(world), version=version) as ws:
            for size, piece in ((1 << 20, 1 << 20), (3 << 20, 100_000), (300_000, 1000)):
                text = json.dumps({"@type": "Request", "id": "big", "using": ["urn:ietf:params:jmap:core"],
                                   "methodCalls": [["Core/echo", {"text": "y" * size}, "0"]]}).encode()
                for at in range(0, len(text), piece):
                    ws.send_frame(TEXT if at == 0 else 0, text[at:at + piece], fin=at + piece >= len(text))
                got = ws.receive()
                check_equal(len(got["methodResponses"][0][1]["text"]), size, f"{version}: the text's length")


def test_a_message_without_end(world):
    """It is cut off; by HTTP/2 the other streams of the connection go on."""
    for version in VERSIONS:
        options = {"connection": Http2Connection(world)} if version == "HTTP/2" else {}
        ws = WebSocket(world, sign_in(world), version=version, **options)
        try:
            for i in range(40):
                ws.send_frame(TEXT if i == 0 else 0, b" " * (1 << 20), fin=False)
            check(False, "40 MiB were taken")
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            pass
        if version == "HTTP/2":
            check_equal(ws.close_code(), 1009, "the code")
            other = WebSocket(world, sign_in(world), version=version, **options)
            check_equal(len(echo(other, "z" * (2 << 20))), 2 << 20, "a large message afterwards")
        ws.transport.sock.close()


def echo(ws, text):
    return ws.ask(["Core/echo", {"text": text}, "0"])[0][1]["text"]


def test_close_codes(world):
    """A close is answered with its code; what breaks the rules is answered with the rule's."""
    bad = {
        "no mask": (1002, lambda ws: ws.send_frame(TEXT, b"{}", mask=False)),
        "a reserved bit": (1002, lambda ws: ws.send_frame(TEXT, b"{}", rsv=4)),
        "an unknown opcode": (1002, lambda ws: ws.send_frame(3, b"")),
        "a fragmented ping": (1002, lambda ws: ws.send_frame(PING, b"", fin=False)),
        "a large ping": (1002, lambda ws: ws.send_frame(PING, b"x" * 126)),
        "nothing to continue": (1002, lambda ws: ws.send_frame(0, b"{}")),
        "text that is not UTF-8": (1007, lambda ws: ws.send_frame(TEXT, b"\xff\xfe")),
        "binary": (1003, lambda ws: ws.send_frame(BINARY, b"\0\1")),
        "a normal close": (1000, lambda ws: ws.send_frame(CLOSE, b"\x03\xe8bye")),
        "a close for going away": (1001, lambda ws: ws.send_frame(CLOSE, b"\x03\xe9")),
        "a close of its own code": (4000, lambda ws: ws.send_frame(CLOSE, b"\x0f\xa0")),
        "a close with half a code": (1002, lambda ws: ws.send_frame(CLOSE, b"\x03")),
        "a close with a code that is never sent": (1002, lambda ws: ws.send_frame(CLOSE, b"\x03\xed")),
    }
    for version in VERSIONS:
        for name, (code, act) in bad.items():
            with WebSocket(world, sign_in(world), version=version) as ws:
                act(ws)
                check_equal(ws.close_code(), code, f"{version}: {name}")
                check_equal(ws.transport.recv(), b"", f"{version}: {name}: the end of the stream")
        with WebSocket(world, sign_in(world), version=version) as ws:
            ws.send_frame(CLOSE)
            check(ws.close_code() in (1000, 1005), "a close without a code")


def test_handshakes(world):
    """Who may not, and what is not, is refused before anything is switched."""
    for version in VERSIONS:
        for status, options in ((401, {}), (400, {"protocol": "chat", "auth": True}), (400, {"path": "/jmap/api", "auth": True}),
                                (403, {"origin": "https://example.net", "auth": True}), (400, {"path": "/", "auth": True})):
            fields = [sign_in(world)] if options.pop("auth", None) else []
            try:
                WebSocket(world, *fields, version=version, **options)
            except Refused as e:
                check_equal(e.status, status if version == "HTTP/1.1" or status in wire.STATUS.values() else 0, f"{version} {options}")
            else:
                check(False, f"{version} {options} was accepted")


def flagged(world, subject, address=ALICE):
    with world.imap(address) as m:
        m.do("select", "INBOX")
        found = m.do("uid", "search", "SUBJECT", subject)[0].split()
        m.do("uid", "store", found[-1].decode(), "+FLAGS", r"(\Flagged)")


def test_changes_by_websocket(world):
    """Mail that comes by SMTP and a flag that is set by IMAP are told of; only to who asked, and of what was asked."""
    for version in VERSIONS:
        with WebSocket(world, sign_in(world), version=version) as ws, WebSocket(world, sign_in(world), version=version) as quiet, \
                WebSocket(world, sign_in(world), version=version) as boxes, \
                WebSocket(world, sign_in(world, BOB), version=version) as other:
            ws.send({"@type": "WebSocketPushEnable", "dataTypes": None})
            boxes.send({"@type": "WebSocketPushEnable", "dataTypes": ["Mailbox"]})
            other.send({"@type": "WebSocketPushEnable", "dataTypes": None})
            for one in (ws, quiet, boxes):
                mailboxes(world, one)
            mailboxes(world, other, BOB)
            ws.messages.clear()
            subject = send_mail(world)
            until_change(ws, "Email", "Mailbox", "Thread")
            change = boxes.change()
            check_equal(set(change), {"Mailbox"}, "what was asked for")
            (_, got, _), = ws.ask(["Email/query", {"accountId": account_id(world), "filter": {"subject": subject}}, "0"])
            check_equal(len(got["ids"]), 1, "the new letter")
            flagged(world, subject)
            until_change(ws, "Email")
            check_equal(quiet.change(0.2), None, "who did not ask")
            check_equal(other.change(0.2), None, "another's mail")
            ws.send({"@type": "WebSocketPushDisable"})
            mailboxes(world, ws)
            ws.messages.clear()
            send_mail(world)
            until_change(boxes, "Mailbox")
            check_equal(ws.change(0.2), None, "after it was turned off")


def test_missed_changes(world):
    """Who comes back with its last push state is told of what it missed, at once."""
    for version in VERSIONS:
        with WebSocket(world, sign_in(world), version=version) as ws:
            ws.send({"@type": "WebSocketPushEnable", "dataTypes": None})
            send_mail(world)
            m = ws.receive()
            check_equal(m["@type"], "StateChange", "the change")
            state = m["pushState"]
        time.sleep(0.3)
        send_mail(world)
        wait_until(lambda: mail_after(world, version, state), "the change that was missed")


def mail_after(world, version, state):
    with WebSocket(world, sign_in(world), version=version) as ws:
        ws.send({"@type": "WebSocketPushEnable", "dataTypes": None, "pushState": state})
        change = ws.change(5)
        return change and "Email" in change


def test_many_streams_of_one_connection(world):
    """WebSockets, EventSources and plain requests share an HTTP/2 connection."""
    c = Http2Connection(world)
    sockets = [WebSocket(world, sign_in(world), version="HTTP/2", connection=c) for _ in range(5)]
    events = [Events(world, sign_in(world), version="HTTP/2", connection=c) for _ in range(5)]
    for ws in sockets:
        ws.send({"@type": "WebSocketPushEnable", "dataTypes": ["Email"]})
    for ws in sockets:
        mailboxes(world, ws)
    send_mail(world)
    for source in sockets + events:
        until_change(source, "Email")
    sockets[0].close()
    sockets[1].send_frame(CLOSE, b"\x03\xe8")
    check_equal(sockets[1].close_code(), 1000, "one closes")
    check("inbox" in mailboxes(world, sockets[2]), "the others go on")
    c.sock.close()


# --- EventSource ---

def test_changes_by_eventsource(world):
    """A letter is told of soon after it is there, with an id by which missed ones are told of."""
    for version in VERSIONS:
        with Events(world, sign_in(world), version=version) as events:
            check_equal(events.next(0.3), None, "before anything happened")
            subject = send_mail(world)
            until_change(events, "Email", "Mailbox", "EmailDelivery")
            flagged(world, subject)
            e = events.next()
            check_equal(e["event"], "state", "the event")
            last = e["id"]
        send_mail(world)
        wait_until(lambda: len(world.texts(ALICE)) or None, "delivered")
        with Events(world, sign_in(world), ("Last-Event-ID", last), version=version) as events:
            until_change(events, "Email")
        with Events(world, sign_in(world), version=version, types="Mailbox", closeafter="state") as events:
            send_mail(world)
            check_equal(set(events.change()), {"Mailbox"}, "what was asked for")
            check(events.ends(), "it ends after one")
        with Events(world, sign_in(world), version=version, ping=30) as events:
            e = events.next()
            check_equal((e["event"], json.loads(e["data"])), ("ping", {"interval": 30}), "the ping")


def test_push_is_prompt(world):
    """The news is there as soon as a mail program with IDLE has it: nothing waits for a timer on the way."""
    with WebSocket(world, sign_in(world)) as ws, Events(world, sign_in(world)) as events, world.imap(ALICE) as idle, \
            world.smtp() as smtp:
        ws.send({"@type": "WebSocketPushEnable", "dataTypes": ["Email"]})
        mailboxes(world, ws)
        idle.do("select", "INBOX")
        idle.send(b"i IDLE\r\n")
        check(idle.readline().startswith(b"+"), "IDLE")
        waits = {"IMAP": idle.sock, "WebSocket": ws.transport.sock, "EventSource": events.transport.sock}
        took = {name: [] for name in waits}
        for _ in range(20):
            for name, at in arrivals(waits, lambda: smtp.sendmail("friend@example.net", [ALICE], letter("a@b.example", ALICE, token()))).items():
                took[name].append(at)
            while b"EXISTS" not in idle.readline():
                pass
            until_change(ws, "Email")
            until_change(events, "Email")
            settle(ws, events)
        for name in ("WebSocket", "EventSource"):
            later = sorted(a - b for a, b in zip(took[name], took["IMAP"]))
            print(f"    {name}: {sorted(took[name])[10] * 1000:.0f} ms after SMTP's answer, {later[10] * 1000:+.1f} ms after IDLE")
            check(later[10] < 0.05, f"{name} came later than IDLE by {later}")
        idle.send(b"DONE\r\n")
        while not idle.readline().startswith(b"i OK"):
            pass


def arrivals(sockets, act):
    """When each of the sockets had something to read, in seconds after act() was done."""
    check_equal(select.select(list(sockets.values()), [], [], 0)[0], [], "what came too early")
    act()
    begun, got = time.monotonic(), {}
    while len(got) < len(sockets):
        waiting = {s: name for name, s in sockets.items() if name not in got}
        ready = select.select(list(waiting), [], [], 30)[0]
        check(ready, f"nothing came but {got}")
        got.update({waiting[s]: time.monotonic() - begun for s in ready})
    return got


def settle(*sources):
    """Further changes of the same letter."""
    for s in sources:
        while s.change(0.1):
            pass


# --- the end of things ---

def test_a_killed_session(world):
    """The account's process dies: what hung on it ends, and the next one is served again."""
    for version in VERSIONS:
        ws, events = WebSocket(world, sign_in(world), version=version), Events(world, sign_in(world), version=version)
        mailboxes(world, ws)
        for pid in world.pids("session-of-account"):
            os.kill(pid, 9)
        check(ws.close_code() in (None, 1001, 1012), "the WebSocket")
        check(events.ends(), "the EventSource")
        wait_until(lambda: again(world, version), "another session")


def again(world, version):
    try:
        with WebSocket(world, sign_in(world), version=version) as ws:
            return "inbox" in mailboxes(world, ws)
    except (Refused, Closed):
        return False


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
