"""Mail between servers: two installations, Postfix, a signed DNS and a policy server, each in a network namespace of its own.
DNSSEC, DANE, MTA-STS, SPF, DKIM, DMARC, reports and the queue, all over the wire."""
import email
import email.policy
import json
import pathlib
import re
import shutil
import smtplib
import ssl
import time

from harness import (WORK, Failure, Installation, Network, check, check_equal, inside, letter, main, stop_and_inspect, token,
                     wait_until)
from peers import TTL, Authority, Nameserver, PolicyServer, Postfix, Sink, spki_sha256

ALICE, BOB, FOREIGN = "alice@one.example", "bob@two.example", "carla@post.example"
PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imaps": 993}


class World:
    """Everything above; made once."""

    def __init__(self):
        self.things = []
        self.net = self.keep(Network("dns", "one", "two", "post", "sts"), "close")
        try:
            self.build()
        except BaseException:
            self.end()
            raise

    def keep(self, thing, stop="stop"):
        self.things.append(getattr(thing, stop))
        return thing

    def build(self):
        at, ns = self.net.address, self.net.namespace
        self.dns = self.keep(Nameserver(WORK / "dns", at("dns"), ns("dns")))
        self.authority = Authority(WORK / "ca", "Some authority")
        self.dns.records = [(f"mail.{name}.example.", "A", at(name)) for name in ("one", "two", "post")]
        self.dns.records += [("post.example.", "MX", "10 mail.post.example."),
                             ("post.example.", "TXT", f'"v=spf1 ip4:{at("post")} -all"')]
        self.dns.records += [("sts.unsigned.", "MX", "10 mail.sts.unsigned."), ("mail.sts.unsigned.", "A", at("sts")),
                             ("mta-sts.sts.unsigned.", "A", at("sts")), ("_mta-sts.sts.unsigned.", "TXT", '"v=STSv1; id=1"')]
        self.dns.start()
        settings = {("dns", "stub"): f". {at('dns')}@53", ("dns", "trust_anchor"): self.dns.anchor(WORK / "root.anchor"),
                    ("tls", "ca_file"): self.authority.certificate}
        self.one, self.two = (Installation(name, [f"{name}.example"], f"mail.{name}.example", ns(name), at(name), PORTS,
                                           settings=settings) for name in ("one", "two"))
        for world, person in ((self.one, ALICE), (self.two, BOB)):
            self.keep(world.start())
            world.populate(person)
            self.publish(world)
        self.dns.change("post.example.", "MX", "10 mail.post.example.")
        self.good = {r[0]: r[2] for r in self.dns.records if r[1] == "TLSA"}
        check_equal(self.good["_25._tcp.mail.two.example."].replace(" ", "").lower(),
                    f"311{spki_sha256(self.two.option('tls', 'certificate'))}", "the TLSA record that `domain dns` prints")
        self.post = self.keep(Postfix(WORK / "postfix", "post.example", "mail.post.example", at("post"), ns("post"), "10.77.0.0/24"))
        self.resolver_of(ns("post"), at("dns"))
        self.post.start()
        certificate, key = self.authority.issue("mail.sts.unsigned")
        self.sink = self.keep(Sink(at("sts"), ns("sts"), certificate, key, "mail.sts.unsigned"))
        self.policy = self.keep(PolicyServer(at("sts"), ns("sts"), *self.authority.issue("mta-sts.sts.unsigned")))
        self.policy.policy = "version: STSv1\r\nmode: enforce\r\nmx: mail.sts.unsigned\r\nmax_age: 86400\r\n"

    def resolver_of(self, netns, address):
        """`ip netns exec` shows this file as /etc/resolv.conf."""
        folder = pathlib.Path("/etc/netns") / netns
        folder.mkdir(parents=True)
        (folder / "resolv.conf").write_text(f"nameserver {address}\n")
        self.things.append(lambda: shutil.rmtree(folder))

    def publish(self, world):
        """Nothing but what `domain dns` prints."""
        for r in json.loads(world.ctl("domain", "dns", "--json", "--dmarc", "reject", world.domains[0])):
            if r["type"] != "CNAME":
                self.dns.records.append((r["name"].rstrip(".") + ".", r["type"], r["value"]))

    def end(self):
        for stop in reversed(self.things):
            try:
                stop()
            except (OSError, Failure) as e:
                print("while ending:", e)
        self.things = []


