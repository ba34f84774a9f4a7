"""What strangers may send: a clear protocol error, memory that does not grow, and a server that goes on serving."""
import concurrent.futures
import os
import re
import socket
import ssl

from harness import (Installation, check, check_equal, letter, main, plain, resident_kib, smtp_reply, stop_and_inspect, token,
                     wait_until)

ALICE, FOREIGN = "alice@letterlock.test", "someone@example.net"
# What the whole server may hold more than before, after any one of these: caches and arenas, no growth with the input.
ROOM_KIB = 160 << 10


def setup():
    world = Installation().start().populate(ALICE)
    round_trip(world)
    return world


def round_trip(world):
    word = token()
    world.deliver(FOREIGN, [ALICE], letter(FOREIGN, ALICE, "Still serving", word))
    world.wait_message(ALICE, word)


def flat(test):
    """Runs it; then all processes are the same ones, hold no more memory, and serve."""
    def run(world):
        before, pids = sum(world.memory_kib().values()), fixed(world)
        test(world)
        check_equal(fixed(world), pids, "the processes, none of which may have died")
        round_trip(world)
        after = sum(resident_kib(pid) for _, pid in world.processes())
        check(after < before + ROOM_KIB, f"memory grew from {before} to {after} KiB")
    run.__name__ = test.__name__
    return run


def fixed(world):
    return [p for p in world.processes() if p[0] != "session-of-account"]


def greet(world, service="smtp"):
    s = world.connect(service)
    smtp_reply(s)
    smtp_reply(s, b"EHLO client.example.net\r\n")
    return s


def begin_mail(s):
    check_equal(smtp_reply(s, f"MAIL FROM:<{FOREIGN}>\r\n".encode())[0], 250, "MAIL")
    check_equal(smtp_reply(s, f"RCPT TO:<{ALICE}>\r\n".encode())[0], 250, "RCPT")


def pour(s, data, times):
    """Sends without reading; the bytes that were taken before the other side closed."""
    sent = 0
    try:
        for _ in range(times):
            s.sendall(data)
            sent += len(data)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass
    return sent


def drain(s):
    got = b""
    try:
        while part := s.recv(65536):
            got = (got + part)[-65536:]
    except (ConnectionResetError, ssl.SSLError, socket.timeout):
        pass
    return got


@flat
def test_smuggling(world):
    """No ending but CR LF . CR LF ends a message, and none that is close to it gets a second one in."""
    endings = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\n", b"\r\n\0.\r\n", b"\r\n.\r\r\n")
    for ending in endings:
        word = token()
        s = greet(world)
        begin_mail(s)
        check_equal(smtp_reply(s, b"DATA\r\n")[0], 354, "DATA")
        inner = f"MAIL FROM:<ceo@letterlock.test>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\nSubject: smuggled {word}\r\n\r\nsmuggled\r\n.\r\n".encode()
        s.sendall(b"Subject: outer\r\n\r\nouter" + ending + inner)
        code, _ = smtp_reply(s)
        check(code == 250 or code >= 500, f"{ending!r}: {code}")
        s.sendall(b"QUIT\r\n")
        rest = drain(s)
        check(b"354" not in rest, f"{ending!r} ended the message: {rest}")
        check(not any(re.search(rb"^Subject: smuggled " + word.encode(), t.split(b"\r\n\r\n")[0], re.M) for t in world.texts(ALICE)),
              f"{ending!r} smuggled a message")


@flat
def test_commands_before_tls_are_not_kept(world):
    for service in ("smtp", "submission"):
        s = greet(world, service)
        s.sendall(b"STARTTLS\r\nMAIL FROM:<injected@example.net>\r\n")
        text = b""
        while not text.endswith(b"\r\n"):
            part = s.recv(4096)
            if not part:
                break
            text += part
        check(text.startswith(b"220") or text[:1] == b"5", f"{text}")
        if text.startswith(b"220"):
            try:
                t = world.tls().wrap_socket(s, server_hostname=world.hostname)
            except (ssl.SSLError, OSError):
                continue
            code, reply = smtp_reply(t, f"RCPT TO:<{ALICE}>\r\n".encode())
            check_equal(code, 503 if service == "smtp" else code, f"a command from before TLS counted: {reply}")
            check(code >= 500, f"{reply}")


