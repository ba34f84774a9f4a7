"""WebSockets (RFC 6455) by HTTP/1.1 and by HTTP/2 (RFC 8441), and EventSource, as a program would speak them: frames are
built and read here, so that the tests can send what no library would."""
import base64
import collections
import hashlib
import json
import os
import select
import ssl
import struct
import time

from harness import PATIENCE, Failure, check, check_equal

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The handshake was answered otherwise; `status` says how."""

    def __init__(self, status, text=b""):
        super().__init__(f"{status} {text[:300]!r}")
        self.status, self.text = status, text


class Closed(Exception):
    """The other end closed; code None: without a close frame."""

    def __init__(self, code, reason=b""):
        super().__init__(f"{code} {reason!r}")
        self.code, self.reason = code, reason


def authorization(address, password):
    return "Authorization", "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()


def cookie(token):
    return "Cookie", f"__Host-letterlock={token}"


def wrap(world, alpn):
    context = world.tls()
    context.set_alpn_protocols([alpn])
    s = context.wrap_socket(world.connect("https"), server_hostname=world.hostname)
    s.settimeout(PATIENCE)
    check_equal(s.selected_alpn_protocol(), alpn, "ALPN")
    return s


# --- the two ways to a stream of bytes ---

class Http1:
    """One request; what follows the head of its answer."""

    def __init__(self, world, path, fields, upgrade):
        self.sock = wrap(world, "http/1.1")
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", f"Host: {world.hostname}:{world.ports['https']}"]
        lines += [f"{name}: {value}" for name, value in fields]
        if upgrade:
            lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}"]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.sock.recv(65536)
            if not piece:
                raise Refused(0, head)
            head += piece
        head, _, self.rest = head.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        self.headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        self.chunked = self.headers.get(b"transfer-encoding") == b"chunked"
        self.chunk = 0
        if status != (101 if upgrade else 200):
            raise Refused(status, head + self.rest)
        if upgrade:
            want = base64.b64encode(hashlib.sha1(key + GUID).digest())
            check(f"sec-websocket-accept: {want.decode()}".encode() in b"\n".join(
                line[:20].lower() + line[20:] for line in head.split(b"\r\n")), head)

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        piece = self.sock.recv(65536)
        self.rest += piece
        return bool(piece)

    def recv(self):
        """Bytes of the body; empty at its end."""
        if not self.chunked:
            if not self.rest:
                self._more()
            out, self.rest = self.rest, b""
            return out
        while True:
            line, found, rest = self.rest.partition(b"\r\n")
            if found and len(rest) >= int(line, 16) + 2:
                size = int(line, 16)
                self.rest = rest[size + 2:]
                return rest[:size]
            if not self._more():
                raise Closed(None, self.rest)

    def pending(self):
        return bool(self.rest) or self.sock.pending() > 0

    def close(self):
        self.sock.close()


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    name, value = name.lower().encode(), value.encode()
    out = b"\0"
    for s in (name, value):
        out += bytes([len(s)]) if len(s) < 127 else b"\x7f" + varint(len(s) - 127)
        out += s
    return out


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


STATUS = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}


class Http2Connection:
    """Frames of one connection, sorted by stream."""

    def __init__(self, world):
        self.world = world
        self.sock = wrap(world, "h2")
        self.buffer = b""
        self.bodies = collections.defaultdict(collections.deque)
        self.status, self.ended = {}, {}
        self.window = collections.defaultdict(lambda: 65535)
        self.initial, self.extended = 65535, False
        self.next = 1
        self.sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, struct.pack(">HI", 4, 1 << 24))
                          + frame(8, 0, 0, struct.pack(">I", 1 << 24)))
        while not self.extended:
            self.read()

    def read(self):
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            piece = self.sock.recv(65536)
            if not piece:
                raise Closed(None, b"connection")
            self.buffer += piece
        size = int.from_bytes(self.buffer[:3], "big")
        kind, flags = self.buffer[3], self.buffer[4]
        stream, payload = int.from_bytes(self.buffer[5:9], "big"), self.buffer[9:9 + size]
        self.buffer = self.buffer[9 + size:]
        self.take(kind, flags, stream, payload)

    def take(self, kind, flags, stream, payload):
        if kind == 4 and not flags & 1:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                self.extended = self.extended or (name, value) == (8, 1)
                self.initial = value if name == 4 else self.initial
            self.sock.sendall(frame(4, 1, 0))
        elif kind == 1:
            self.status[stream] = STATUS.get(payload[0], 0)
        elif kind == 0 and payload:
            self.bodies[stream].append(payload)
            self.sock.sendall(b"".join(frame(8, 0, s, struct.pack(">I", len(payload))) for s in (0, stream)))
        elif kind == 8:
            self.window[stream] += struct.unpack(">I", payload)[0]
        elif kind == 3:
            self.ended[stream] = int.from_bytes(payload, "big")
        elif kind == 7:
            raise Closed(None, b"GOAWAY " + payload)
        if kind in (0, 1) and flags & 1:
            self.ended[stream] = None

    def request(self, path, fields, upgrade):
        stream, self.next = self.next, self.next + 2
        self.window[stream] = self.initial
        method = [(":method", "CONNECT"), (":protocol", "websocket")] if upgrade else [(":method", "GET")]
        lines = method + [(":scheme", "https"), (":path", path),
                          (":authority", f"{self.world.hostname}:{self.world.ports['https']}")] + list(fields)
        if upgrade:
            lines.append(("sec-websocket-version", "13"))
        self.sock.sendall(frame(1, 4 if upgrade else 5, stream, b"".join(field(*line) for line in lines)))
        return stream


class Http2:
    """The same by HTTP/2; `connection`: one that others use, too."""

    def __init__(self, world, path, fields, upgrade, connection=None):
        self.own = connection is None
        self.connection = c = connection or Http2Connection(world)
        self.stream = c.request(path, fields, upgrade)
        while self.stream not in c.status:
            c.read()
        if c.status[self.stream] != 200:
            raise Refused(c.status[self.stream])

    @property
    def sock(self):
        return self.connection.sock

    def send(self, data):
        c = self.connection
        while data:
            if self.stream in c.ended:
                raise BrokenPipeError("the stream has ended")
            room = min(len(data), c.window[0], c.window[self.stream], 16384)
            if room <= 0:
                c.read()
                continue
            c.sock.sendall(frame(0, 0, self.stream, data[:room]))
            c.window[0] -= room
            c.window[self.stream] -= room
            data = data[room:]

    def recv(self):
        c = self.connection
        while not c.bodies[self.stream]:
            if self.stream in c.ended:
                return b""
            c.read()
        return c.bodies[self.stream].popleft()

    def pending(self):
        c = self.connection
        return bool(c.bodies[self.stream]) or self.stream in c.ended or len(c.buffer) >= 9 or c.sock.pending() > 0

    def close(self):
        if self.own:
            self.sock.close()
        else:
            self.sock.sendall(frame(3, 0, self.stream, struct.pack(">I", 8)))


TRANSPORTS = {"HTTP/1.1": Http1, "HTTP/2": Http2}


def readable(transport, seconds):
    """Whether bytes come within that time; those that the TLS layer holds count."""
    return transport.pending() or bool(select.select([transport.sock], [], [], seconds)[0])


def get(world, path, *fields, version="HTTP/1.1"):
    """A whole answer's body."""
    t = TRANSPORTS[version](world, path, list(fields) + ([("Connection", "close")] if version == "HTTP/1.1" else []), False)
    out = b""
    while piece := t.recv():
        out += piece
    t.close()
    return out


