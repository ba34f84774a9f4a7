"""Letters that leave by JMAP: held on the server so that they can be taken back or go at their time, once, to people here and
elsewhere, whatever dies meanwhile; and vacation notices, one for each person, none for lists."""
import base64
import datetime
import email
import email.policy
import http.client
import json
import os
import re
import signal
import time

from harness import WORK, Installation, check, check_equal, free_ports, letter, main, stop_and_inspect, token, wait_until
from nameserver import Nameserver, Zone
from sink import Sink

ALICE, BOB = "alice@letterlock.test", "bob@letterlock.test"
ELSEWHERE = "someone@elsewhere.example"
USING = [f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "submission", "vacationresponse")]
HOLD = 6  # seconds; what is taken back is held for longer


class World:
    def __init__(self):
        port = free_ports(1, "127.0.0.2")[0]
        zone = Zone("elsewhere.example", WORK / "zones")
        zone.add("@ MX 10 mx", "mx A 127.0.0.2")
        self.dns = Nameserver([zone], WORK / "zones")
        self.sink = Sink("127.0.0.2", port)
        self.one = Installation("one", settings={
            ("dns", "stub"): self.dns.stubs, ("dns", "trust_anchor"): self.dns.write_anchors(WORK / "anchor"), ("relay", "port"): port})
        self.one.start().populate(ALICE, BOB)
        self.account = self.ask("GET", "/jmap/session")["primaryAccounts"]["urn:ietf:params:jmap:mail"]
        boxes, identities = self.calls(("Mailbox/get", {}), ("Identity/get", {}))
        self.drafts = next(b["id"] for b in boxes["list"] if b["role"] == "drafts")
        self.identity = next(i["id"] for i in identities["list"] if i["email"] == ALICE)

    def ask(self, method, path, body=None):
        c = http.client.HTTPSConnection(self.one.hostname, self.one.ports["https"])
        c.sock = self.one.connect_tls("https")
        word = base64.b64encode(f"{ALICE}:{self.one.accounts[ALICE]}".encode()).decode()
        c.request(method, path, body=json.dumps(body) if body else None,
                  headers={"Host": self.one.hostname, "Authorization": f"Basic {word}", "Content-Type": "application/json"})
        r = c.getresponse()
        text = r.read()
        check_equal(r.status, 200, f"{path}: {text[:500]}")
        return json.loads(text)

    def calls(self, *wanted):
        methods = [[name, {"accountId": self.account} | args, str(i)] for i, (name, args) in enumerate(wanted)]
        replies = self.ask("POST", "/jmap/api", {"using": USING, "methodCalls": methods})["methodResponses"]
        check_equal([r[0] for r in replies][:len(wanted)], [name for name, _ in wanted], str(replies)[:1000])
        return [r[1] for r in replies]

    def send(self, *recipients, hold=0, parameters=None):
        """Writes a draft and submits it: the token in it, and the submission."""
        mark = token()
        draft = {"mailboxIds": {self.drafts: True}, "keywords": {"$draft": True}, "subject": mark, "from": [{"email": ALICE}],
                 "to": [{"email": r} for r in recipients], "bodyStructure": {"partId": "1", "type": "text/plain"},
                 "bodyValues": {"1": {"value": f"Text {mark}"}}}
        sender = {"email": ALICE, "parameters": parameters or ({"HOLDFOR": str(hold)} if hold else None)}
        made, sent, *_ = self.calls(
            ("Email/set", {"create": {"d": draft}}),
            ("EmailSubmission/set", {"create": {"s": {
                "identityId": self.identity, "emailId": "#d", "envelope": {"mailFrom": sender, "rcptTo": [{"email": r} for r in recipients]}}}}))
        check("d" in (made["created"] or {}), made)
        check("s" in (sent["created"] or {}), sent)
        return mark, sent["created"]["s"]

    def undo(self, submission):
        done, = self.calls(("EmailSubmission/set", {"update": {submission["id"]: {"undoStatus": "canceled"}}}))
        return done

    def submission(self, submission):
        got, = self.calls(("EmailSubmission/get", {"ids": [submission["id"]]}))
        return got["list"][0]

    def here(self, mark, address=BOB):
        """How many copies are in its inbox."""
        return sum(mark.encode() in t for t in self.one.texts(address))

    def there(self, mark):
        return sum(mark in m for m in self.sink.messages)

    def queue(self):
        return json.loads(self.one.ctl("queue", "list", "--json"))

    def kill(self, role):
        """As a crash would; the parent starts a successor."""
        self.one.killed = True
        old = self.one.pids(role)
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.one.pids(role) and not set(old) & set(self.one.pids(role)), f"another {role}")

    def arrives_once(self, mark, here=True, there=True, seconds=90):
        wait_until(lambda: self.here(mark) >= here and self.there(mark) >= there, f"{mark} arrives", seconds)
        wait_until(lambda: not self.queue(), "the queue is empty", 60)
        time.sleep(2)
        check_equal((self.here(mark), self.there(mark)), (int(here), int(there)), "copies here and there")


