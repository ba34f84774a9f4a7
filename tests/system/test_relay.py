#!/usr/bin/env python3
"""Mail on its way out: to a foreign server that a test commands, over names that a signed zone gives. Every host has an
address of its own below 127.0.0.0/8; [relay] port and https_port say at which port they listen."""
import base64
import email
import email.policy
import hashlib
import json
import os
import re
import signal
import smtplib
import threading
import time

import harness
from harness import (WORK, Failure, Installation, check, check_equal, command, free_ports, letter, stop_and_inspect, token,
                     wait_until)
from nameserver import Authority, Nameserver, Zone, tlsa
from sink import CAPABILITIES, PolicyServer, Sink

ALICE = "alice@letterlock.test"
SIGNED, PLAIN = "relay.example", "plain.example"


class World:
    def __init__(self):
        self.ca = Authority(WORK / "ca")
        self.port = free_ports(1, "127.0.0.2")[0]
        self.https = free_ports(1, "127.0.0.20")[0]
        self.signed = Zone(SIGNED, WORK / "zones")
        self.plain = Zone(PLAIN, WORK / "zones", signed=False)
        self.sinks = {}
        self.hosts()
        self.domains()
        self.ns = Nameserver([self.signed, self.plain], WORK / "zones")
        policy_hosts = [f"mta-sts.{d}.{PLAIN}" for d in ("enforced", "elsewhere", "testing", "kept", "gone")]
        self.policies = PolicyServer("127.0.0.20", self.https, self.ca.certificate("policies", *policy_hosts))
        self.one = Installation("one", settings={
            ("dns", "stub"): self.ns.stubs,
            ("dns", "trust_anchor"): self.ns.write_anchors(WORK / "anchor"),
            ("relay", "port"): self.port,
            ("relay", "https_port"): self.https,
            ("tls", "ca_file"): self.ca.file,
        })
        self.one.start()
        self.one.populate(ALICE)

    # name: (last byte of its address, in the signed zone, certificate names or None)
    def hosts(self):
        for name, byte, zone, names in (
                ("mx1", 2, self.signed, ["mx1." + SIGNED]), ("mx2", 3, self.signed, ["mx2." + SIGNED]),
                ("bare", 5, self.signed, None), ("broken", 6, self.signed, None), ("old", 7, self.signed, None),
                ("plain1", 8, self.plain, ["plain1." + PLAIN]), ("other", 9, self.plain, ["somebody.else.example"])):
            zone.add(f"{name} A 127.0.0.{byte}")
            certificate = self.ca.certificate(names[0], *names) if names else None
            self.sinks[name] = Sink(f"127.0.0.{byte}", self.port, certificate)
            setattr(self, name, self.sinks[name])
        self.signed.add("dead A 127.0.0.4", "two A 127.0.0.4", "two A 127.0.0.2")
        self.broken.break_tls = True
        self.old.capabilities = ("PIPELINING", "SIZE 100000000", "8BITMIME")

    def domains(self):
        s, p = self.signed, self.plain
        for domain in ("first", "many", "report", "temporary", "hundred", "large", "killed", "success", "dropped", "restart",
                       "reuse"):
            s.add(f"{domain} MX 10 mx1")
        s.add("preferred MX 10 mx2", "preferred MX 5 mx1", "fallback MX 5 dead", "fallback MX 10 mx2", "addresses MX 5 two",
              "refusing MX 5 bare", "refusing MX 10 mx2", "nullmx MX 0 .", "clear MX 10 bare", "broken-tls MX 10 broken",
              "old-server MX 10 old", "itself MX 10 mail.letterlock.test.", "implicit A 127.0.0.2")
        s.add("dane MX 10 dane-host", "dane-host A 127.0.0.2", "wrong MX 10 wrong-host", "wrong-host A 127.0.0.2",
              "unusable MX 10 unusable-host", "unusable-host A 127.0.0.2", "danebare MX 10 danebare-host",
              "danebare-host A 127.0.0.5")
        good = tlsa(self.ca.folder / f"mx1.{SIGNED}".replace(".example", ".pem"))
        self.good = good
        self.bad = "3 1 1 " + "00" * 32
        s.add(f"_{self.port}._tcp.dane-host TLSA {good}", f"_{self.port}._tcp.wrong-host TLSA {self.bad}",
              f"_{self.port}._tcp.unusable-host TLSA 1 1 1 {'00' * 32}", f"_{self.port}._tcp.danebare-host TLSA {good}")
        for domain, host in (("enforced", "plain1"), ("elsewhere", "other"), ("testing", "other"), ("kept", "plain1"),
                             ("gone", "plain1"), ("opportunistic", "other")):
            p.add(f"{domain} MX 10 {host}")
        for domain in ("enforced", "elsewhere", "testing", "kept", "gone"):
            p.add(f'_mta-sts.{domain} TXT "v=STSv1; id=1;"', f"mta-sts.{domain} A 127.0.0.20")

    # --- sending ---

    def send(self, *recipients, sender=ALICE, text=None, **options):
        """Submits; the token in the message."""
        mark = token()
        with self.one.submission(sender) as s:
            s.sendmail(sender, recipients, text or letter(sender, ", ".join(recipients)[:500], mark, f"{mark}\r\n"), **options)
        return mark

    def arrived(self, sink, mark, count=1, seconds=60):
        return wait_until(lambda: len(sink.having(mark)) >= count and sink.having(mark), f"{mark} at {sink.address}", seconds)

    def queue(self):
        return json.loads(self.one.ctl("--json", "queue", "list"))

    def queued(self, recipient):
        """The entry that has this recipient."""
        for entry in self.queue():
            if any(r["address"] == recipient for r in entry["recipients"]):
                return entry
        return None

    def deferred(self, recipient, text=None):
        """Waits until an attempt has failed for now; what was said of the recipient."""
        def look():
            entry = self.queued(recipient)
            for r in entry["recipients"] if entry else []:
                if r["address"] == recipient and r["status"] != "0.0.0" and not entry["active"] and entry["tries"]:
                    return r
            return None
        r = wait_until(look, f"{recipient} is deferred", 90)
        check_equal(r["state"], "waiting", f"{recipient}")
        if text:
            check(text in r["text"], f"{recipient}: {r['text']!r} does not say {text!r}")
        return r

    def retry(self, recipient):
        self.one.ctl("queue", "retry", self.queued(recipient)["id"])

    def empty(self, recipient):
        wait_until(lambda: self.queued(recipient) is None, f"{recipient} has left the queue", 60)

    def report(self, recipient, action="failed", seconds=60):
        """The delivery report on that recipient in Alice's mailbox; its fields."""
        def look():
            for text in self.one.texts(ALICE):
                m = email.message_from_bytes(text, policy=email.policy.default)
                named = f"Final-Recipient: rfc822; {recipient}\r\n" if recipient.isascii() else recipient
                if m.get_content_type() == "multipart/report" and named.encode() in text and \
                        f"Action: {action}".encode() in text:
                    return m
            return None
        return wait_until(look, f"a report about {recipient}", seconds)


