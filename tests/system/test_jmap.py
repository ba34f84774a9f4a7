"""JMAP over HTTPS against the whole server: session object, calls, uploads, downloads, events, and mail that comes by SMTP and is
changed by IMAP meanwhile."""
import base64
import json
import os
import struct
import urllib.parse

from harness import Installation, check, check_equal, main, stop_and_inspect, wait_until

ALICE = "alice@letterlock.test"
USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:blob"]


def setup():
    return Installation(settings={("server", "frontends"): "1"}.items()).start().populate(ALICE)


def authorization(world):
    return "Basic " + base64.b64encode(f"{ALICE}:{world.accounts[ALICE]}".encode()).decode()


def connect(world):
    context = world.tls()
    context.set_alpn_protocols(["http/1.1"])
    s = context.wrap_socket(world.connect("https"), server_hostname=world.hostname)
    s.settimeout(30)
    return s


def send(world, s, method, path, body=b"", *fields):
    head = [f"{method} {path} HTTP/1.1", f"Host: {world.hostname}", f"Authorization: {authorization(world)}", *fields]
    if body or method == "POST":
        head.append(f"Content-Length: {len(body)}")
    s.sendall(("\r\n".join(head) + "\r\n\r\n").encode() + body)


def read_head(f):
    status = int(f.readline().split()[1])
    fields = {}
    while (line := f.readline().strip()):
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    return status, fields


def ask(world, method, path, body=b"", *fields):
    with connect(world) as s, s.makefile("rb") as f:
        send(world, s, method, path, body, *fields)
        status, head = read_head(f)
        return status, head, f.read(int(head.get("content-length", 0)))


def session(world):
    status, _, body = ask(world, "GET", "/jmap/session")
    check_equal(status, 200, "the session object")
    return json.loads(body)



def account(world):
    if not hasattr(world, "jmap_account"):
        world.jmap_account = session(world)["primaryAccounts"]["urn:ietf:params:jmap:mail"]
    return world.jmap_account


def calls(world, *wanted):
    who = account(world)
    request = {"using": USING, "methodCalls": [[name, {"accountId": who} | args, str(i)] for i, (name, args) in enumerate(wanted)]}
    status, _, body = ask(world, "POST", "/jmap/api", json.dumps(request).encode(), "Content-Type: application/json")
    check_equal(status, 200, body[:500])
    replies = json.loads(body)["methodResponses"]
    check_equal([r[0] for r in replies], [name for name, _ in wanted], str(replies)[:1000])
    return [r[1] for r in replies]


def deliver(world, subject):
    world.deliver("bob@example.org", [ALICE], f"Subject: {subject}\r\nFrom: bob@example.org\r\n\r\nText of {subject}.\r\n")