@flat
def test_endless_lines(world):
    for service in ("smtp", "submission"):
        s = world.connect(service)
        smtp_reply(s)
        pour(s, b"A" * 65536, 1024)
        s.settimeout(20)
        check(re.match(rb"(500|501|421|5\d\d) ", drain(s)), f"{service}: an endless command")
    s = greet(world)
    begin_mail(s)
    smtp_reply(s, b"DATA\r\n")
    pour(s, b"X" * 65536, 64)
    code, text = smtp_reply(s, b"\r\n.\r\n")
    check(code == 250 or code >= 500, f"an endless line in a message: {text}")
    s = world.connect_tls("imaps")
    s.recv(4096)
    pour(s, b"a NOOP " + b"A" * 65000, 1024)
    s.settimeout(20)
    check(re.search(rb"BAD|BYE", drain(s)), "an endless IMAP command")


@flat
def test_slow_lines(world):
    """Many connections that say little keep nobody else out."""
    slow = [world.connect("smtp") for _ in range(100)]
    for s in slow:
        s.sendall(b"EHL")
    round_trip(world)
    for s in slow:
        s.sendall(b"O")
    round_trip(world)
    for s in slow:
        s.close()


@flat
def test_too_many_recipients(world):
    s = greet(world)
    check_equal(smtp_reply(s, f"MAIL FROM:<{FOREIGN}>\r\n".encode())[0], 250, "MAIL")
    codes, closed = {}, False
    for start in range(0, 100_000, 500):
        try:
            s.sendall(b"".join(f"RCPT TO:<alice+{i}@letterlock.test>\r\n".encode() for i in range(start, start + 500)))
            for _ in range(500):
                code = smtp_reply(s)[0]
                codes[code] = codes.get(code, 0) + 1
        except (EOFError, OSError):
            closed = True
            break
    check(codes.get(250, 0) >= 100 and codes.get(250, 0) <= 1000, f"recipients taken: {codes}")
    check(closed or codes.get(452, 0) + codes.get(451, 0) + codes.get(421, 0) > 0, f"too many are refused: {codes}")


@flat
def test_nesting_bombs(world):
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(20_000))
    rfc822 = b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 200_000
    groups = b"To: " + b"g:" * 50_000 + b";" * 50_000 + b"\r\n\r\n"
    comments = b"To: " + b"(" * 200_000 + b"\r\n\r\n"
    references = b"References: " + b"<a@b> " * 60_000 + b"\r\n\r\n"
    words = b"Subject: " + b"=?utf-8?q?=41?= " * 40_000 + b"\r\n\r\n"
    params = b"Content-Type: text/plain" + b"; a*0*=utf-8''%41" * 20_000 + b"\r\n\r\n"
    for text in (deep, rfc822, many, groups, comments, references, words, params):
        word = token()
        s = greet(world)
        begin_mail(s)
        body = f"Subject: bomb {word}\r\n".encode() + text
        code, reply = smtp_reply(s, b"BDAT %d LAST\r\n" % len(body) + body)
        check(code == 250 or code >= 500, f"{text[:40]!r}: {reply}")
        if code == 250:
            world.wait_message(ALICE, word)
    with world.imap(ALICE) as m:
        m.do("select", "INBOX", True)
        for what in ("ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[1.1.1.1.1]", "BODY.PEEK[HEADER]", "PREVIEW"):
            m.do("fetch", "1:*", f"({what})")
        m.do("search", None, "TEXT", "nothing-like-it")
        m.do("thread", "REFERENCES", "UTF-8", "ALL")


