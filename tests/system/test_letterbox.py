"""The server's side of letters under a password, by its API alone (docs/api/letters.md): who gets what, what counts as a guess,
limits, replies that are never lost, and what is over after a restart. Sign-in is done by the web client's key library under node."""
import base64
import hashlib
import http.client
import json
import os
import secrets
import signal
import time

from harness import Installation, check, check_equal, main, stop_and_inspect, wait_until
from test_websign import DOMAIN, PASSWORD, Client, Problem, bundle, refused

PIECE = 61440
DAY = 86400


def b64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pieces(raw):
    return [raw[at:at + PIECE] for at in range(0, len(raw), PIECE)]


class Letter:
    """A letter as a client makes it: bytes that nobody but the reader understands."""

    def __init__(self, *parts):
        self.id, self.access = secrets.token_bytes(16), secrets.token_bytes(32)
        self.parts = parts or (b"link" * 30, b"text" * 50000)

    @property
    def who(self):
        return {"id": b64(self.id), "access": b64(self.access)}

    def create(self, client, lasts=DAY, **more):
        hashed = hashlib.sha256(b"letterlock/1/verifier\0" + self.access).digest()
        client.post("letter-create", **{
            "id": b64(self.id), "accessHash": b64(hashed), "to": "anna@elsewhere.example", "messageId": "<one@letterlock.test>", "note": b64(b"note"),
            "expires": int(time.time()) + lasts, "parts": [{"size": len(p)} for p in self.parts]} | more)
        return self

    def put(self, client, leave_out=()):
        for n, part in enumerate(self.parts):
            for i, piece in enumerate(pieces(part)):
                if (n, i) not in leave_out:
                    client.post("letter-put", id=b64(self.id), part=n, piece=i, data=b64(piece))
        return self

    def publish(self, client):
        client.post("letter-publish", id=b64(self.id))
        return self

    def listed(self, client):
        return next((x for x in everything(client) if x["id"] == b64(self.id)), None)


def everything(client):
    found = []
    while True:
        page = client.post("letters", skip=len(found))
        found += page["letters"]
        if not page["more"]:
            return found


def ask(world, command, method="POST", headers=None, **body):
    """As a reader, who has no account: (status, answer, headers)."""
    c = http.client.HTTPSConnection(world.hostname, world.ports["https"])
    c.sock = world.connect_tls("https")
    c.request(method, f"/api/v1/letter/{command}", body=json.dumps(body), headers={"Host": world.hostname, "Content-Type": "text/plain", "Origin": "null"} | (headers or {}))
    r = c.getresponse()
    answer = json.loads(r.read())
    c.close()
    return r.status, answer, r.headers


def says(world, status, what, command, **body):
    got, answer, _ = ask(world, command, **body)
    check_equal((got, answer.get("type")), (status, f"urn:letterlock:{what}"), command)


def answer_of(world, command, **body):
    status, answer, _ = ask(world, command, **body)
    check_equal(status, 200, f"{command}: {answer}")
    return answer


def setup():
    world = Installation(domains=(DOMAIN,)).start().populate()
    bundle()
    world.killed = True  # processes, by the tests
    world.clients = {}
    for name in ("alice", "bob"):
        made = json.loads(world.ctl("--json", "account", "add", f"{name}@{DOMAIN}", "--quota", "1M", "--password-stdin", "--no-confirm", "--app-password", "test",
                                    stdin=PASSWORD.encode() + b"\n"))
        world.accounts[f"{name}@{DOMAIN}"] = made["app_password"]["password"]
        sign_in(world, name)
    return world


def sign_in(world, name):
    if name in world.clients:
        world.clients[name].close()
    world.clients[name] = Client(world)
    world.clients[name].login(f"{name}@{DOMAIN}")


def teardown(world):
    for c in world.clients.values():
        c.close()
    stop_and_inspect(world)