# --- plain delivery ---

def test_delivers_over_tls(w):
    mark = w.send(f"bob@first.{SIGNED}")
    m = w.arrived(w.mx1, mark)[0]
    check_equal((m.sender, m.recipients, m.tls, m.sni), (ALICE, [f"bob@first.{SIGNED}"], True, f"mx1.{SIGNED}"), "the envelope")
    w.empty(f"bob@first.{SIGNED}")


def test_signs_with_both_keys(w):
    mark = w.send(f"bob@first.{SIGNED}")
    data = w.arrived(w.mx1, mark)[0].data
    keys = {}
    for line in w.one.ctl("domain", "dns", "letterlock.test").splitlines():
        m = re.match(r"(\S+)\._domainkey\.letterlock\.test\.?\s.*?TXT\s+(.*)", line)
        if m:
            keys[m.group(1)] = "".join(re.findall(r'"([^"]*)"', m.group(2)))
    check_equal(len(keys), 2, f"keys in the DNS records {list(keys)}")
    verified = {verify_dkim(data, n, keys) for n in range(2)}
    check_equal(verified, {"rsa-sha256", "ed25519-sha256"}, "algorithms that verify")
    spoilt = data.replace(mark.encode() + b"\r\n", b"something else\r\n")
    check(spoilt != data, "the body can be changed")
    try:
        verify_dkim(spoilt, 0, keys)
    except Failure:
        return
    raise Failure("a changed body verifies")


