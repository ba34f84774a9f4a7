"""A foreign mail server that keeps what it is sent and answers as it is told: for tests of what goes out."""
import socket
import ssl
import threading
import time

from listening import Listening, ListeningTls, http_request

CAPABILITIES = ("PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


class Message:
    def __init__(self, sender, recipients, data, conn):
        self.sender, self.recipients, self.data = sender, recipients, data
        self.connection, self.tls, self.sni = conn.number, conn.tls, conn.sni

    def __contains__(self, token):
        return token.encode() in self.data


class Sink(Listening):
    """Listens on one address. Its attributes may be changed while it runs:

    greeting: the first reply; replies: {"rcpt a@b" or "rcpt" or "mail" or "data" or "end": reply or a function of the argument};
    break_tls: garbage in place of a handshake; hold: an Event that is waited for before the answer to the message."""

    def __init__(self, address, port, certificate=None, capabilities=CAPABILITIES):
        self.address, self.port, self.capabilities = address, port, capabilities
        self.context = None
        if certificate:
            self.use(certificate)
        self.greeting = "220 sink ESMTP"
        self.replies, self.messages, self.break_tls, self.hold = {}, [], False, None
        self.connections = 0
        self.lock = threading.Lock()
        super().__init__(address, port, self.serve)

    def serve(self, sock):
        conn = Connection(self, sock)
        try:
            conn.serve()
        finally:
            conn.sock.close()

    def use(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        context.sni_callback = lambda sock, name, ctx: setattr(sock, "sni", name)
        self.context = context

    def having(self, token):
        """The messages with that token in them."""
        with self.lock:
            return [m for m in self.messages if token in m]

    def reply(self, what, argument, default):
        found = self.replies.get(f"{what} {argument}", self.replies.get(what, default))
        return found(argument) if callable(found) else found


class Connection:
    def __init__(self, sink, sock):
        self.sink, self.sock, self.tls, self.sni = sink, sock, False, None
        with sink.lock:
            sink.connections += 1
            self.number = sink.connections
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = bytearray()
        self.sender, self.recipients = None, []

    def read(self, until=None, count=None):
        """Up to a separator, which is taken away, or so many bytes."""
        data, looked = self.pending, 0
        while True:
            at = data.find(until, looked) if until else (count if len(data) >= count else -1)
            if at >= 0:
                self.pending = data[at + len(until or b""):]
                return bytes(data[:at])
            looked = max(0, len(data) - len(until or b"") + 1)
            part = self.sock.recv(1 << 18)
            if not part:
                raise EOFError
            data += part

    def say(self, text):
        if text is None:
            self.sock.close()
            raise EOFError
        self.sock.sendall(text.encode() + b"\r\n")

    def serve(self):
        self.say(self.sink.greeting)
        if not self.sink.greeting.startswith("220"):
            return
        while True:
            line = self.read(until=b"\r\n").decode("utf-8", "replace")
            verb, _, argument = line.partition(" ")
            method = getattr(self, "do_" + verb.lower(), None)
            if method is None:
                self.say("500 5.5.2 What?")
            elif method(argument) is False:
                return

    def do_ehlo(self, argument):
        words = list(self.sink.capabilities)
        if (self.sink.context or self.sink.break_tls) and not self.tls:
            words.append("STARTTLS")
        lines = ["sink"] + words
        self.say("\r\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{w}" for i, w in enumerate(lines)))

    def do_starttls(self, argument):
        self.say("220 2.0.0 Go on")
        if self.sink.break_tls:
            self.sock.recv(1024)
            self.sock.sendall(b"this is no handshake\r\n")
            return False
        self.sock = self.sink.context.wrap_socket(self.sock, server_side=True)
        self.tls, self.sni = True, getattr(self.sock, "sni", None)
        return None

    def do_mail(self, argument):
        self.sender = address_of(argument)
        self.recipients = []
        self.parameters = argument.partition("> ")[2]
        self.say(self.sink.reply("mail", self.sender, "250 2.1.0 OK"))

    def do_rcpt(self, argument):
        address = address_of(argument)
        reply = self.sink.reply("rcpt", address, "250 2.1.5 OK")
        if reply and reply.startswith("2"):
            self.recipients.append(address)
        self.say(reply)

    def do_data(self, argument):
        reply = self.sink.reply("data", "", "354 Go on") if self.recipients else "503 5.5.1 Nobody"
        self.say(reply)
        if not reply.startswith("354"):
            return
        data = self.read(until=b"\r\n.\r\n") + b"\r\n"
        self.keep(data.replace(b"\r\n..", b"\r\n."))

    def do_bdat(self, argument):
        size = int(argument.split()[0])
        data = self.read(count=size)
        self.keep(data)

    def keep(self, data):
        hold = self.sink.hold
        if hold:
            hold.wait(120)
        reply = self.sink.reply("end", "", "250 2.0.0 Kept")
        if reply and reply.startswith("250"):
            with self.sink.lock:
                self.sink.messages.append(Message(self.sender, list(self.recipients), data, self))
        self.say(reply)

    def do_rset(self, argument):
        self.sender, self.recipients = None, []
        self.say("250 2.0.0 OK")

    def do_quit(self, argument):
        self.say("221 2.0.0 Bye")
        return False


def address_of(argument):
    return argument.partition("<")[2].partition(">")[0]


class PolicyServer(ListeningTls):
    """HTTPS for MTA-STS policies: {host: text}; anything else is 404."""

    def __init__(self, address, port, certificate):
        self.policies, self.requests = {}, []
        super().__init__(address, port, certificate, self.answer)

    def answer(self, sock):
        method, target, fields, _ = http_request(sock)
        host = fields.get("host", "").split(":")[0]
        self.requests.append((host, f"{method} {target} HTTP/1.1", time.time()))
        text = self.policies.get(host) if target == "/.well-known/mta-sts.txt" else None
        status = "200 OK" if text is not None else "404 Not Found"
        body = (text or "").encode()
        sock.sendall(f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
                     "Connection: close\r\n\r\n".encode() + body)