def test_a_draft_is_nobodys_until_all_of_it_is_there(world):
    alice = world.clients["alice"]
    one = Letter().create(alice)
    refused("exists", one.create, alice)
    one.put(alice, leave_out={(1, 2)})
    says(world, 404, "not-found", "state", id=b64(one.id))
    refused("state", one.publish, alice)
    refused("malformed", alice.post, "letter-put", id=b64(one.id), part=1, piece=2, data=b64(b"short"))
    refused("malformed", alice.post, "letter-put", id=b64(one.id), part=2, piece=0, data=b64(b"x"))
    one.put(alice).publish(alice)
    check_equal(answer_of(world, "state", id=b64(one.id))["state"], "open", "state")
    refused("state", alice.post, "letter-put", id=b64(one.id), part=0, piece=0, data=b64(one.parts[0]))
    world.one = one


def test_only_the_proof_opens_it(world):
    one = world.one
    wrong = one.who | {"access": b64(secrets.token_bytes(32))}
    says(world, 401, "refused", "open", **wrong)
    says(world, 401, "refused", "part", **wrong, part=0, piece=0)
    says(world, 401, "refused", "reply", **wrong, size=10)
    says(world, 400, "malformed", "open", **one.who | {"access": ""})
    opened = answer_of(world, "open", **one.who)
    check_equal([p["size"] for p in opened["parts"]], [len(p) for p in one.parts], "sizes")
    for n, part in enumerate(one.parts):
        got = b"".join(unb64(answer_of(world, "part", **one.who, part=n, piece=i)["data"]) for i in range(len(pieces(part))))
        check(got == part, f"part {n} is another")
    says(world, 404, "not-found", "part", **one.who, part=2, piece=0)
    says(world, 404, "not-found", "part", **one.who, part=1, piece=9)
    listed = one.listed(world.clients["alice"])
    check_equal((listed["opens"], listed["to"], unb64(listed["note"])), (1, "anna@elsewhere.example", b"note"), "in the list")


def test_it_belongs_to_its_author(world):
    bob = world.clients["bob"]
    check_equal(everything(bob), [], "bob's letters")
    for command, more in (("letter-withdraw", {}), ("letter-forget", {}), ("letter-change", {"expires": int(time.time()) + 100}), ("letter-publish", {}),
                          ("letter-put", {"part": 0, "piece": 0, "data": b64(world.one.parts[0])})):
        refused("not-found", bob.post, command, id=b64(world.one.id), **more)
    says(world, 401, "signed-out", "withdraw", id=b64(world.one.id))
    status, _, headers = ask(world, "state", id=b64(world.one.id))
    check_equal((status, headers["Access-Control-Allow-Origin"], headers["Set-Cookie"]), (200, "*", None), "for pages of every origin")
    check_equal(ask(world, "state", method="GET")[0], 405, "GET")
    check_equal(ask(world, "state", headers={"Content-Type": "application/x-www-form-urlencoded"})[0], 415, "a form")


def test_limits(world):
    alice = world.clients["alice"]
    for bad in ({"lasts": 91 * DAY}, {"lasts": 0}, {"messageId": "<a b@c>"}, {"messageId": "<a@b>\r\nX: y"}, {"to": "a\r\nBcc: b"}, {"parts": []}, {"parts": [{"size": 1}]},
                {"parts": [{"size": 1}, {"size": 0}]}, {"accessHash": b64(b"short")}, {"id": None}):
        refused("malformed", Letter().create, alice, **bad)
    refused("too-large", Letter().create, alice, parts=[{"size": 1}, {"size": 40 << 20}])
    refused("too-large", Letter().create, alice, parts=[{"size": 1}] * 102)
    refused("quota", Letter().create, alice, parts=[{"size": 1}, {"size": 1 << 20}])
    few = Letter().create(alice, maxOpens=1).put(alice).publish(alice)
    says(world, 409, "state", "part", **few.who, part=0, piece=0)
    check_equal(answer_of(world, "open", **few.who)["opensLeft"], 0, "left")
    answer_of(world, "part", **few.who, part=0, piece=0)
    says(world, 410, "used", "open", **few.who)
    says(world, 410, "used", "state", id=b64(few.id))
    refused("limit", alice.post, "letter-change", id=b64(few.id), expires=int(time.time()) + 91 * DAY)


