#!/usr/bin/env python3
"""Runs the IMAP transcripts against a running server. README.md describes the format.

    run.py --port 4993 --ca ca.pem --account-command './new-account' [--smtp-port 2525] imap/*.txt

Every file gets an account of its own: the account command makes one and prints its address and app password. Files marked
`local` are left out, and so are those with `deliver` when no --smtp-port is given.
"""
import argparse
import pathlib
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import zlib

WORD = rb'[!#-\'*-;=?-Z\\^-z|~]+'  # what %{name} stands for
QUIET = 0.3  # seconds without bytes that mean "nothing more comes"


class Failed(Exception):
    pass


class Client:
    """One connection: lines out, responses (with their literals) in."""

    def __init__(self, args):
        plain = socket.create_connection((args.host, args.port), timeout=20)
        context = ssl.create_default_context(cafile=args.ca)
        self.sock = context.wrap_socket(plain, server_hostname=args.name or args.host)
        self.got = b""
        self.compressed = False
        self.skipping = False
        self.forbidden = []
        self.closed = False
        self.response()
        self.send(b"in LOGIN %s %s\r\n" % (literal(args.user.encode()), literal(args.password.encode())))
        answer = self.response()
        if not answer or not answer.startswith(b"in OK [CAPABILITY IMAP4rev2 "):
            raise Failed(f"sign-in: {answer!r}")

    def send(self, data):
        if self.compressed:
            data = self.zip.compress(data) + self.zip.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(data)

    def compress(self):
        self.zip = zlib.compressobj(wbits=-15)
        self.unzip = zlib.decompressobj(wbits=-15)
        self.compressed = True

    def fill(self, timeout):
        self.sock.settimeout(timeout)
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.closed = True
            return False
        self.got += self.unzip.decompress(data) if self.compressed else data
        return True

    def take(self):
        """The first whole response in what has come, without its CRLF, or None."""
        at = 0
        while True:
            end = self.got.find(b"\r\n", at)
            if end < 0:
                return None
            size = re.search(rb"\{(\d+)\}$", self.got[at:end])
            if not size:
                response, self.got = self.got[:end], self.got[end + 2:]
                return response
            at = end + 2 + int(size.group(1))
            if at > len(self.got):
                return None

    def response(self, timeout=20.0):
        until = time.monotonic() + timeout
        while True:
            response = self.take()
            if response is not None:
                return response
            left = until - time.monotonic()
            if left <= 0 or not self.fill(left):
                return self.take()


def literal(data):
    return b"{%d+}\r\n%s" % (len(data), data)


def compile_pattern(pattern, known):
    """A pattern as a regular expression; names that are known stand for their values."""
    out, names = b"", set()
    for piece in re.split(rb"(\.\.\.|%\{[^}]*\})", pattern):
        if piece == b"...":
            out += rb"[\s\S]*?"
        elif piece.startswith(b"%{") and piece.endswith(b"}"):
            name = piece[2:-1].decode()
            if name == "_":
                out += WORD
            elif name in known:
                out += re.escape(known[name])
            elif name in names:
                out += b"(?P=%s)" % name.encode()
            else:
                out += b"(?P<%s>%s)" % (name.encode(), WORD)
                names.add(name)
        else:
            out += re.escape(piece)
    return re.compile(out)