def setup():
    return World()


def teardown(w):
    try:
        stop_and_inspect(w.one)
    finally:
        w.sink.close()
        w.dns.stop()


# --- sending, at once and later ---

def test_sent_at_once(w):
    mark, submission = w.send(BOB, ELSEWHERE)
    check_equal(submission.get("undoStatus", "final"), "final", "nothing to undo")
    w.arrives_once(mark)
    check("cannotUnsend" in json.dumps(w.undo(submission)), "sent is sent")


def trace(w, mark):
    """The fields that servers put on top of a copy here; and that a copy elsewhere has no return path, which is not final yet."""
    text = next(t for t in w.one.texts(BOB) if mark.encode() in t)
    got = next(m for m in w.sink.messages if mark in m)
    check(b"Return-Path" not in got.data, "a Return-Path field went out")
    return [re.sub(r"\s+", " ", f) for f in re.split(r"\r\n(?![ \t])", text.decode().split("\r\n\r\n")[0])][:3]


def test_a_return_path_where_it_is_delivered(w):
    """At once, and when it was held until now (RFC 5321 section 4.4)."""
    for hold in (0, HOLD):
        mark, _ = w.send(BOB, ELSEWHERE, hold=hold)
        w.arrives_once(mark)
        path, results, received = trace(w, mark)
        check_equal(path, f"Return-Path: <{ALICE}>", "the first field")
        check_equal(results, f"Authentication-Results: {w.one.hostname}; auth=pass smtp.mailfrom={ALICE}", "the second")
        check(received.startswith("Received: from submission by"), received)


def test_held_and_taken_back(w):
    mark, submission = w.send(BOB, ELSEWHERE, hold=15)
    check_equal(w.submission(submission)["undoStatus"], "pending", "status")
    check_equal(len(w.queue()), 1, "held in the queue")
    check("updated" in w.undo(submission) and w.submission(submission)["undoStatus"] == "canceled", "taken back")
    wait_until(lambda: not w.queue(), "the queue is empty", 30)
    check("cannotUnsend" in json.dumps(w.undo(submission)) or w.submission(submission)["undoStatus"] == "canceled", "once")
    time.sleep(17)
    check_equal((w.here(mark), w.there(mark)), (0, 0), "copies of what was taken back")


def test_taken_back_after_a_restart_and_after_crashes(w):
    mark, submission = w.send(BOB, ELSEWHERE, hold=60)
    other, kept = w.send(BOB, ELSEWHERE, hold=60)
    w.one.stop()
    w.one.start()
    w.kill("relay")
    check("notUpdated" not in {k for k, v in w.undo(submission).items() if v}, "taken back after a restart")
    w.kill("delivery")
    wait_until(lambda: "notUpdated" not in {k for k, v in w.undo(kept).items() if v} or w.submission(kept)["undoStatus"] == "canceled",
               "taken back after delivery died", 60)
    wait_until(lambda: not w.queue(), "the queue is empty", 30)
    for m in (mark, other):
        check_equal((w.here(m), w.there(m)), (0, 0), "copies of what was taken back")


def test_scheduled(w):
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=HOLD)
    began = time.time()
    mark, submission = w.send(BOB, ELSEWHERE, parameters={"HOLDUNTIL": due.strftime("%Y-%m-%dT%H:%M:%SZ")})
    check_equal((w.here(mark), w.there(mark), w.submission(submission)["undoStatus"]), (0, 0, "pending"), "not before its time")
    w.arrives_once(mark)
    check(time.time() - began >= HOLD - 1, "it came too early")
    check_equal(w.submission(submission)["undoStatus"], "final", "status")