# --- WebSocket ---

class Streamed:
    """What stands on a transport of its own, which it closes."""

    def close(self):
        self.transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class WebSocket(Streamed):
    def __init__(self, world, *fields, version="HTTP/1.1", path="/jmap/ws", protocol="jmap", origin=None, **options):
        fields = list(fields) + [("Origin", origin or f"https://{world.hostname}:{world.ports['https']}")]
        if protocol:
            fields.append(("Sec-WebSocket-Protocol", protocol))
        self.transport = TRANSPORTS[version](world, path, fields, True, **options)
        self.buffer = b""
        self.messages = collections.deque()
        self.n = 0

    def send_frame(self, opcode, data=b"", fin=True, mask=True, rsv=0):
        size = len(data)
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        bit = 0x80 if mask else 0
        head += bytes([bit | size]) if size < 126 else (
            bytes([bit | 126]) + struct.pack(">H", size) if size < 65536 else bytes([bit | 127]) + struct.pack(">Q", size))
        key = os.urandom(4) if mask else b""
        if mask and data:
            pad = (key * (size // 4 + 1))[:size]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
        self.transport.send(head + key + data)

    def _bytes(self, n):
        while len(self.buffer) < n:
            piece = self.transport.recv()
            if not piece:
                raise Closed(None, self.buffer)
            self.buffer += piece
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def frame(self):
        """The next frame: (opcode, whether it is the last of its message, data)."""
        first, size = self._bytes(2)
        check(not size & 0x80 and not first & 0x70, "a server's frame has no mask and no extension")
        if size == 126:
            size = struct.unpack(">H", self._bytes(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._bytes(8))[0]
        return first & 15, bool(first & 0x80), self._bytes(size)

    def receive(self):
        """The next text message; pings are answered, a close is raised."""
        text = b""
        while True:
            opcode, fin, data = self.frame()
            if opcode == CLOSE:
                raise Closed(struct.unpack(">H", data[:2])[0] if data else 1005, data[2:])
            if opcode == PING:
                self.send_frame(PONG, data)
            elif opcode < 8:
                check(opcode != BINARY, "JMAP is text")
                text += data
                if fin:
                    return json.loads(text)

    def send(self, message):
        self.send_frame(TEXT, json.dumps(message).encode())

    def ask(self, *calls, **more):
        """Method calls as one Request; their responses. What is pushed meanwhile waits in `messages`."""
        self.n += 1
        self.send({"@type": "Request", "id": f"r{self.n}", "using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"],
                   "methodCalls": [list(c) for c in calls]} | more)
        while True:
            m = self.receive()
            if m.get("requestId") == f"r{self.n}":
                check_equal(m["@type"], "Response", f"the answer {m}")
                return m["methodResponses"]
            self.messages.append(m)

    def change(self, seconds=PATIENCE):
        """The next StateChange: {type: state} of the one account. None: nothing came in that time."""
        while not self.messages:
            if not self.buffer and not readable(self.transport, seconds):
                return None
            self.messages.append(self.receive())
        m = self.messages.popleft()
        check_equal(m["@type"], "StateChange", f"what came: {m}")
        return next(iter(m["changed"].values()))

    def close_code(self):
        """Reads until the other end closes; the code of its close frame."""
        try:
            while True:
                self.receive()
        except Closed as e:
            return e.code


# --- EventSource ---

class Events(Streamed):
    def __init__(self, world, *fields, version="HTTP/1.1", types="*", closeafter="no", ping=0, **options):
        path = f"/jmap/events?types={types}&closeafter={closeafter}&ping={ping}"
        self.transport = TRANSPORTS[version](world, path, list(fields) + [("Accept", "text/event-stream")], False, **options)
        self.buffer = b""

    def next(self, seconds=PATIENCE):
        """The next event as a dict of its fields. None: nothing came in that time; Closed: the stream is over."""
        end = time.monotonic() + seconds
        while b"\n\n" not in self.buffer:
            if not readable(self.transport, max(0, end - time.monotonic())):
                return None
            piece = self.transport.recv()
            if not piece:
                raise Closed(1000, self.buffer)
            self.buffer += piece
        text, _, self.buffer = self.buffer.partition(b"\n\n")
        return dict(line.split(": ", 1) for line in text.decode().split("\n"))

    def change(self, seconds=PATIENCE):
        e = self.next(seconds)
        if e is None:
            return None
        check_equal(e["event"], "state", f"the event {e}")
        return next(iter(json.loads(e["data"])["changed"].values()))

    def ends(self):
        """Whether the stream ends, however that is."""
        try:
            while self.next() is not None:
                pass
        except (Closed, ConnectionError, ssl.SSLError):
            return True
        raise Failure("the stream goes on")


def until_change(source, *types, seconds=20):
    """Reads changes until each of the types was in one of them; the time it took."""
    begun, left = time.monotonic(), set(types)
    while left:
        change = source.change(seconds)
        check(change is not None, f"{left} did not change")
        left -= set(change)
    return time.monotonic() - begun
