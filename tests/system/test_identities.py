"""Whom one may write as: aliases are identities of those whose mail comes by them, and nobody else's; and read receipts, which
go to who asked, once."""
import email
import email.policy
import json

import wire
from harness import Installation, check, check_equal, letter, main, stop_and_inspect, token
from wire import Events, WebSocket, until_change

ALICE = "alice@letterlock.test"
BOB = "bob@letterlock.test"


def setup():
    world = Installation(settings={("server", "frontends"): "1"}.items()).start().populate(ALICE, BOB)
    world.ctl("alias", "add", "office@letterlock.test", ALICE)
    world.ctl("alias", "add", "office@letterlock.test", BOB)
    world.ctl("alias", "add", "sales@letterlock.test", "office@letterlock.test")
    world.ctl("alias", "add", "boss@letterlock.test", BOB)
    return world


def ask(world, address, *calls):
    """The arguments of each answer."""
    login = wire.authorization(address, world.accounts[address])
    session = json.loads(wire.get(world, "/jmap/session", login))
    account = session["primaryAccounts"]["urn:ietf:params:jmap:mail"]
    with WebSocket(world, login) as ws:
        numbered = [[name, {"accountId": account} | args, str(i)] for i, (name, args) in enumerate(calls)]
        answers = ws.ask(*numbered, using=list(session["capabilities"]))
        return [args for _, args, _ in answers]


def identities(world, address):
    got, = ask(world, address, ("Identity/get", {}))
    return {one["email"]: one["id"] for one in got["list"]}


def submit(world, address, identity, sender, to):
    """The result of sending a letter that is written as `sender`."""
    subject = token()
    inbox, = ask(world, address, ("Mailbox/query", {"filter": {"role": "drafts"}}))
    made, sent = ask(world, address, ("Email/set", {"create": {"e": {
        "mailboxIds": {inbox["ids"][0]: True}, "from": [{"email": sender}], "to": [{"email": to}], "subject": subject,
        "bodyStructure": {"partId": "1", "type": "text/plain"}, "bodyValues": {"1": {"value": "Hello."}}}}}),
        ("EmailSubmission/set", {"create": {"s": {"identityId": identity, "emailId": "#e"}}}))
    check(made["created"], made)
    return subject, sent


def test_aliases_are_identities(world):
    check_equal(sorted(identities(world, ALICE)), [ALICE, "office@letterlock.test", "sales@letterlock.test"], "what Alice may write as")
    check_equal(sorted(identities(world, BOB)), [BOB, "boss@letterlock.test", "office@letterlock.test", "sales@letterlock.test"], "Bob")


def test_sending_as_an_alias(world):
    for alias in ("office@letterlock.test", "sales@letterlock.test"):
        subject, sent = submit(world, ALICE, identities(world, ALICE)[alias], alias, "boss@letterlock.test")
        check(sent["created"], sent)
        check(f"From: {alias}" in world.wait_message(BOB, subject).decode().replace("<", "").replace(">", ""), "who it is from")


def test_not_as_a_stranger(world):
    own = identities(world, ALICE)[ALICE]
    for stranger in ("boss@letterlock.test", BOB, "somebody@example.org"):
        _, sent = submit(world, ALICE, own, stranger, BOB)
        check_equal(sent["notCreated"]["s"]["type"], "forbiddenFrom", f"as {stranger}")
        got, = ask(world, ALICE, ("Identity/set", {"create": {"i": {"email": stranger, "name": "x"}}}))
        check_equal(got["notCreated"]["i"]["type"], "forbiddenFrom", f"an identity of {stranger}")


def test_aliases_come_and_go(world):
    world.ctl("alias", "add", "new@letterlock.test", ALICE)
    check("new@letterlock.test" in identities(world, ALICE), "a new one")
    got, = ask(world, ALICE, ("Identity/set", {"create": {"i": {"email": "new@letterlock.test", "name": "Second"}}}))
    check(got["created"], got)
    world.ctl("alias", "remove", "new@letterlock.test")
    got, = ask(world, ALICE, ("Identity/set", {"create": {"i": {"email": "new@letterlock.test", "name": "Third"}}}))
    check_equal(got["notCreated"]["i"]["type"], "forbiddenFrom", "one that is gone")


def changes(world, state):
    told, = ask(world, ALICE, ("Identity/changes", {"sinceState": state}))
    return told["created"], told["updated"], told["destroyed"], told["newState"]


def test_an_alias_comes_back_as_it_was(world):
    alias = "again@letterlock.test"
    world.ctl("alias", "add", alias, ALICE)
    old = identities(world, ALICE)[alias]
    done, = ask(world, ALICE, ("Identity/set", {"update": {old: {"name": "Again", "textSignature": "A."}}}))
    world.ctl("alias", "remove", alias)
    check_equal(changes(world, done["newState"])[:3], ([], [], [old]), "changes when it goes")
    check(alias not in identities(world, ALICE), "it is still listed")
    _, _, _, state = changes(world, done["newState"])
    world.stop()
    world.start()
    world.ctl("alias", "add", alias, ALICE)
    created, _, _, _ = changes(world, state)
    got, = ask(world, ALICE, ("Identity/get", {"ids": created}))
    check_equal([(one["email"], one["name"], one["textSignature"]) for one in got["list"]], [(alias, "Again", "A.")], "what came back")
    world.ctl("alias", "remove", alias)


