"""Servers of a test's own, within its process: a thread for each connection."""
import contextlib
import socketserver
import ssl
import threading


class Listening:
    """serve(socket) answers one connection. One that breaks off is over, and no failure of the test."""

    def __init__(self, address, port, serve):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, EOFError, ssl.SSLError):
                    serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server((address, port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ListeningTls(Listening):
    """The same with TLS: serve gets the socket when the handshake is done."""

    def __init__(self, address, port, certificate, serve):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

        def secured(plain):
            sock = context.wrap_socket(plain, server_side=True)
            sock.settimeout(30)
            serve(sock)
            with contextlib.suppress(OSError, ssl.SSLError):
                sock.unwrap()

        super().__init__(address, port, secured)


def http_request(sock):
    """(method, target, fields by lower-case name, body) of one request; EOFError when there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            raise EOFError
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    while len(body) < int(fields.get("content-length", 0)):
        part = sock.recv(65536)
        if not part:
            raise EOFError
        body += part
    method, target, _ = first.split(" ", 2)
    return method, target, fields, body