def test_scheduled_arrives_once_through_crashes(w):
    for role in ("relay", "delivery"):
        mark, _ = w.send(BOB, ELSEWHERE, hold=HOLD)
        w.kill(role)
        w.arrives_once(mark, seconds=180)
    mark, _ = w.send(BOB, ELSEWHERE, hold=HOLD)
    w.one.stop()
    time.sleep(HOLD)
    check_equal(w.there(mark), 0, "nothing while it is stopped")
    w.one.start()
    w.arrives_once(mark)


# --- vacation ---

def notices(w, to):
    return [m for m in w.sink.messages if to in m.recipients and b"On holiday" in m.data]


def own_words(w):
    """Nothing is said of what the notice says: the server says it, in the owner's language."""
    for code, subject, text in (("fr", "Réponse automatique : Bonjour", "Je ne suis pas là et lirai votre message plus tard."),
                                ("none", "Auto: Bonjour", "I am away and will read your message later.")):
        w.one.ctl("account", "language", ALICE, code)
        w.calls(("VacationResponse/set", {"update": {"singleton": {"isEnabled": True, "subject": None, "textBody": None}}}))
        friend = f"{token()}@elsewhere.example"
        w.one.deliver(friend, [ALICE], letter(friend, ALICE, "Bonjour"))
        data = wait_until(lambda: [m.data for m in w.sink.messages if friend in m.recipients], "the notice")[0]
        got = email.message_from_bytes(data, policy=email.policy.default)
        check_equal((got["Subject"], got["Content-Language"], got.get_content().strip()), (subject, code if code != "none" else "en", text), "words")
    w.calls(("VacationResponse/set", {"update": {"singleton": {"isEnabled": False}}}))


def test_vacation_notice(w):
    set_notice, = w.calls(("VacationResponse/set", {"update": {"singleton": {
        "isEnabled": True, "subject": "On holiday", "textBody": "Back in June."}}}))
    check("singleton" in (set_notice["updated"] or {}), set_notice)
    friend, other, robot = (f"{name}@elsewhere.example" for name in ("friend", "other", "robot"))
    for _ in range(3):
        w.one.deliver(friend, [ALICE], letter(friend, ALICE, "Hello"))
    wait_until(lambda: notices(w, friend), "a notice")
    notice = notices(w, friend)[0]
    check_equal(notice.sender, "", "the null sender")
    text = email.message_from_bytes(notice.data, policy=email.policy.default)
    check_equal((text["Auto-Submitted"], text["To"], text.get_content().strip()), ("auto-replied", friend, "Back in June."), "the notice")
    for headers in ({"List_Id": "<list.elsewhere.example>"}, {"Precedence": "bulk"}, {"Auto_Submitted": "auto-generated"},
                    {"List_Unsubscribe": "<mailto:x@elsewhere.example>"}):
        w.one.deliver(robot, [ALICE], letter(robot, ALICE, "To the list", **headers))
    w.one.deliver(robot, [ALICE], letter(robot, "list@elsewhere.example", "Not to me"))
    w.one.deliver("", [ALICE], letter(robot, ALICE, "A report"))
    for name in ("owner-list", "list-request", "mailer-daemon"):
        w.one.deliver(f"{name}@elsewhere.example", [ALICE], letter(f"{name}@elsewhere.example", ALICE, "From a list"))
    w.one.deliver(other, [ALICE], letter(other, ALICE, "The last"))
    wait_until(lambda: notices(w, other), "a notice for the last one: those before were looked at")
    wait_until(lambda: not w.queue(), "the queue is empty", 60)
    got = sorted(r for m in w.sink.messages if b"On holiday" in m.data for r in m.recipients)
    check_equal(got, sorted([friend, other]), "who was told")
    w.one.stop()
    w.one.start()
    w.one.deliver(friend, [ALICE], letter(friend, ALICE, "Again"))
    w.calls(("VacationResponse/set", {"update": {"singleton": {"isEnabled": False}}}))
    own_words(w)
    third = "third@elsewhere.example"
    w.one.deliver(third, [ALICE], letter(third, ALICE, "Are you there?"))
    w.one.wait_message(ALICE, "Are you there?")
    time.sleep(3)
    check_equal((len(notices(w, friend)), len(notices(w, third))), (1, 0), "after a restart, and turned off")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)]

if __name__ == "__main__":
    main(TESTS, setup, teardown)