def test_aliases_are_pushed(world):
    """What the operator gives and takes is told of to who has a client open, and to nobody else."""
    login = wire.authorization(ALICE, world.accounts[ALICE])
    identities(world, ALICE), identities(world, BOB)
    for n, version in enumerate(("HTTP/1.1", "HTTP/2")):
        alias = f"pushed{n}@letterlock.test"
        with Events(world, login, version=version) as events, WebSocket(world, login, version=version) as ws, \
                Events(world, wire.authorization(BOB, world.accounts[BOB]), version=version) as other:
            ws.send({"@type": "WebSocketPushEnable", "dataTypes": ["Identity"]})
            ws.ask(["Core/echo", {}, "0"])
            for how, there in (("add", True), ("remove", False)):
                world.ctl("alias", how, alias, ALICE)
                until_change(events, "Identity")
                until_change(ws, "Identity")
                check_equal(alias in identities(world, ALICE), there, how)
            check_equal(other.change(0.2), None, "another's aliases")
            check_equal(events.change(0.2), None, "told of twice")


def test_an_alias_that_came_while_nobody_was_there(world):
    """A client that comes back with the state it had is told of it without asking for identities."""
    login = wire.authorization(ALICE, world.accounts[ALICE])
    identities(world, ALICE)
    with Events(world, login) as events:
        world.ctl("alias", "add", "before@letterlock.test", ALICE)
        last = events.next()["id"]
    world.stop()
    world.start()
    world.ctl("alias", "add", "meanwhile@letterlock.test", ALICE)
    with Events(world, login, ("Last-Event-ID", last)) as events:
        until_change(events, "Identity")
    check("meanwhile@letterlock.test" in identities(world, ALICE), "the alias")


def test_all_of_a_domain(world):
    world.ctl("alias", "add", "@letterlock.test", ALICE)
    got, = ask(world, ALICE, ("Identity/set", {"create": {"i": {"email": "whoever@letterlock.test", "name": "W"}}}))
    check(got["created"], got)
    _, sent = submit(world, ALICE, got["created"]["i"]["id"], "whoever@letterlock.test", BOB)
    check(sent["created"], sent)
    check("@letterlock.test" not in identities(world, ALICE), "no identity of a domain")


def a_receipt_by_submission(world, disposition):
    """Bob's letter asks for one, and Alice sends it; the letter's subject."""
    subject = token()
    with world.submission(BOB) as s:
        s.sendmail(BOB, [ALICE], letter(BOB, ALICE, subject, **{"Disposition-Notification-To": BOB}))
    world.wait_message(ALICE, subject)
    found, identity = ask(world, ALICE, ("Email/query", {"filter": {"subject": subject}}), ("Identity/get", {}))
    sent, = ask(world, ALICE, ("MDN/send", {"identityId": identity["list"][0]["id"], "send": {"k": {
        "forEmailId": found["ids"][0], "disposition": disposition}}}))
    check(sent["sent"], sent)
    return subject


def test_a_receipt(world):
    subject = token()
    world.deliver(BOB, [ALICE], letter(BOB, ALICE, subject, **{"Disposition-Notification-To": BOB}))
    world.wait_message(ALICE, subject)
    found, identity = ask(world, ALICE, ("Email/query", {"filter": {"subject": subject}}), ("Identity/get", {}))
    call = ("MDN/send", {"identityId": identity["list"][0]["id"], "send": {"k": {
        "forEmailId": found["ids"][0], "finalRecipient": "rfc822; sales@letterlock.test", "subject": f"Read: {subject}", "disposition": {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}}}})
    sent, = ask(world, ALICE, call)
    check(sent["sent"], sent)
    text = world.wait_message(BOB, f"Read: {subject}").decode()
    check("Final-Recipient: rfc822; sales@letterlock.test" in text, text)
    check("disposition-notification" in text and "manual-action/mdn-sent-manually; displayed" in text, text)
    again, = ask(world, ALICE, call)
    check_equal(again["notSent"]["k"]["type"], "mdnAlreadySent", "the second time")
    imap = world.imap(ALICE)
    imap.select("INBOX")
    check_equal(len(imap.search(None, "KEYWORD", "$MDNSent", "SUBJECT", subject)[1][0].split()), 1, "IMAP sees that it was sent")


def test_a_receipt_in_the_owners_language(world):
    """What a client leaves to the server: also where the language changes while its session runs."""
    for code, read, text in (("de", "Gelesen", "angezeigt wurde"), ("fr", "Lu ", "été\r\naffiché"), ("none", "Read", "shown to its")):
        world.ctl("account", "language", ALICE, code)
        subject = a_receipt_by_submission(world, {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"})
        got = email.message_from_bytes(world.wait_message(BOB, f"{read}: {subject}"), policy=email.policy.default)
        part = next(got.iter_parts())
        check_equal((got["Subject"], part["Content-Language"]), (f"{read}: {subject}", code if code != "none" else "en"), "the receipt")
        check(text.encode() in part.get_payload(decode=True), part.get_content())


def test_a_receipt_without_asking(world):
    """May go to who wrote the letter, as its return path says; a colleague's letter has one like any other."""
    subject = a_receipt_by_submission(world, {"actionMode": "automatic-action", "sendingMode": "mdn-sent-automatically", "type": "displayed"})
    check(world.wait_message(BOB, f"Read: {subject}").startswith(b"Return-Path: <>\r\n"), "its own return path is null")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
