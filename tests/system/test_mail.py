"""Mail in and out through the programs people use: smtplib, imaplib, curl, swaks, gsasl, mbsync and mutt."""
import base64
import email
import email.policy
import os
import pty
import re
import select
import threading
import time

from harness import (PATIENCE, WORK, Failure, Installation, Skip, check, check_equal, command, letter, main, plain, quote, raw,
                     smtp_reply, stop_and_inspect, token, wait_until)
from scram import Scram

ALICE, BOB, CAROL = "alice@letterlock.test", "bob@letterlock.test", "carol@letterlock.test"
FOREIGN = "someone@example.net"


def setup():
    world = Installation(domains=("letterlock.test", "second.test")).start().populate(ALICE, BOB, CAROL)
    world.add_account("small@letterlock.test", "--quota", "64K")
    world.add_account("away@letterlock.test")
    world.ctl("account", "disable", "away@letterlock.test")
    world.ctl("alias", "add", "office@letterlock.test", ALICE)
    world.ctl("alias", "add", "office@letterlock.test", BOB)
    world.ctl("alias", "add", "@second.test", CAROL)
    world.ctl("alias", "add", "postmaster@letterlock.test", ALICE)
    world.ctl("alias", "add", "grüße@letterlock.test", BOB)
    return world


def parse(text):
    return email.message_from_bytes(text, policy=email.policy.default)


def smtp_session(world, service="smtp", tls=False):
    """A raw connection after EHLO: socket and the EHLO answer."""
    s = world.connect(service)
    check_equal(smtp_reply(s)[0], 220, "greeting")
    if tls:
        check_equal(smtp_reply(s, b"EHLO client.example.net\r\n")[0], 250, "EHLO")
        check_equal(smtp_reply(s, b"STARTTLS\r\n")[0], 220, "STARTTLS")
        s = world.tls().wrap_socket(s, server_hostname=world.hostname)
    code, text = smtp_reply(s, b"EHLO client.example.net\r\n")
    check_equal(code, 250, "EHLO")
    return s, text.decode()


# --- SMTP in ---

def test_a_letter_comes_in_and_is_read(world):
    word = token()
    check_equal(world.deliver(FOREIGN, [ALICE], letter(FOREIGN, ALICE, f"Greetings {word}", f"The body {word}.\r\n")), {}, "refused")
    text = world.wait_message(ALICE, word)
    message = parse(text)
    check_equal(message["Return-Path"], f"<{FOREIGN}>", "Return-Path")
    check(world.hostname in message["Received"] and "client.example.net" in message["Received"], f"Received: {message['Received']}")
    check(message["Authentication-Results"].startswith(world.hostname), "Authentication-Results names this server")
    check(text.endswith(f"\r\n\r\nThe body {word}.\r\n".encode()), "the body is as it was sent")


def test_extensions_are_announced(world):
    _, ehlo = smtp_session(world)
    for name in ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "ENHANCEDSTATUSCODES", "STARTTLS",
                 "DSN", "LIMITS"):
        check(re.search(rf"^250[- ]{name}\b", ehlo, re.M), f"{name} is missing in {ehlo}")
    check("AUTH" not in ehlo, "AUTH is offered without TLS")
    _, ehlo = smtp_session(world, tls=True)
    check("STARTTLS" not in ehlo, "STARTTLS is offered inside of TLS")


def test_pipelining(world):
    words = [token(), token()]
    s, _ = smtp_session(world)
    lines = b""
    for word in words:
        lines += f"MAIL FROM:<{FOREIGN}>\r\nRCPT TO:<{ALICE}>\r\nRCPT TO:<nobody@letterlock.test>\r\nRCPT TO:<{BOB}>\r\n".encode()
        lines += b"BDAT 5\r\nA: b\r"  # CRLF divided between chunks
        rest = f"\n\r\n{word}\r\n".encode()
        lines += b"BDAT %d LAST\r\n" % len(rest) + rest
    s.sendall(lines + b"NOOP\r\nQUIT\r\n")
    codes = [smtp_reply(s)[0] for _ in range(14)]
    check_equal(codes, [250, 250, 550, 250, 250, 250] * 2 + [250, 221], "replies in the order of the commands")
    for word in words:
        world.wait_message(ALICE, word)
        world.wait_message(BOB, word)