def setup():
    return World()


def teardown(w):
    try:
        stop_and_inspect(w.one, w.two)
    finally:
        w.end()


def submit(world, sender, recipients, subject, body="Body.\r\n"):
    with world.submission(sender) as s:
        check_equal(s.sendmail(sender, recipients, letter(sender, ", ".join(recipients), subject, body)), {}, "refused")


def queue(world):
    return json.loads(world.ctl("queue", "list", "--json"))


def retry(world):
    world.ctl("queue", "retry", "all", ok=False)


def wait_deferred(world, pattern):
    """The queue's one message has been tried, and its reason matches."""
    def deferred():
        entries = queue(world)
        return entries and re.search(pattern, json.dumps(entries), re.I) and entries
    try:
        return wait_until(deferred, f"{pattern!r} in the queue")
    except Failure as e:
        raise Failure(f"{e}; the queue: {queue(world)}\n{world.log_text()[-1500:]}") from None


def wait_empty(world):
    def empty():
        if not queue(world):
            return True
        retry(world)
        return False
    wait_until(empty, f"the queue of {world.name} is empty")


def counter(world, role, name):
    processes = json.loads(world.ctl("status", "--json"))
    processes = processes["processes"] if isinstance(processes, dict) else processes
    return sum(int(p["counters"].get(name, 0)) for p in processes if p["role"] == role)


def parse(text):
    return email.message_from_bytes(text, policy=email.policy.default)


def test_dane_both_ways(w):
    for world, sender, other, recipient in ((w.one, ALICE, w.two, BOB), (w.two, BOB, w.one, ALICE)):
        before = counter(world, "relay", "tls_tlsa_success")
        word = token()
        submit(world, sender, [recipient], f"By DANE {word}")
        message = parse(other.wait_message(recipient, word))
        results = re.sub(r"\s+", " ", message["Authentication-Results"])
        for what in ("spf=pass", "dkim=pass", "dmarc=pass"):
            check(what in results, f"{what} is missing in {results}")
        check_equal(results.count("dkim=pass"), 2, f"signatures, RSA and Ed25519, that verify in {results}")
        check("TLSv1.3" in str(message.get_all("Received")) or "ESMTPS" in str(message.get_all("Received")), "it came by TLS")
        wait_until(lambda: counter(world, "relay", "tls_tlsa_success") > before, "DANE was used")
        wait_empty(world)


def forget(world):
    """Until what lookup has cached is too old, and relay has closed its connections."""
    wait_until(lambda: counter(world, "relay", "open") == 0, "relay's connections are closed")
    time.sleep(TTL + 1)


def test_wrong_tlsa_is_refused_and_queued(w):
    name = "_25._tcp.mail.two.example."
    word = token()
    w.dns.change(name, "TLSA", "3 1 1 " + "ab" * 32)
    forget(w.one)
    try:
        submit(w.one, ALICE, [BOB], f"Not yet {word}")
        wait_deferred(w.one, "dane|tlsa|certificate")
        check(not any(word.encode() in t for t in w.two.texts(BOB)), "it was delivered in spite of the wrong record")
    finally:
        w.dns.change(name, "TLSA", w.good[name])
    wait_empty(w.one)
    w.two.wait_message(BOB, word)


def test_bogus_dnssec_is_refused_and_queued(w):
    word = token()
    w.dns.change("mail.two.example.", "A", w.net.address("two"), spoil=[("mail.two.example.", w.net.address("two"), "10.77.0.99")])
    forget(w.one)
    try:
        submit(w.one, ALICE, [BOB], f"Bogus {word}")
        wait_deferred(w.one, "dns|bogus|resolv|look")
    finally:
        w.dns.change("mail.two.example.", "A", w.net.address("two"))
    wait_empty(w.one)
    w.two.wait_message(BOB, word)


def test_queue_survives_restarts(w):
    words = [token() for _ in range(5)]
    w.two.stop()
    try:
        for word in words:
            submit(w.one, ALICE, [BOB], f"Later {word}")
        wait_until(lambda: len(queue(w.one)) == len(words), "all are queued")
        w.one.stop()
        w.one.start()
        check_equal(len(queue(w.one)), len(words), "queued after the restart")
    finally:
        w.two.start()
    wait_empty(w.one)
    for word in words:
        w.two.wait_message(BOB, word)
        check_equal(len([t for t in w.two.texts(BOB) if word.encode() in t]), 1, "copies")