def test_guesses_are_counted_for_the_letter(world):
    alice = world.clients["alice"]
    one = Letter(b"link", b"text").create(alice).put(alice).publish(alice)
    for _ in range(3):
        answer_of(world, "open", **one.who)  # what is right takes nothing
    for _ in range(10):
        says(world, 401, "refused", "open", **one.who | {"access": b64(secrets.token_bytes(32))})
    status, answer, _ = ask(world, "open", **one.who)
    check_equal(status, 429, "too many guesses")
    check(60 < answer["retryAfter"] <= 120, answer)
    answer_of(world, "open", **world.one.who)  # another letter is not concerned


def reply(world, one, raw, send=True):
    n = answer_of(world, "reply", **one.who, size=len(raw))["reply"]
    for i, piece in enumerate(pieces(raw)):
        answer_of(world, "reply-put", **one.who, reply=n, piece=i, data=b64(piece))
    if send:
        answer_of(world, "reply-send", **one.who, reply=n)
    return n


def encrypted(size):
    """Nobody can open it; it begins as what is encrypted to a key begins."""
    return b"\xc1\x5e\x03" + secrets.token_bytes(size - 3)


def replies_in(world, raw):
    """How often it lies in the inbox."""
    texts = [t for t in world.texts(f"alice@{DOMAIN}") if b"X-Letterlock-Letter: reply" in t]
    bodies = [base64.b64decode(t.split(b"-----BEGIN PGP MESSAGE-----")[1].split(b"-----END")[0]) for t in texts]
    return bodies.count(raw)


def test_a_reply_is_a_message(world):
    one, raw = world.one, encrypted(2 * PIECE + 1001)
    n = reply(world, one, raw)
    answer_of(world, "reply-send", **one.who, reply=n)  # the answer was lost, and the page asks again
    wait_until(lambda: replies_in(world, raw), "the reply")
    check_equal(replies_in(world, raw), 1, "copies")
    text = next(t for t in world.texts(f"alice@{DOMAIN}") if b"X-Letterlock-Letter" in t)
    for line in (b"In-Reply-To: <one@letterlock.test>", b"Reply-To: anna@elsewhere.example", b"anna (protected letter)", b"Subject: [...]",
                 b'multipart/encrypted; protocol="application/pgp-encrypted"'):
        check(line in text, f"{line} is not in the header")
    check_equal(one.listed(world.clients["alice"])["replies"], 1, "replies")


def test_what_is_no_reply_is_refused(world):
    one = world.one
    n = answer_of(world, "reply", **one.who, size=PIECE + 5)["reply"]
    says(world, 400, "malformed", "reply-put", **one.who, reply=n, piece=0, data=b64(b"a" * PIECE))
    says(world, 409, "state", "reply-put", **one.who, reply=n, piece=1, data=b64(b"tail."))
    says(world, 400, "malformed", "reply-put", **one.who, reply=n, piece=0, data=b64(encrypted(20)))
    answer_of(world, "reply-put", **one.who, reply=n, piece=0, data=b64(encrypted(PIECE)))
    says(world, 400, "malformed", "reply-put", **one.who, reply=n, piece=1, data=b64(b"more than it said"))
    says(world, 409, "state", "reply-send", **one.who, reply=n)
    says(world, 409, "state", "reply-send", **one.who, reply=n + 1)
    says(world, 413, "too-large", "reply", **one.who, size=17 << 20)
    check_equal(answer_of(world, "reply", **one.who, size=10)["reply"], n, "the unfinished one gives way")