def test_octets_are_kept(world):
    """BINARYMIME: any octet, bare CR and LF and NUL among them, comes out as it went in."""
    body = bytes(range(256)) * 40 + b"\r\n.\r\n\n.\n\r.\r" + os.urandom(5000)
    word = token()
    head = (f"From: {FOREIGN}\r\nTo: {ALICE}\r\nSubject: {word}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n").encode()
    s, _ = smtp_session(world)
    check_equal(smtp_reply(s, f"MAIL FROM:<{FOREIGN}> BODY=BINARYMIME\r\n".encode())[0], 250, "MAIL")
    check_equal(smtp_reply(s, f"RCPT TO:<{ALICE}>\r\n".encode())[0], 250, "RCPT")
    check_equal(smtp_reply(s, b"DATA\r\n")[0], 503, "DATA for a binary message")
    check_equal(smtp_reply(s, b"BDAT %d\r\n" % len(head) + head)[0], 250, "first chunk")
    check_equal(smtp_reply(s, b"BDAT %d LAST\r\n" % len(body) + body)[0], 250, "last chunk")
    world.wait_message(ALICE, word)  # as text; RFC 9051 has no NUL there
    with world.imap(ALICE) as m:
        m.do("select", "INBOX", True)
        uid = m.do("uid", "search", None, "SUBJECT", word)[0].decode()
        data = m.do("uid", "fetch", uid, "(BINARY.PEEK[1] BINARY.SIZE[1])")
        check_equal(data[0][1], body, "BINARY.PEEK[1]")
        check(b"BINARY.SIZE[1] %d" % len(body) in data[0][0] + data[1], f"BINARY.SIZE: {data}")


def test_smtputf8_and_8bitmime(world):
    word = token()
    text = letter("pelé@example.net", "grüße@letterlock.test", f"Grüße {word}", "Schöne Grüße, 漢字.\r\n")
    s, _ = smtp_session(world)
    check_equal(smtp_reply(s, "MAIL FROM:<pelé@example.net> SMTPUTF8 BODY=8BITMIME\r\n".encode())[0], 250, "MAIL")
    check_equal(smtp_reply(s, "RCPT TO:<grüße@letterlock.test>\r\n".encode())[0], 250, "RCPT")
    check_equal(smtp_reply(s, b"DATA\r\n")[0], 354, "DATA")
    check_equal(smtp_reply(s, text + b".\r\n")[0], 250, "end of data")
    got = world.wait_message(BOB, word)
    check("Return-Path: <pelé@example.net>".encode() in got, "the return path keeps its letters")
    check(got.endswith("\r\n\r\nSchöne Grüße, 漢字.\r\n".encode()), "eight-bit octets are kept")
    code, reply = smtp_reply(s, "MAIL FROM:<pelé@example.net>\r\n".encode())
    check(500 <= code < 600, f"an address in UTF-8 without SMTPUTF8: {reply}")