def emails(world):
    query, get = calls(world, ("Email/query", {"sort": [{"property": "receivedAt"}]}), ("Email/get", {
        "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}, "properties": ["subject", "keywords", "blobId"]}))
    return get["list"]


def too_long(world, path):
    """What is said to one that is announced as longer than anything may be."""
    with connect(world) as s, s.makefile("rb") as f:
        head = [f"POST {path} HTTP/1.1", f"Host: {world.hostname}", f"Authorization: {authorization(world)}", "Content-Length: 99999999", "", ""]
        s.sendall("\r\n".join(head).encode())
        status, fields = read_head(f)
        return status, json.loads(f.read(int(fields["content-length"])))


def test_session_and_calls(world):
    s = session(world)
    check_equal(s["username"], ALICE, "name")
    check(s["apiUrl"].startswith("https://"), s["apiUrl"])
    check_equal(s["capabilities"]["urn:ietf:params:jmap:core"]["maxCallsInRequest"], 64, "a limit")
    who, = s["accounts"]
    check_equal(s["primaryAccounts"], {name: who for name in s["accounts"][who]["accountCapabilities"]}, "of the account's capabilities, and not of core")
    boxes, = calls(world, ("Mailbox/get", {}))
    check("inbox" in [b["role"] for b in boxes["list"]], "an inbox")
    good = b'{"using":[],"methodCalls":[]}'
    for body, kind in ((b"{", "application/json"), (good, "text/plain"), (good, "application/jsonx")):
        status, _, reply = ask(world, "POST", "/jmap/api", body, f"Content-Type: {kind}")
        check_equal((status, json.loads(reply)["type"]), (400, "urn:ietf:params:jmap:error:notJSON"), f"{body} as {kind}")
    check_equal(ask(world, "POST", "/jmap/api", good, "Content-Type: Application/JSON; charset=utf-8")[0], 200, "JSON")
    for path, limit in (("/jmap/api", "maxSizeRequest"), (f"/jmap/upload/{who}", "maxSizeUpload")):
        status, reply = too_long(world, path)
        check_equal((status, reply["type"], reply["limit"]), (413, "urn:ietf:params:jmap:error:limit", limit), path)
    check_equal(ask(world, "GET", "/jmap/api")[0], 405, "a wrong method")


def test_mail_by_smtp_jmap_and_imap(world):
    deliver(world, "first")
    wait_until(lambda: "first" in [e["subject"] for e in emails(world)], "the delivered message")
    email = [e for e in emails(world) if e["subject"] == "first"][0]
    calls(world, ("Email/set", {"update": {email["id"]: {"keywords/$flagged": True}}}))
    imap = world.imap(ALICE)
    imap.select("INBOX")
    _, found = imap.search(None, "FLAGGED")
    check_equal(found[0].split(), [b"1"], "what JMAP flagged")
    state = calls(world, ("Email/get", {"ids": []}))[0]["state"]
    imap.store("1", "+FLAGS", "(\\Seen)")
    changes, = calls(world, ("Email/changes", {"sinceState": state}))
    check_equal(changes["updated"], [email["id"]], "what IMAP changed")
    imap.logout()


def test_upload_and_download(world):
    who = account(world)
    data = bytes(range(256)) * 12000
    status, _, body = ask(world, "POST", f"/jmap/upload/{who}", data, "Content-Type: image/x-test")
    check_equal(status, 201, body)
    blob = json.loads(body)
    check_equal((blob["size"], blob["type"]), (len(data), "image/x-test"), "what was stored")
    name = urllib.parse.quote("naïve.png")
    status, head, body = ask(world, "GET", f"/jmap/download/{who}/{blob['blobId']}/{name}?type=image/png")
    check_equal((status, body == data, head["content-type"]), (200, True, "image/png"), "what came back")
    check("attachment" in head["content-disposition"], head["content-disposition"])
    check_equal(ask(world, "GET", f"/jmap/download/{who}/Unone/x")[0], 404, "no such blob")


def test_parts_of_a_download(world):
    who = account(world)
    _, _, reply = ask(world, "POST", f"/jmap/upload/{who}", b"0123456789", "Content-Type: text/plain")
    path = f"/jmap/download/{who}/{json.loads(reply)['blobId']}/ten.txt"
    status, head, body = ask(world, "GET", path)
    check_equal((status, body, head["accept-ranges"]), (200, b"0123456789", "bytes"), "all of it")
    tag = head["etag"]
    for fields, want in (
            (["Range: bytes=2-5"], (206, b"2345", "bytes 2-5/10")),
            (["Range: bytes=7-"], (206, b"789", "bytes 7-9/10")),
            (["Range: bytes=-4"], (206, b"6789", "bytes 6-9/10")),
            (["Range: bytes=10-"], (416, b"", "bytes */10")),
            (["Range: bytes=0-1,3-4"], (200, b"0123456789", None)),
            (["Range: bytes=2-5", f"If-Range: {tag}"], (206, b"2345", "bytes 2-5/10")),
            (["Range: bytes=2-5", 'If-Range: "another"'], (200, b"0123456789", None)),
            ([f"If-None-Match: {tag}"], (304, b"", None)),
            ([f'If-None-Match: "another", W/{tag}', "Range: bytes=2-5"], (304, b"", None)),
            (["If-None-Match: *"], (304, b"", None)),
            (['If-None-Match: "another"'], (200, b"0123456789", None))):
        status, head, body = ask(world, "GET", path, b"", *fields)
        check_equal((status, body, head.get("content-range")), want, str(fields))


def test_nothing_downloaded_runs_in_our_pages(world):
    """An attachment is neither script nor style sheet for a page of ours, whatever it was sent or is asked for as."""
    who = session(world)["primaryAccounts"]["urn:ietf:params:jmap:mail"]
    for kind in ("text/javascript", "Application/X-JavaScript; charset=utf-8", "text/css", "text/ecmascript", "text/jscript", "application/wasm",
                 "image/png,text/javascript", "text/livescript"):
        status, _, body = ask(world, "POST", f"/jmap/upload/{who}/", b"alert(1)", f"Content-Type: {kind}")
        check_equal(status, 201, kind)
        blob = json.loads(body)["blobId"]
        for path in (f"{blob}/a.js", f"{blob}/a.js?type={urllib.parse.quote(kind)}", f"{blob}/a.js?accept={kind[:4]}&type={urllib.parse.quote(kind.upper())}"):
            status, head, body = ask(world, "GET", f"/jmap/download/{who}/{path}")
            check_equal((status, body, head["content-type"]), (200, b"alert(1)", "application/octet-stream"), path)
            check_equal(head["x-content-type-options"], "nosniff", path)
            check(head["content-disposition"].startswith("attachment"), path)
    check_equal(ask(world, "POST", "/jmap/upload/Aother", b"x")[0], 404, "no such account")


def chunks(f):
    """Lines of a chunked body."""
    text = b""
    while True:
        size = int(f.readline().strip() or b"0", 16)
        if size == 0:
            return
        text += f.read(size)
        f.readline()
        while b"\n" in text:
            line, _, text = text.partition(b"\n")
            yield line.decode()


def test_events(world):
    with connect(world) as s, s.makefile("rb") as f:
        send(world, s, "GET", "/jmap/events?types=Email,EmailDelivery&closeafter=no&ping=0")
        status, head = read_head(f)
        check_equal((status, head["content-type"]), (200, "text/event-stream"), "the stream")
        deliver(world, "second")
        lines = chunks(f)
        seen = {}
        while "EmailDelivery" not in seen:
            line = next(lines)
            if line.startswith("data: "):
                change = json.loads(line[6:])
                check_equal(change["@type"], "StateChange", "its type")
                seen |= change["changed"][account(world)]
        check_equal(calls(world, ("Email/get", {"ids": []}))[0]["state"], seen["Email"], "the state")


def first_event(world, *fields):
    """Its id, and what it says has changed."""
    with connect(world) as s, s.makefile("rb") as f:
        send(world, s, "GET", "/jmap/events?types=Email&closeafter=state&ping=0", b"", *fields)
        check_equal(read_head(f)[0], 200, "the stream")
        lines, name = chunks(f), None
        for line in lines:
            if line.startswith("id: "):
                name = line[4:].strip()
            elif line.startswith("data: "):
                return name, json.loads(line[6:])["changed"][account(world)]


def test_coming_back(world):
    """Who comes back with the last event's id is told what came since, and all of it where the id is none, or of another build."""
    state = lambda: calls(world, ("Email/get", {"ids": []}))[0]["state"]
    deliver(world, "before")
    wait_until(lambda: "before" in [e["subject"] for e in emails(world)], "a message")
    name, told = first_event(world, "Last-Event-ID: unknown")
    check_equal(told, {"Email": state()}, "everything")
    deliver(world, "meanwhile")
    wait_until(lambda: "meanwhile" in [e["subject"] for e in emails(world)], "another")
    check_equal(first_event(world, f"Last-Event-ID: {name}")[1], {"Email": state()}, "what came since")
    check_equal(first_event(world, f"Last-Event-ID: {name}.0")[1], {"Email": state()}, "everything")
    with connect(world) as s, s.makefile("rb") as f:
        ws_open(world, s, f)
        for known in (name, "unknown"):
            s.sendall(ws_frame(json.dumps({"@type": "WebSocketPushEnable", "dataTypes": ["Email"], "pushState": known})))
            change = ws_read(f)
            check_equal((change["@type"], change["changed"][account(world)]), ("StateChange", {"Email": state()}), f"after {known}")
        s.sendall(ws_frame(json.dumps({"@type": "Other", "id": "R9"})))
        check_equal(ws_read(f)["requestId"], "R9", "whose error")


def ws_open(world, s, f):
    send(world, s, "GET", "/jmap/ws", b"", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
         "Sec-WebSocket-Protocol: jmap", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}")
    status, head = read_head(f)
    check_equal((status, head.get("sec-websocket-protocol")), (101, "jmap"), "the upgrade")


def ws_frame(text):
    data, mask = text.encode(), os.urandom(4)
    size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))
    return b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))