def test_a_reply_that_was_accepted_is_not_lost(world):
    """Delivery hangs and dies, then auth dies, then the letter is withdrawn: it comes all the same, once."""
    one, raw = world.one, encrypted(5000)
    for pid in world.pids("delivery"):
        os.kill(pid, signal.SIGSTOP)
    reply(world, one, raw)
    for pid in world.pids("auth"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: retried(lambda: one.listed(world.clients["alice"])), "auth is back")
    world.clients["alice"].post("letter-withdraw", id=b64(one.id))
    says(world, 410, "withdrawn", "open", **one.who)
    for pid in world.pids("delivery"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: replies_in(world, raw), "the reply")
    check_equal(replies_in(world, raw), 1, "copies")


def retried(call):
    try:
        return call()
    except Problem:
        return None


def test_one_that_is_told_of_later_lasts_from_then_on(world):
    alice = world.clients["alice"]
    then = int(time.time()) + 40 * DAY
    one = Letter().create(alice, sendAt=then, expires=then + 90 * DAY).put(alice).publish(alice)
    info = one.listed(alice)
    check_equal((info["sendAt"], info["expires"], info["messageId"]), (then, then + 90 * DAY, "<one@letterlock.test>"), "as it was made")
    refused("limit", alice.post, "letter-change", id=b64(one.id), expires=then + 90 * DAY + 1)
    alice.post("letter-change", id=b64(one.id), expires=then + 80 * DAY)
    check_equal(one.listed(alice)["expires"], then + 80 * DAY, "changed")
    for sends, expires in ((then, then + 90 * DAY + 100), (then, then), (then, then - DAY), (then + 330 * DAY, then + 331 * DAY)):
        refused("malformed", Letter().create, alice, sendAt=sends, expires=expires)
    alice.post("letter-withdraw", id=b64(one.id))
    alice.post("letter-forget", id=b64(one.id))
    check_equal(one.listed(alice), None, "cancelled")


def test_what_ends_is_deleted_also_over_a_restart(world):
    alice = world.clients["alice"]
    lasting, short = (Letter().create(alice, lasts=lasts).put(alice).publish(alice) for lasts in (DAY, 3))
    gone = Letter().create(alice).put(alice).publish(alice)
    used = sum(x["size"] for x in everything(alice))
    alice.post("letter-withdraw", id=b64(gone.id))
    check_equal(used - sum(x["size"] for x in everything(alice)), sum(len(p) for p in gone.parts), "what was withdrawn takes no room")
    world.stop()
    time.sleep(3)  # its time is over meanwhile
    world.start()
    sign_in(world, "alice")
    alice = world.clients["alice"]
    says(world, 410, "expired", "open", **short.who)
    says(world, 410, "withdrawn", "state", id=b64(gone.id))
    wait_until(lambda: short.listed(alice)["size"] == 0, "its parts are deleted")
    check_equal((short.listed(alice)["state"], gone.listed(alice)["state"]), ("expired", "withdrawn"), "states")
    check_equal(len(answer_of(world, "open", **lasting.who)["parts"]), 2, "parts of the other")
    answer_of(world, "part", **lasting.who, part=1, piece=3)
    alice.post("letter-forget", id=b64(gone.id))
    refused("state", alice.post, "letter-forget", id=b64(lasting.id))
    says(world, 404, "not-found", "state", id=b64(gone.id))


def test_letters_go_with_their_account(world):
    bob = world.clients["bob"]
    one = Letter().create(bob).put(bob).publish(bob)
    answer_of(world, "open", **one.who)
    world.ctl("account", "delete", f"bob@{DOMAIN}", "--yes")
    says(world, 404, "not-found", "open", **one.who)


if __name__ == "__main__":
    main([test_a_draft_is_nobodys_until_all_of_it_is_there, test_only_the_proof_opens_it, test_it_belongs_to_its_author, test_limits,
          test_guesses_are_counted_for_the_letter, test_a_reply_is_a_message, test_what_is_no_reply_is_refused, test_a_reply_that_was_accepted_is_not_lost,
          test_one_that_is_told_of_later_lasts_from_then_on, test_what_ends_is_deleted_also_over_a_restart, test_letters_go_with_their_account], setup, teardown)