class Run:
    def __init__(self, path, args):
        self.path, self.args = path, args
        self.lines = path.read_bytes().split(b"\n")
        self.number, self.failures = 0, 0
        self.known, self.messages, self.clients = {}, {}, {}

    def fail(self, what, detail=b""):
        print(f"{self.path}:{self.number}: {what}: {detail.decode('utf-8', 'backslashreplace')}")
        self.failures += 1

    def match(self, pattern, response):
        found = compile_pattern(pattern, self.known).fullmatch(response)
        if found:
            self.known.update(found.groupdict())
        return bool(found)

    def check_forbidden(self, client, response):
        for pattern in client.forbidden:
            if self.match(pattern, response):
                self.fail("must not come", response)

    def expect(self, client, pattern):
        while True:
            response = client.response()
            if response is None:
                self.fail("never came", pattern)
                break
            if self.match(pattern, response):
                break
            if not client.skipping:
                self.fail("wanted", pattern)
                self.fail("   got", response)
                break
            self.check_forbidden(client, response)
        client.skipping = False

    def settle(self, client):
        if client.skipping or client.got:
            while (response := client.response(QUIET)) is not None:
                if not client.skipping:
                    self.fail("unexpected", response)
                self.check_forbidden(client, response)
        client.skipping, client.forbidden = False, []

    def special(self, client, word):
        """Sends one %{...}; False when the server refused to let the literal come."""
        kind, colon, arg = word.partition(b":")
        data = self.messages.get(arg.decode(), b"") if kind in (b"lit", b"lit8", b"sync", b"size") else arg
        if not colon:
            client.send(self.known[word.decode()])
        elif kind in (b"lit", b"str"):
            client.send(literal(data))
        elif kind == b"lit8":
            client.send(b"~" + literal(data))
        elif kind in (b"sync", b"syncstr"):
            client.send(b"{%d}\r\n" % len(data))
            answer = client.response()
            if not answer or not answer.startswith(b"+"):
                client.got = (answer or b"") + b"\r\n" + client.got
                return False
            client.send(data)
        elif kind == b"hex":
            client.send(bytes.fromhex(arg.decode()))
        elif kind == b"fill":
            client.send(b"x" * int(arg))
        elif kind == b"size":
            client.send(b"%d" % len(data))
        else:
            self.fail("unknown", word)
        return True

    def say(self, client, text):
        self.settle(client)
        try:
            for piece in re.split(rb"(%\{[^}]*\})", text):
                if not piece.startswith(b"%{"):
                    client.send(piece)
                elif not self.special(client, piece[2:-1]):
                    return
            client.send(b"\r\n")
        except (BrokenPipeError, ConnectionError):
            client.closed = True

    def client_line(self, name, kind, rest):
        client = self.clients[name]
        if kind == ">":
            self.say(client, rest)
        elif kind == "<" and rest == b"...":
            client.skipping = True
        elif kind == "<":
            mark = name.encode() + b"|"
            while self.number < len(self.lines) and self.lines[self.number].startswith(mark):
                rest += b"\r\n" + self.lines[self.number][3:]
                self.number += 1
            self.expect(client, rest)
        elif kind == "!":
            client.forbidden.append(rest)
        elif kind == "-":
            response = client.response(QUIET)
            if response is not None:
                self.fail("unexpected", response)
        elif kind == "$" and client.response(10) is None and not client.closed:
            self.fail("still open")

    def read_message(self, name):
        text = b""
        while self.lines[self.number] != b".":
            text += self.lines[self.number] + b"\r\n"
            self.number += 1
        self.number += 1
        self.messages[name] = text

    def deliver(self, name):
        with smtplib.SMTP(self.args.host, self.args.smtp_port, timeout=20) as smtp:
            smtp.sendmail("sender@example.net", [self.args.user], self.messages[name])

    def directive(self, word, arg):
        if word == "message":
            self.read_message(arg)
        elif word == "connect":
            self.clients[arg] = Client(self.args)
        elif word == "close":
            self.clients.pop(arg).sock.close()
        elif word == "inflate":
            self.clients[arg].compress()
        elif word == "deliver":
            self.deliver(arg)
        else:
            self.fail("what is this", word.encode())

    def run(self):
        while self.number < len(self.lines):
            line = self.lines[self.number].rstrip(b"\r")
            self.number += 1
            if not line or line.startswith(b"#"):
                continue
            if chr(line[0]) in self.clients and chr(line[1]) in "><!-$":
                self.client_line(chr(line[0]), chr(line[1]), line[3:])
            else:
                word, _, arg = line.decode().partition(" ")
                self.directive(word, arg)
        for client in self.clients.values():
            self.settle(client)
            client.sock.close()
        return self.failures == 0


def new_account(args):
    """Address and app password of an account that nobody has used: what the account command prints on one line."""
    done = subprocess.run(args.account_command, shell=True, check=True, capture_output=True, text=True)
    return done.stdout.split()


def left_out(path, args):
    text = path.read_bytes()
    return re.search(rb"^local$", text, re.M) or (re.search(rb"^deliver ", text, re.M) and not args.smtp_port)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4993)
    parser.add_argument("--name", help="host name in the certificate")
    parser.add_argument("--ca")
    parser.add_argument("--account-command", required=True)
    parser.add_argument("--smtp-port", type=int)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    failed = 0
    for path in args.files:
        if left_out(path, args):
            print(f"left out {path}")
            continue
        args.user, args.password = new_account(args)
        run = Run(path, args)
        try:
            ok = run.run()
        except (Failed, OSError) as error:
            ok = False
            print(f"{path}:{run.number}: {error}")
        print(f"{'ok' if ok else 'FAILED'} {path}")
        failed += not ok
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