@flat
def test_broken_charsets(world):
    bodies = [b"\xff\xfe\xfd\x00\x80", b"=?utf-8?b?////?=", b"+AAA-", b"\x1b$B\x21", os.urandom(3000)]
    for charset in (b"utf-8", b"utf-7", b"iso-2022-jp", b"utf-16", b"gb18030", b"no-such-charset", b"\xff\xff", b"x" * 5000, b""):
        for body in bodies:
            text = (b"Subject: =?" + charset[:60] + b"?b?//79gA==?= =?utf-8?q?=FF=FE?=\r\nContent-Type: text/plain; charset=\"" +
                    charset + b"\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body)
            s = greet(world)
            begin_mail(s)
            code, reply = smtp_reply(s, b"BDAT %d LAST\r\n" % len(text) + text)
            check(code == 250 or code >= 500, f"{charset}: {reply}")
            s.close()
    with world.imap(ALICE) as m:
        m.do("select", "INBOX", True)
        m.do("fetch", "1:*", "(ENVELOPE BODYSTRUCTURE PREVIEW)")
        m.literal = "Ü".encode()
        m.do("search", "UTF-8", "SUBJECT")


@flat
def test_huge_literals(world):
    lines = (b"a LOGIN {99999999999}\r\n", b"a LOGIN {2000000000+}\r\n", b"a LOGIN {-1}\r\n", b"a APPEND INBOX {4294967296}\r\n",
             b"a AUTHENTICATE PLAIN {9999999+}\r\n", b"a " + b"(" * 60_000 + b"\r\n")
    for line in lines:
        s = world.connect_tls("imaps")
        s.recv(4096)
        pour(s, line, 1)
        s.settimeout(30)
        try:
            got = s.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            got = b""  # closed while we still spoke: our system throws away what was said to us
        check(re.search(rb"BAD|BYE|NO", got) or (not got and len(line) > 16384), f"{line[:40]!r}: {got}")
        s.close()
    s = world.connect_tls("imaps")
    s.recv(4096)
    s.sendall(f"a LOGIN {ALICE} {world.accounts[ALICE]}\r\n".encode())
    got = b""
    while b"a OK" not in got:
        got += s.recv(65536)
    s.sendall(b"b APPEND INBOX {99999999999}\r\n")
    got = s.recv(65536)
    check(re.search(rb"b (NO|BAD)|BYE", got), f"a huge APPEND: {got}")
    s.sendall(b"c SEARCH " + b"(" * 40_000 + b"ALL" + b")" * 40_000 + b"\r\n")
    check(re.search(rb"c (NO|BAD)|BYE", s.recv(65536)), "nested search keys")


@flat
def test_half_open_tls(world):
    held = []
    for service in ("submissions", "imaps"):
        for beginning in (b"", b"\x16", b"\x16\x03\x01\x02\x00", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 30):
            for _ in range(20):
                s = world.connect(service)
                s.sendall(beginning)
                held.append(s)
    round_trip(world)
    for s in held:
        s.close()


@flat
def test_garbage_on_every_port(world):
    def throw(service, seed):
        with world.connect(service) as s:
            s.settimeout(30)
            pour(s, os.urandom(4096), 16)
            if service in ("smtp", "submission"):
                pour(s, b"\r\n".join(os.urandom(40).replace(b"\r", b"").replace(b"\n", b"") for _ in range(50)), 1)
            try:
                s.shutdown(socket.SHUT_WR)
                drain(s)
            except OSError:
                pass

    def throw_inside(service, seed):
        try:
            with world.connect_tls(service) as s:
                s.settimeout(30)
                pour(s, os.urandom(4096) + b"\r\n", 8)
                s.unwrap()
        except OSError:
            pass
    jobs = [(throw, service) for service in world.ports for _ in range(25)]
    jobs += [(throw_inside, service) for service in ("submissions", "imaps") for _ in range(25)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for f in [pool.submit(fn, service, i) for i, (fn, service) in enumerate(jobs)]:
            f.result()


@flat
def test_passwords_are_not_tried_for_ever(world):
    """Wrong passwords, many at once, neither stop the right one for long nor cost memory."""
    def guess(_):
        try:
            with world.connect_tls("submissions") as s:
                smtp_reply(s)
                smtp_reply(s, b"EHLO x\r\n")
                for _ in range(5):
                    if smtp_reply(s, b"AUTH PLAIN " + plain(ALICE, "0" * 26).encode() + b"\r\n")[0] == 235:
                        return True
        except (OSError, EOFError):
            pass
        return False
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        check(not any(pool.map(guess, range(40))), "a wrong password signed in")
    wait_until(lambda: world.imap(ALICE).logout(), "the right password signs in again")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