def test_refused_recipient_is_reported(w):
    word = token()
    submit(w.one, ALICE, [BOB, "nobody@two.example"], f"To two {word}")
    w.two.wait_message(BOB, word)

    def report():
        for text in w.one.texts(ALICE):
            message = parse(text)
            if message.get_content_type() == "multipart/report" and word.encode() in text:
                return message
        return None
    message = wait_until(report, "a report about the other one")
    check_equal(message["Return-Path"], "<>", "the report's return path")
    status = [p for p in message.walk() if p.get_content_type() == "message/delivery-status"]
    check(status, "a delivery-status part")
    text = status[0].as_string()
    check("nobody@two.example" in text and "Action: failed" in text and "Status: 5." in text, f"RFC 3464 fields in {text}")
    check("bob@two.example" not in text, "the one who got it is not in the report")


def test_postfix_both_ways(w):
    word = token()
    check_equal(w.post.send(FOREIGN, [ALICE], letter(FOREIGN, ALICE, f"From Postfix {word}")), {}, "refused by Postfix")
    try:
        message = parse(w.one.wait_message(ALICE, word))
    except Failure as e:
        raise Failure(f"{e}\n{w.post.log_text()[-3000:]}") from None
    check("spf=pass" in message["Authentication-Results"], message["Authentication-Results"])
    word = token()
    submit(w.one, ALICE, [FOREIGN], f"To Postfix {word}")
    text = wait_until(lambda: next((t for t in w.post.messages() if word.encode() in t), None), f"Postfix has it\n{w.post.log_text()[-2000:]}")
    check(b"using TLSv1.3" in text, f"opportunistic TLS: {text[:1500]}")
    check(text.count(b"DKIM-Signature:") == 2, "two DKIM signatures")


def test_forged_sender_is_rejected(w):
    """From another address than the domain's SPF names, without a signature, against its policy of p=reject."""
    try:
        with inside(w.net.namespace("post")), smtplib.SMTP(w.net.address("two"), 25, timeout=60, local_hostname="mail.post.example") as s:
            s.sendmail("someone@post.example", [BOB], letter(ALICE, BOB, "I am alice"))
    except smtplib.SMTPDataError as e:
        check_equal(e.smtp_code, 550, f"{e}")
        return
    raise Failure("a forged From was accepted")


def test_forwarding_by_alias(w):
    """An alias of ours with a target elsewhere sends the message on."""
    word = token()
    w.one.ctl("alias", "add", "friends@one.example", BOB)
    submit(w.one, ALICE, ["friends@one.example"], f"Forwarded {word}")
    w.two.wait_message(BOB, word)


def test_mta_sts(w):
    word = token()
    submit(w.one, ALICE, ["someone@sts.unsigned"], f"By policy {word}")
    wait_until(lambda: any(word.encode() in t for _, t in w.sink.messages), "the policy's host has it")
    tls, _ = next((tls, t) for tls, t in w.sink.messages if word.encode() in t)
    check(tls, "it came by TLS")
    check(w.policy.asked > 0, "the policy was fetched")
    wait_empty(w.one)


def test_mta_sts_refuses_another_certificate(w):
    word = token()
    other = Authority(WORK / "other-ca", "Nobody's authority")
    good = w.sink.context
    w.sink.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    w.sink.context.load_cert_chain(*other.issue("mail.sts.unsigned"))
    forget(w.one)
    try:
        submit(w.one, ALICE, ["someone@sts.unsigned"], f"Against the policy {word}")
        wait_deferred(w.one, "sts|certificate|tls")
        check(not any(word.encode() in t for _, t in w.sink.messages), "it was sent all the same")
    finally:
        w.sink.context = good
    wait_empty(w.one)
    check(any(word.encode() in t for _, t in w.sink.messages), "it came once the certificate was right")


def test_queue_drop(w):
    word = token()
    w.two.stop()
    try:
        submit(w.one, ALICE, [BOB], f"Dropped {word}")
        entries = wait_until(lambda: queue(w.one), "it is queued")
        w.one.ctl("queue", "drop", entries[0]["id"])
        wait_until(lambda: not queue(w.one), "it is gone")
    finally:
        w.two.start()
    check(not any(word.encode() in t for t in w.two.texts(BOB)), "it was sent all the same")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, teardown)