def ws_read(f):
    """The next text message; pings are passed over."""
    while True:
        first, size = f.read(2)
        if size == 126:
            size, = struct.unpack(">H", f.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", f.read(8))
        data = f.read(size)
        if first & 15 == 1:
            return json.loads(data)


def test_websocket(world):
    with connect(world) as s, s.makefile("rb") as f:
        ws_open(world, s, f)
        s.sendall(ws_frame(json.dumps({"@type": "Request", "id": "R1", "using": USING, "methodCalls": [["Core/echo", {"x": 1}, "a"]]})))
        answer = ws_read(f)
        check_equal((answer["@type"], answer["requestId"], answer["methodResponses"]), ("Response", "R1", [["Core/echo", {"x": 1}, "a"]]), "it")
        s.sendall(ws_frame("{"))
        check_equal(ws_read(f)["@type"], "RequestError", "what is no JSON")
        s.sendall(ws_frame(json.dumps({"@type": "WebSocketPushEnable", "dataTypes": ["Email"]})))
        s.sendall(ws_frame(json.dumps({"@type": "Request", "using": USING, "methodCalls": []})))
        ws_read(f)
        deliver(world, "third")
        change = ws_read(f)
        check_equal((change["@type"], list(change["changed"][account(world)])), ("StateChange", ["Email"]), "what is pushed")
        check("pushState" in change, "a push state")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