def test_dsn_parameters(world):
    s, _ = smtp_session(world)
    rows = (
        (f"MAIL FROM:<{FOREIGN}> RET=HDRS ENVID=QQ314159", 250),
        (f"RCPT TO:<{ALICE}> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;Al+2Bice@letterlock.test", 250),
        (f"RCPT TO:<{BOB}> NOTIFY=NEVER", 250),
        (f"RCPT TO:<{BOB}> NOTIFY=NEVER,SUCCESS", 501),
        (f"RCPT TO:<{BOB}> NOTIFY=SOMETIMES", 501),
        ("RSET", 250),
        (f"MAIL FROM:<{FOREIGN}> RET=SOME", 501),
        (f"MAIL FROM:<{FOREIGN}> ENVID=bad=value", 501),
        (f"MAIL FROM:<{FOREIGN}> SIZE=12x", 501),
        (f"MAIL FROM:<{FOREIGN}> UNHEARD=OF", 555),
        (f"MAIL FROM:<{FOREIGN}> SIZE=99999999999", 552),
        (f"RCPT TO:<{ALICE}>", 503),
    )
    for line, code in rows:
        got, text = smtp_reply(s, line.encode() + b"\r\n")
        check_equal(got, code, f"{line}: {text}")
        if line != "RSET":
            check(re.match(rb"\d\d\d[- ]%d\.\d+\.\d+ " % (code // 100), text), f"no enhanced status code in {text}")


def test_recipients(world):
    s, _ = smtp_session(world)
    check_equal(smtp_reply(s, b"MAIL FROM:<>\r\n")[0], 250, "the null sender")
    rows = (
        (ALICE, 250), ("ALICE@LetterLock.TEST", 250), ("alice+shopping@letterlock.test", 250), ("office@letterlock.test", 250),
        ("anything@second.test", 250), ("nobody@letterlock.test", 550), ("away@letterlock.test", 550),
        ("someone@elsewhere.example", 550), (f"{ALICE}@letterlock.test", 553), ("Postmaster", 250), (f"PostMaster@{world.hostname}", 250),
        (f"someone@{world.hostname}", 550),
        ('"alice"@letterlock.test', 250), ("@relay.example:" + ALICE, 250),
    )
    wrong = []
    for address, code in rows:
        got, text = smtp_reply(s, f"RCPT TO:<{address}>\r\n".encode())
        if got != code and not (code >= 500 and 500 <= got < 560 and got != 503):
            wrong.append((address, code, text))
    check(not wrong, f"{wrong}")


def test_aliases_subaddresses_catch_all(world):
    word = token()
    world.deliver(FOREIGN, ["office@letterlock.test", "alice+lists@letterlock.test", "whoever@second.test"],
                  letter(FOREIGN, "office@letterlock.test", "To several", word))
    for address in (ALICE, BOB, CAROL):
        world.wait_message(address, word)
    found = [t for t in world.texts(ALICE) if word.encode() in t]
    check_equal(len(found), 1, "copies for alice, who is meant twice")


def test_quota(world):
    small = "small@letterlock.test"
    refused = None
    for _ in range(40):
        try:
            refused = world.deliver(FOREIGN, [small], letter(FOREIGN, small, "Filling", os.urandom(6000).hex()))
        except Exception as e:  # smtplib raises when every recipient, or the data, is refused
            refused = str(e)
            break
    check(refused and re.search(r"452|552|422|522", refused), f"a full mailbox: {refused!r}")
    with world.imap(small) as m:
        data = m.do("getquotaroot", "INBOX")
        check("STORAGE" in str(data), f"quota by IMAP: {data}")


def test_size_limit(world):
    _, ehlo = smtp_session(world)
    limit = int(re.search(r"SIZE (\d+)", ehlo).group(1))
    s, _ = smtp_session(world)
    check_equal(smtp_reply(s, f"MAIL FROM:<{FOREIGN}>\r\n".encode())[0], 250, "MAIL")
    check_equal(smtp_reply(s, f"RCPT TO:<{ALICE}>\r\n".encode())[0], 250, "RCPT")
    check_equal(smtp_reply(s, b"DATA\r\n")[0], 354, "DATA")
    line = b"x" * 998 + b"\r\n"
    chunk = b"Subject: too large\r\n\r\n" + line * 1000
    sent = 0
    while sent <= limit:
        s.sendall(chunk)
        sent += len(chunk)
    check_equal(smtp_reply(s, b".\r\n")[0], 552, "a message over the limit")
    check_equal(smtp_reply(s, b"NOOP\r\n")[0], 250, "the connection goes on")


# --- submission ---

def submit(world, service, login):
    word = token()
    text = (f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: Submitted {word}\r\n\r\nBody.\r\n").encode()
    with world.submission(service=service) as s:
        s.ehlo()
        login(s)
        check_equal(s.sendmail(ALICE, [BOB], text), {}, "refused recipients")
    message = parse(world.wait_message(BOB, word))
    check(message["Message-ID"] and message["Date"], "Message-ID and Date were added")
    return message


def test_a_letter_to_a_colleague(world):
    """Who it is from is certain, and says so; what the author calls this server's findings is not among them."""
    word, office = token(), "office@letterlock.test"
    forged = f"Authentication-Results: {world.hostname}; dmarc=fail\r\nReturn-Path: <{FOREIGN}>\r\n"
    with world.submission(ALICE) as s:
        check_equal(s.sendmail(office, [CAROL], (forged + letter(office, CAROL, f"From an alias {word}").decode()).encode()), {}, "refused")
    text = world.wait_message(CAROL, word)
    message = parse(text)
    check(text.startswith(f"Return-Path: <{office}>\r\n".encode()), text[:200])
    check_equal(message.get_all("Return-Path"), [f"<{office}>"], "return paths")
    results = [" ".join(value.split()) for value in message.get_all("Authentication-Results")]
    check_equal(results, [f"{world.hostname}; auth=pass smtp.mailfrom={office}"], "findings")
    check(ALICE.encode() not in text, "the alias's own address is told")


def test_submission_with_plain(world):
    for service in ("submission", "submissions"):
        submit(world, service, lambda s: s.login(ALICE, world.accounts[ALICE]))


def test_submission_with_scram(world):
    def login(s):
        scram = Scram(ALICE, world.accounts[ALICE])
        code, text = s.docmd("AUTH", "SCRAM-SHA-256 " + base64.b64encode(scram.first()).decode())
        check_equal(code, 334, f"AUTH SCRAM-SHA-256: {text}")
        code, text = s.docmd(base64.b64encode(scram.final(base64.b64decode(text))).decode())
        check_equal(code, 334, f"client's final message: {text}")
        check(scram.verify(base64.b64decode(text)), "the server's signature")
        check_equal(s.docmd("")[0], 235, "end of the sign-in")
    for service in ("submission", "submissions"):
        submit(world, service, login)


def test_scram_refuses_a_wrong_password(world):
    with world.submission(service="submissions") as s:
        s.ehlo()
        for user, password in ((ALICE, world.accounts[BOB]), ("nobody@letterlock.test", world.accounts[BOB])):
            scram = Scram(user, password)
            code, text = s.docmd("AUTH", "SCRAM-SHA-256 " + base64.b64encode(scram.first()).decode())
            check_equal(code, 334, f"{user}: {text}")
            code, text = s.docmd(base64.b64encode(scram.final(base64.b64decode(text))).decode())
            if code == 334:  # e=invalid-proof, which the client acknowledges
                code, text = s.docmd("")
            check_equal(code, 535, f"{user}: {text}")


def test_scram_plus_by_gsasl(world):
    for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"):
        out = command("gsasl", "--smtp", f"--connect={world.address}:{world.ports['submission']}",
                      f"--x509-ca-file={world.ca}", "--hostname", world.hostname, "--mechanism", mechanism,
                      "--authentication-id", ALICE, "--password", world.accounts[ALICE], "--verbose",
                      *(() if mechanism.endswith("PLUS") else ("--no-cb",)), stdin=b"\n", ok=False)
        check("235" in out, f"{mechanism}: {out[-3000:]}")


def test_submission_refusals(world):
    with world.submission(service="submission", login=False) as s:
        s.ehlo()
        check_equal(s.docmd("MAIL", f"FROM:<{ALICE}>")[0], 530, "MAIL without signing in")
        code, _ = s.docmd("AUTH", "PLAIN " + plain(ALICE, world.accounts[BOB]))
        check_equal(code, 535, "wrong password")
        code, _ = s.docmd("AUTH", "PLAIN " + plain("away@letterlock.test", world.accounts["away@letterlock.test"]))
        check(code in (535, 525), f"a disabled account signs in: {code}")
        check_equal(s.docmd("AUTH", "PLAIN " + plain(ALICE, world.accounts[ALICE]))[0], 235, "right password")
        code, text = s.docmd("MAIL", f"FROM:<{BOB}>")
        if code == 250:
            code, text = s.docmd("RCPT", f"TO:<{BOB}>")
        check(500 <= code < 560, f"alice sends as bob: {code} {text}")
    with world.connect("submission") as s:
        smtp_reply(s)
        code, text = smtp_reply(s, b"EHLO x\r\n")
        check(b"AUTH" not in text, "AUTH is offered before STARTTLS")
        check_equal(smtp_reply(s, b"AUTH PLAIN " + plain(ALICE, world.accounts[ALICE]).encode() + b"\r\n")[0] // 100, 5,
                    "AUTH before STARTTLS")


# --- IMAP ---

def test_many_sign_in_at_once(world):
    """Accounts whose sessions begin in the same moment: each gets its own, and nothing is mixed up."""
    people = [f"crowd{i}@letterlock.test" for i in range(16)]
    world.add_accounts(people)
    start, wrong = threading.Barrier(len(people)), []

    def sign_in(address):
        try:
            start.wait()
            for _ in range(3):
                with world.imap(address) as m:
                    check_equal(m.do("list", '""', "INBOX")[0].split()[-1], b"INBOX", address)
        except Exception as e:  # told below, with the others'
            wrong.append(f"{address}: {e!r}")
    threads = [threading.Thread(target=sign_in, args=(address,)) for address in people]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not wrong, "\n".join(wrong))


def test_imaplib(world):
    with world.imap(CAROL) as m:
        capabilities = set(m.do("capability")[0].decode().split())
        for name in ("IMAP4rev1", "IMAP4rev2", "IDLE", "MOVE", "UIDPLUS", "CONDSTORE", "QRESYNC", "ESEARCH", "SPECIAL-USE",
                     "LITERAL+", "COMPRESS=DEFLATE", "OBJECTID", "QUOTA", "BINARY", "SORT", "THREAD=REFERENCES"):
            check(name in capabilities, f"{name} is missing in {capabilities}")
        encoded = quote("Projekte/&ANw-bung &- mehr")  # Projekte/Übung & mehr, as IMAP4rev1 writes it
        m.do("create", encoded)
        check(any(b"&ANw-bung" in line for line in m.do("list", '""', quote("*"))), "the new folder is listed")
        word = token()
        for i in range(3):
            m.do("append", encoded, r"(\Seen)" if i else None, None, letter(CAROL, ALICE, f"{word} number{i}", f"{word} body{i}\r\n"))
        m.do("select", encoded)
        check_equal(m.do("search", None, "UNSEEN")[0], b"1", "SEARCH UNSEEN")
        check_equal(m.do("search", None, "SUBJECT", "number2")[0], b"3", "SEARCH SUBJECT")
        check_equal(m.do("search", None, "BODY", "body1")[0], b"2", "SEARCH BODY")
        m.do("store", "2", "+FLAGS", r"(\Flagged $Important)")
        check(rb"\Flagged" in m.do("fetch", "2", "(FLAGS)")[0], "flags are kept")
        m.do("copy", "1:2", "INBOX")
        m.do("store", "1", "+FLAGS", r"(\Deleted)")
        check_equal(m.do("expunge"), [b"1"], "EXPUNGE")
        m.do("rename", encoded, "Archived")
        m.do("select", "Archived")
        check_equal(len(m.do("uid", "search", None, "ALL")[0].split()), 2, "messages after the renaming")
        m.do("close")
        m.do("delete", "Archived")
    check_equal(len([t for t in world.texts(CAROL) if word.encode() in t]), 2, "copies in INBOX")


def test_idle_tells_of_new_mail(world):
    with world.connect_tls("imaps") as s:
        raw(s)
        s.sendall(f"a LOGIN {BOB} {world.accounts[BOB]}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
        got = b""
        while b"\r\n+ " not in got:
            got += s.recv(65536)
        before = int(re.search(rb"\* (\d+) EXISTS", got).group(1))
        world.deliver(FOREIGN, [BOB], letter(FOREIGN, BOB, "While idling"))
        got = b""
        while b"* %d EXISTS" % (before + 1) not in got:
            part = s.recv(65536)
            check(part, f"the connection ended: {got}")
            got += part
        s.sendall(b"DONE\r\nd LOGOUT\r\n")
        while b"d OK" not in got:
            got += s.recv(65536)


def test_two_connections_see_each_other(world):
    with world.imap(ALICE) as one, world.imap(ALICE) as two:
        one.do("select", "INBOX")
        two.do("select", "INBOX")
        count = int(two.untagged_responses.get("EXISTS", [b"0"])[-1])
        one.do("append", "INBOX", None, None, letter(ALICE, ALICE, "Seen by both"))
        two.do("noop")
        check_equal(int(two.response("EXISTS")[1][-1]), count + 1, "EXISTS on the other connection")


def test_disabled_account_cannot_read(world):
    try:
        world.imap("away@letterlock.test").logout()
    except Exception as e:  # imaplib.error
        check("AUTHENTICATIONFAILED" in str(e) or "CONTACTADMIN" in str(e) or "failed" in str(e).lower(), f"{e}")
    else:
        raise Failure("a disabled account signed in")


# --- other programs ---

def test_curl(world):
    word = token()
    at = f"{world.hostname}:{world.ports['imaps']}:{world.address}"
    smtp_at = f"{world.hostname}:{world.ports['submissions']}:{world.address}"
    mail = WORK / "curl.eml"
    mail.write_bytes(letter(ALICE, BOB, f"By curl {word}", f"curl {word}\r\n"))
    options = ("-sS", "--cacert", world.ca, "--resolve", at, "--resolve", smtp_at)
    command("curl", *options, "--url", f"smtps://{world.hostname}:{world.ports['submissions']}", "--mail-from", ALICE,
            "--mail-rcpt", BOB, "-T", mail, "--user", f"{ALICE}:{world.accounts[ALICE]}")
    world.wait_message(BOB, word)
    url, user = f"imaps://{world.hostname}:{world.ports['imaps']}", f"{BOB}:{world.accounts[BOB]}"
    found = command("curl", *options, "--url", f"{url}/INBOX?SUBJECT%20{word}", "--user", user)
    numbers = re.search(r"\* SEARCH ([\d ]+)", found)
    check(numbers, f"curl's search: {found}")
    text = command("curl", *options, "--url", f"{url}/INBOX;MAILINDEX={numbers.group(1).split()[0]}", "--user", user)
    check(f"curl {word}" in text, f"curl's fetch: {text[-500:]}")
    command("curl", *options, "--url", f"{url}/Drafts", "-T", mail, "--user", user)
    check(any(word.encode() in t for t in world.texts(BOB, "Drafts")), "what curl appended is there")


def test_swaks(world):
    word = token()
    common = ("swaks", "--to", BOB, "--header", f"Subject: By swaks {word}", "--body", "swaks was here", "--ehlo",
              "client.example.net", "--tls-verify", "--tls-ca-path", world.ca, "--tls-sni", world.hostname, "--hide-all")
    server = ("--server", world.address)
    command(*common, *server, "--port", world.ports["smtp"], "--from", FOREIGN)
    world.wait_message(BOB, word)
    for service, tls in (("submission", "--tls"), ("submissions", "--tlsc")):
        word = token()
        command("swaks", "--to", BOB, "--header", f"Subject: By swaks {word}", "--ehlo", "client.example.net", *server,
                "--port", world.ports[service], tls, "--auth", "PLAIN", "--auth-user", ALICE, "--auth-password",
                world.accounts[ALICE], "--from", ALICE, "--hide-all")
        world.wait_message(BOB, word)


def test_mbsync(world):
    maildir = WORK / "maildir"
    maildir.mkdir()
    rc = WORK / "mbsyncrc"
    port = world.ports["imaps"]
    rc.write_text(f"""
IMAPAccount demo
Host {world.hostname}
Port {world.ports['imaps']}
User {CAROL}
Pass {world.accounts[CAROL]}
SSLType IMAPS
CertificateFile {world.ca}
Tunnel "bash -c 'exec 3<>/dev/tcp/{world.address}/{port}; cat <&3 & exec cat >&3'"

IMAPStore far
Account demo

MaildirStore near
SubFolders Verbatim
Path {maildir}/
Inbox {maildir}/INBOX

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    world.deliver(FOREIGN, [CAROL], letter(FOREIGN, CAROL, "To be pulled", "pulled-by-mbsync\r\n"))
    world.wait_message(CAROL, "pulled-by-mbsync")
    command("mbsync", "-c", rc, "all")
    local = [p.read_bytes() for p in (maildir / "INBOX").glob("*/*") if p.is_file()]
    check_equal(sorted(re.sub(rb"X-TUID: .*\n", b"", t) for t in local),
                sorted(t.replace(b"\r\n", b"\n") for t in world.texts(CAROL)), "what mbsync pulled")
    word = token()
    (maildir / "INBOX" / "cur" / f"{int(time.time())}.1.here:2,S").write_bytes(
        letter(CAROL, CAROL, f"Pushed {word}").replace(b"\r\n", b"\n"))
    command("mbsync", "-c", rc, "all")
    command("mbsync", "-c", rc, "all")
    world.wait_message(CAROL, word)
    check_equal(len([t for t in world.texts(CAROL) if word.encode() in t]), 1, "pushed once")


def mutt_rc(world, address):
    rc = WORK / "muttrc"
    home = WORK / "mutt"
    home.mkdir(exist_ok=True)
    user = address.replace("@", "%40")
    rc.write_text(f"""
set from="{address}" realname="Test" use_from=yes hostname="client.example.net"
set ssl_ca_certificates_file="{world.ca}" ssl_verify_host=no ssl_starttls=yes ssl_force_tls=yes
set smtp_url="smtps://{user}@{world.address}:{world.ports['submissions']}/" smtp_pass="{world.accounts[address]}"
set imap_user="{address}" imap_pass="{world.accounts[address]}"
# Debian's mutt begins with SCRAM-SHA-256-PLUS, has no channel binding for TLS 1.3, and gives up.
set smtp_authenticators="plain" imap_authenticators="plain"
set folder="imaps://{user}@{world.address}:{world.ports['imaps']}/" spoolfile="+INBOX" record="+Sent" postponed="+Drafts"
set header_cache="" message_cachedir="" certificate_file="{home}/certs" mbox_type=Maildir
set quit=yes delete=no confirmappend=no wait_key=no mark_old=no pager_index_lines=0 beep=no
""")
    return rc


def test_mutt(world):
    word = token()
    rc = mutt_rc(world, ALICE)
    env = dict(os.environ, HOME=str(WORK / "mutt"), TERM="xterm", LC_ALL="C.UTF-8")
    command("mutt", "-n", "-F", rc, "-s", f"By mutt {word}", "--", BOB, stdin=b"sent by mutt\n", env=env)
    world.wait_message(BOB, word)
    check(any(word.encode() in t for t in world.texts(ALICE, "Sent")), "mutt kept a copy in Sent")
    # Reading: mutt wants a terminal; it opens Sent, finds the letter, pipes it into a file and leaves.
    out = WORK / "piped.eml"
    keys = f"push '<limit>~s {word}<enter><pipe-message>cat > {out}<enter><exit>'"
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("mutt", ["mutt", "-n", "-F", str(rc), "-f", "+Sent", "-e", keys], env)
    screen, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if select.select([fd], [], [], 0.2)[0]:
                screen += os.read(fd, 65536)
        except OSError:
            break
        if out.exists() and b"sent by mutt" in out.read_bytes():
            break
    os.kill(pid, 15)
    os.waitpid(pid, 0)
    os.close(fd)
    check(out.exists() and b"sent by mutt" in out.read_bytes(), f"mutt read nothing; its screen: {screen[-3000:]!r}")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