def test_forwards_without_signing(w):
    w.one.ctl("alias", "add", "away@letterlock.test", f"carol@first.{SIGNED}")
    mark = token()
    w.one.deliver("stranger@plain.example", ["away@letterlock.test"],
                  letter("stranger@plain.example", "away@letterlock.test", mark, f"{mark}\r\n"))
    m = w.arrived(w.mx1, mark)[0]
    check_equal(m.recipients, [f"carol@first.{SIGNED}"], "where it goes")
    check(b"DKIM-Signature" not in m.data, "a stranger's message got our signature")
    check(b"Return-Path" not in m.data, "a Return-Path field went out")


def test_hundreds_of_recipients(w):
    recipients = [f"r{i}@hundred.{SIGNED}" for i in range(250)]
    mark = w.send(*recipients)
    wait_until(lambda: sum(len(m.recipients) for m in w.mx1.having(mark)) >= 250, "250 recipients")
    got = [r for m in w.mx1.having(mark) for r in m.recipients]
    check_equal(sorted(got), sorted(recipients), "recipients")
    check(all(len(m.recipients) <= 100 for m in w.mx1.having(mark)), "more than 100 recipients in one transaction")


def test_twenty_megabytes(w):
    mark = token()
    body = ("x" * 76 + "\r\n") * (20 * 1024 * 1024 // 78)
    w.send(f"bob@large.{SIGNED}", text=letter(ALICE, f"bob@large.{SIGNED}", mark, body + mark + "\r\n"))
    m = w.arrived(w.mx1, mark)[0]
    check(m.data.endswith(body.encode() + mark.encode() + b"\r\n"), "the body is another")


def test_chunking(w):
    w.mx1.capabilities = CAPABILITIES + ("CHUNKING", "BINARYMIME")
    try:
        mark = token()
        body = ".\r\n..\r\n" * 5000
        w.send(f"bob@large.{SIGNED}", text=letter(ALICE, f"bob@large.{SIGNED}", mark, body + mark + "\r\n"))
        m = w.arrived(w.mx1, mark)[0]
        check(m.data.endswith(body.encode() + mark.encode() + b"\r\n"), "the body is another")
    finally:
        w.mx1.capabilities = CAPABILITIES


def test_reuses_connections(w):
    before = w.mx1.connections
    marks = []
    with w.one.submission(ALICE) as s:
        for i in range(60):
            mark = token()
            s.sendmail(ALICE, [f"r{i}@reuse.{SIGNED}"], letter(ALICE, "r", mark, f"{mark}\r\n"))
            marks.append(mark)
    for mark in marks:
        w.arrived(w.mx1, mark)
    used = w.mx1.connections - before
    check(used <= 10, f"{used} connections for 60 messages to one domain")
    check(all(len(w.mx1.having(m)) == 1 for m in marks), "something came twice")


def test_many_at_once(w):
    """A queue that has grown while the other side was slow goes out whole, each message once."""
    mark, failed = token(), []

    def submit():
        try:
            with w.one.submission(ALICE) as s:
                for i in range(100):
                    s.sendmail(ALICE, [f"r{i}@many.{SIGNED}"], letter(ALICE, "r", mark, f"{mark}\r\n"))
        except (OSError, smtplib.SMTPException) as e:
            failed.append(e)

    hold = w.mx1.hold = threading.Event()
    try:
        senders = [threading.Thread(target=submit) for _ in range(4)]
        for t in senders:
            t.start()
        for t in senders:
            t.join()
    finally:
        w.mx1.hold = None
        hold.set()
    check_equal(failed, [], "submissions that failed")
    w.arrived(w.mx1, mark, count=400)
    w.empty(f"r0@many.{SIGNED}")
    check_equal(len(w.mx1.having(mark)), 400, "messages")


# --- what can go wrong ---

def test_tries_again_after_a_temporary_failure(w):
    address = f"busy@temporary.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "451 4.3.2 Come back later"
    mark = w.send(address)
    w.deferred(address, "Come back later")
    check_equal(w.mx1.having(mark), [], "messages so far")
    del w.mx1.replies[f"rcpt {address}"]
    w.retry(address)
    w.arrived(w.mx1, mark)
    w.empty(address)


def test_reports_a_permanent_failure(w):
    address = f"nobody@report.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "550 5.1.1 No such user here"
    mark = w.send(f"bob@report.{SIGNED}", address)
    check_equal(w.arrived(w.mx1, mark)[0].recipients, [f"bob@report.{SIGNED}"], "who got it")
    m = w.report(address)
    check_equal(m["Return-Path"], "<>", "Return-Path")
    text = m.as_bytes()
    for field in (b"Status: 5.1.1", b"No such user here", f"Remote-MTA: dns; mx1.{SIGNED}".encode(), mark.encode()):
        check(field in text, f"the report lacks {field!r}:\n{text.decode(errors='replace')}")
    check(f"bob@report.{SIGNED}".encode() not in m.get_payload()[1].as_bytes(), "the report speaks of who got it")
    w.empty(address)


def test_returns_a_large_message_whole(w):
    address = f"nobody2@report.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "550 5.1.1 No such user here"
    mark = token()
    body = ("y" * 76 + "\r\n") * 8000
    with w.one.submission(ALICE) as s:
        s.sendmail(ALICE, [address], letter(ALICE, address, mark, body + mark + "\r\n"), mail_options=["RET=FULL"])
    text = w.report(address).as_bytes()
    check(text.count(b"y" * 76) == 8000, "the message is not in the report")


def test_reports_in_the_senders_language(w):
    """That of their account here, when the letter was sent; what programs read is the same in each."""
    for n, (code, subject, said) in enumerate((("de", "Ihre Nachricht konnte nicht zugestellt werden", "antwortete: 550"),
                                               ("fr", "Votre message n’a pas pu être remis", "a répondu : 550"),
                                               ("none", "Your message could not be delivered", "said: 550"))):
        address = f"tongue{n}@report.{SIGNED}"
        w.mx1.replies[f"rcpt {address}"] = "550 5.1.1 No such user here"
        w.one.ctl("account", "language", ALICE, code)
        with w.one.submission(ALICE) as s:
            s.sendmail(ALICE, [address], letter(ALICE, address, token()))
        report = w.report(address)
        text, status = list(report.iter_parts())[:2]
        check_equal((report["Subject"], text["Content-Language"]), (subject, code if code != "none" else "en"), "the report")
        check(said in text.get_content(), text.get_content())
        check_equal(status.get_payload()[1]["Action"], "failed", "what programs read")
    here = "tongue@letterlock.test"
    w.one.ctl("alias", "add", here, ALICE)
    w.one.ctl("account", "language", ALICE, "de")
    with w.one.submission(ALICE) as s:
        s.sendmail(ALICE, [here], letter(ALICE, here, token()), rcpt_options=["NOTIFY=SUCCESS"])
    report = w.report(here, "delivered")
    check_equal(report["Subject"], "Ihre Nachricht wurde zugestellt", "of delivery here")
    w.one.ctl("account", "language", ALICE, "none")


def test_reports_success_when_asked(w):
    away = f"bob@success.{SIGNED}"
    mark = token()
    with w.one.submission(ALICE) as s:
        s.sendmail(ALICE, [away, ALICE], letter(ALICE, away, mark, f"{mark}\r\n"), mail_options=["ENVID=abc+2B1"],
                   rcpt_options=["NOTIFY=SUCCESS"])
    w.arrived(w.mx1, mark)
    relayed, delivered = w.report(away, "relayed"), w.report(ALICE, "delivered")
    check(b"Original-Envelope-Id: abc+1" in relayed.as_bytes(), "ENVID in the report on the relayed copy")
    check(b"Original-Envelope-Id: abc+1" in delivered.as_bytes(), "ENVID in the report on the delivered copy")


def test_never_reports_when_told_so(w):
    address = f"nobody3@report.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "550 5.1.1 No such user here"
    mark = token()
    with w.one.submission(ALICE) as s:
        s.sendmail(ALICE, [address], letter(ALICE, address, mark), rcpt_options=["NOTIFY=NEVER"])
    w.empty(address)
    check(not any(address.encode() in text for text in w.one.texts(ALICE)), "a report that nobody wanted")


def test_reports_to_a_sender_elsewhere(w):
    """A forwarded message fails: the report goes out through the queue, from nobody."""
    address = f"nobody4@report.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "550 5.1.1 No such user here"
    w.one.ctl("alias", "add", "broken@letterlock.test", address)
    sender, mark = f"stranger@first.{SIGNED}", token()
    w.one.deliver(sender, ["broken@letterlock.test"], letter(sender, "broken@letterlock.test", mark))
    m = w.arrived(w.mx1, f"Final-Recipient: rfc822; {address}")[0]
    check_equal((m.sender, m.recipients), ("", [sender]), "the report's envelope")
    check(b"Return-Path" not in m.data, "a Return-Path field went out")
    check(mark.encode() in m.data, "the report does not say what it is about")
    text = next(email.message_from_bytes(m.data, policy=email.policy.default).iter_parts())
    check_equal(text["Content-Language"], "en, de, fr", "the languages of a report to a stranger")
    check(all(f"<{address}>" in one for one in text.get_content().split("-" * 76)), text.get_content())


def test_prefers_the_lower_preference(w):
    mark = w.send(f"bob@preferred.{SIGNED}")
    w.arrived(w.mx1, mark)
    check_equal(w.mx2.having(mark), [], "messages at the other")


def test_falls_back_to_the_next_host(w):
    mark = w.send(f"bob@fallback.{SIGNED}")
    w.arrived(w.mx2, mark)


def test_falls_back_to_the_next_address(w):
    mark = w.send(f"bob@addresses.{SIGNED}")
    w.arrived(w.mx1, mark)


def test_falls_back_from_a_refusing_greeting(w):
    w.bare.greeting = "554 5.3.2 Not now"
    try:
        mark = w.send(f"bob@refusing.{SIGNED}")
        w.arrived(w.mx2, mark)
    finally:
        w.bare.greeting = "220 sink ESMTP"


def test_falls_back_from_a_broken_connection(w):
    w.bare.replies["mail"] = None  # closes without a word
    try:
        mark = w.send(f"carol@refusing.{SIGNED}")
        w.arrived(w.mx2, mark)
    finally:
        del w.bare.replies["mail"]


def test_implicit_mx(w):
    mark = w.send(f"bob@implicit.{SIGNED}")
    w.arrived(w.mx1, mark)


def test_null_mx(w):
    w.send(f"bob@nullmx.{SIGNED}")
    check(b"Status: 5.1.10" in w.report(f"bob@nullmx.{SIGNED}").as_bytes(), "status of a null MX")


def test_no_such_domain(w):
    w.send(f"bob@nowhere.{SIGNED}")
    check(b"Status: 5.1.2" in w.report(f"bob@nowhere.{SIGNED}").as_bytes(), "status of a domain that is none")


def test_loop_to_itself(w):
    w.send(f"bob@itself.{SIGNED}")
    check(b"Status: 5.4.6" in w.report(f"bob@itself.{SIGNED}").as_bytes(), "status of a loop")


def test_a_peer_without_smtputf8(w):
    address = f"bob@old-server.{SIGNED}"
    mark = token()
    text = f"From: {ALICE}\r\nTo: Bjö <{address}>\r\nSubject: {mark} ä\r\n\r\nHello.\r\n".encode()
    with w.one.submission(ALICE) as s:
        s.sendmail(ALICE, [address], text, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    check(b"Status: 5.6.7" in w.report(address).as_bytes(), "status of what a peer cannot take")
    check_equal(w.old.having(mark), [], "messages there")


# --- TLS policy ---

def test_clear_text_where_nothing_is_promised(w):
    check_equal(w.arrived(w.bare, w.send(f"bob@clear.{SIGNED}"))[0].tls, False, "TLS without STARTTLS")
    check_equal(w.arrived(w.broken, w.send(f"bob@broken-tls.{SIGNED}"))[0].tls, False, "TLS after a broken handshake")


def test_any_certificate_where_nothing_is_promised(w):
    check_equal(w.arrived(w.other, w.send(f"bob@opportunistic.{PLAIN}"))[0].tls, True, "TLS")


def test_dane_that_matches(w):
    check_equal(w.arrived(w.mx1, w.send(f"bob@dane.{SIGNED}"))[0].tls, True, "TLS")


def test_dane_that_does_not_match(w):
    address = f"bob@wrong.{SIGNED}"
    mark = w.send(address)
    w.deferred(address, "TLS")
    check_equal(w.mx1.having(mark), [], "messages that went to the wrong key")
    w.signed.remove(f"_{w.port}._tcp.wrong-host TLSA {w.bad}")
    w.signed.add(f"_{w.port}._tcp.wrong-host TLSA {w.good}")
    w.ns.reload()

    def again():  # until the old answer's time to live is over
        entry = w.queued(address)
        if entry and not entry["active"]:
            w.one.ctl("queue", "retry", entry["id"], ok=False)
        time.sleep(0.3)
        return w.mx1.having(mark)
    wait_until(again, "it comes with the right record")


def test_dane_that_cannot_be_used_still_means_tls(w):
    check_equal(w.arrived(w.mx1, w.send(f"bob@unusable.{SIGNED}"))[0].tls, True, "TLS")


def test_dane_never_goes_in_clear(w):
    address = f"bob@danebare.{SIGNED}"
    mark = w.send(address)
    w.deferred(address, "TLS")
    check_equal(w.bare.having(mark), [], "messages in clear")
    w.one.ctl("queue", "drop", w.queued(address)["id"])
    w.empty(address)


def policy(mode, *hosts, age=86400):
    return "".join(f"{line}\r\n" for line in ["version: STSv1", f"mode: {mode}", *(f"mx: {h}" for h in hosts), f"max_age: {age}"])


def test_mta_sts_enforced(w):
    w.policies.policies[f"mta-sts.enforced.{PLAIN}"] = policy("enforce", f"plain1.{PLAIN}")
    check_equal(w.arrived(w.plain1, w.send(f"bob@enforced.{PLAIN}"))[0].tls, True, "TLS")
    # The host is the right one, but its certificate is for another.
    w.policies.policies[f"mta-sts.elsewhere.{PLAIN}"] = policy("enforce", f"*.{PLAIN}")
    address = f"bob@elsewhere.{PLAIN}"
    mark = w.send(address)
    w.deferred(address, "TLS")
    check_equal(w.other.having(mark), [], "messages to a host with another's certificate")
    w.one.ctl("queue", "drop", w.queued(address)["id"])


def test_mta_sts_testing(w):
    w.policies.policies[f"mta-sts.testing.{PLAIN}"] = policy("testing", f"nothing.{PLAIN}")
    w.arrived(w.other, w.send(f"bob@testing.{PLAIN}"))
    check(any(host == f"mta-sts.testing.{PLAIN}" for host, _, _ in w.policies.requests), "the policy was not asked for")


def test_mta_sts_without_a_policy(w):
    w.arrived(w.plain1, w.send(f"bob@gone.{PLAIN}"))


def test_mta_sts_is_kept(w):
    """A policy that was once enforced holds after a restart, even when it cannot be had any more."""
    host = f"mta-sts.kept.{PLAIN}"
    w.policies.policies[host] = policy("enforce", f"plain1.{PLAIN}")
    w.arrived(w.plain1, w.send(f"bob@kept.{PLAIN}"))
    del w.policies.policies[host]
    w.one.stop()
    w.one.start()
    context, w.plain1.context = w.plain1.context, None
    try:
        address = f"carol@kept.{PLAIN}"
        mark = w.send(address)
        w.deferred(address, "no TLS")
        check_equal(w.plain1.having(mark), [], "messages in clear")
    finally:
        w.plain1.context = context
    w.retry(address)
    w.arrived(w.plain1, mark)


# --- what must not be lost ---

def test_relay_killed_in_mid_transaction(w):
    w.mx1.hold = threading.Event()
    try:
        mark = w.send(f"bob@killed.{SIGNED}")
        wait_until(lambda: (w.queued(f"bob@killed.{SIGNED}") or {}).get("active"), "it is being sent")
        time.sleep(0.5)
        w.one.killed = True
        for pid in w.one.pids("relay"):
            os.kill(pid, signal.SIGKILL)
    finally:
        w.mx1.hold.set()
        w.mx1.hold = None
    w.arrived(w.mx1, mark)
    w.empty(f"bob@killed.{SIGNED}")
    check(len(w.mx1.having(mark)) <= 2, "it came more than twice")


def test_store_killed_while_sending(w):
    marks = []
    w.one.killed = True
    with w.one.submission(ALICE) as s:
        for i in range(30):
            mark = token()
            if i == 15:
                for pid in w.one.pids("store"):
                    os.kill(pid, signal.SIGKILL)
            try:
                s.sendmail(ALICE, [f"r{i}@killed.{SIGNED}"], letter(ALICE, "r", mark, f"{mark}\r\n"))
            except smtplib.SMTPException:
                continue  # not acknowledged
            marks.append(mark)
    check(len(marks) >= 15, f"only {len(marks)} were accepted")
    for mark in marks:
        w.arrived(w.mx1, mark)
    check(all(len(w.mx1.having(m)) <= 2 for m in marks), "something came more than twice")


def test_lookup_and_delivery_killed(w):
    """What is on its way while they are away goes on when they are there again."""
    w.one.killed = True
    for role in ("lookup", "delivery"):
        marks = []
        address = f"nobody-{role}@killed.{SIGNED}"
        w.mx1.replies[f"rcpt {address}"] = "550 5.1.1 No such user here"
        with w.one.submission(ALICE) as s:
            for i in range(20):
                mark = token()
                if i == 10:
                    s.sendmail(ALICE, [address], letter(ALICE, address, mark, f"{mark}\r\n"))
                    for pid in w.one.pids(role):
                        os.kill(pid, signal.SIGKILL)
                try:
                    s.sendmail(ALICE, [f"r{i}@killed.{SIGNED}"], letter(ALICE, "r", mark, f"{mark}\r\n"))
                except smtplib.SMTPException:
                    continue
                marks.append(mark)
        for mark in marks:
            w.arrived(w.mx1, mark)
        w.report(address)
        w.empty(address)


def test_queue_survives_a_restart(w):
    address = f"bob@restart.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "450 4.2.1 Later"
    mark = w.send(address)
    before = w.deferred(address)
    w.one.stop()
    w.one.start()
    entry = wait_until(lambda: w.queued(address), "it is in the queue again")
    check_equal((entry["tries"], entry["recipients"][0]["text"]), (1, before["text"]), "what is known of it")
    del w.mx1.replies[f"rcpt {address}"]
    w.retry(address)
    w.arrived(w.mx1, mark)
    w.empty(address)


def test_drop(w):
    address = f"bob@dropped.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "450 4.2.1 Later"
    mark = w.send(address)
    w.deferred(address)
    w.one.ctl("queue", "drop", w.queued(address)["id"])
    w.empty(address)
    del w.mx1.replies[f"rcpt {address}"]
    w.one.ctl("queue", "retry", "all")
    check_equal(w.mx1.having(mark), [], "messages that were dropped")


def test_the_disk_tells_nothing(w):
    """Addresses and words of waiting mail are on the disk sealed only."""
    address = f"secretname@temporary.{SIGNED}"
    w.mx1.replies[f"rcpt {address}"] = "450 4.2.1 Laterword"
    mark = w.send(address)
    w.deferred(address)
    for path in w.one.data.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for word in (b"secretname", b"Laterword", mark.encode(), f"kept.{PLAIN}".encode()):
                check(word not in data, f"{path.name} has {word!r}")
    w.one.ctl("queue", "drop", w.queued(address)["id"])


# --- DKIM, relaxed/relaxed (RFC 6376) ---

def verify_dkim(data, index, keys):
    """Verifies one signature; its algorithm."""
    head, _, body = data.partition(b"\r\n\r\n")
    fields = [f.replace(b"\r\n", b"") for f in re.split(rb"\r\n(?![ \t])", head)]
    signatures = [f for f in fields if f.lower().startswith(b"dkim-signature:")]
    check(len(signatures) > index, f"{len(signatures)} signatures")
    field = signatures[index]
    tags = dict(t.strip().split("=", 1) for t in field.partition(b":")[2].decode().split(";") if "=" in t)
    tags = {k.strip(): re.sub(r"\s", "", v) for k, v in tags.items()}
    check_equal((tags["c"], tags["d"]), ("relaxed/relaxed", "letterlock.test"), "c= and d=")

    def relaxed(f):
        name, _, value = f.partition(b":")
        return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", value).strip()

    lines = [re.sub(rb"[ \t]+", b" ", x).rstrip(b" ") for x in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    canonical = b"".join(x + b"\r\n" for x in lines)
    check_equal(tags["bh"], base64.b64encode(hashlib.sha256(canonical).digest()).decode(), "the body's hash")
    signed, left = b"", list(fields)
    for name in tags["h"].lower().split(":"):
        for i in range(len(left) - 1, -1, -1):
            if left[i].partition(b":")[0].strip().lower() == name.encode():
                signed += relaxed(left.pop(i)) + b"\r\n"
                break
    signed += re.sub(rb"([;:]\s*b=)[^;]*", rb"\1", relaxed(field))
    return verify_signature(tags, signed, keys[tags["s"]])


def verify_signature(tags, signed, record):
    public = dict(t.strip().split("=", 1) for t in record.split(";") if "=" in t)["p"].replace(" ", "")
    der = base64.b64decode(public)
    if tags["a"] == "ed25519-sha256":
        der = bytes.fromhex("302a300506032b6570032100") + der
        signed = hashlib.sha256(signed).digest()
    key, text, signature = WORK / "dkim.key", WORK / "dkim.text", WORK / "dkim.signature"
    key.write_text("-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der).decode() + "-----END PUBLIC KEY-----\n")
    text.write_bytes(signed)
    signature.write_bytes(base64.b64decode(tags["b"]))
    if tags["a"] == "ed25519-sha256":
        command("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", text, "-sigfile", signature)
    else:
        command("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, text)
    return tags["a"]


def teardown(w):
    for s in w.sinks.values():
        s.close()
    w.policies.close()
    w.ns.stop()
    stop_and_inspect(w.one)


if __name__ == "__main__":
    harness.main([f for name, f in list(globals().items()) if name.startswith("test_")], World, teardown)
