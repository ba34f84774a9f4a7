"""Each role, taken over: what it may not do fails, the parent starts a successor, and the service goes on.

The binary is Letterlock with attack.c linked into it; see there for the order of what a hostile process does."""
import base64
import http.client
import json
import re

from harness import (ATTACK, ROOT, Failure, Installation, Skip, check, check_equal, letter, main, stop_and_inspect, token,
                     wait_until)

ROLES = ("store", "tlskey", "lookup", "session", "auth", "relay", "delivery", "frontend")
# What counts as denied. ENOSYS: the filter's polite answer to calls that newer C libraries only probe for.
DENIED = {"trapped", "EPERM", "EACCES", "ENOSYS"}
LINE = re.compile(r"attack role=(\S+) stage=(\S+) name=(\S+) outcome=(\S+)")
ALICE, BOB = "alice@letterlock.test", "bob@letterlock.test"


def setup():
    if not ATTACK:
        raise Skip("run.py was given no --attack binary")
    world = Installation(binary=ATTACK).start().populate(ALICE, BOB)
    world.killed = True
    round_trip(world)
    return world


def round_trip(world):
    word = token()

    def deliver():
        return world.deliver("someone@example.net", [ALICE], letter("someone@example.net", ALICE, "Round trip", word)) == {}
    wait_until(deliver, "a message is accepted")
    world.wait_message(ALICE, word)


def reports(text):
    """{(role, stage): {name: outcome}}"""
    found = {}
    for role, stage, name, outcome in LINE.findall(text):
        found.setdefault((role, stage), {})[name] = outcome
    return found


def take_over(world, role, victim=""):
    """Starts the server with one hostile role; what it reported, once its successor serves."""
    world.stop()
    world.data.with_name(world.data.name + ".attack").write_text(f"{role} {victim}\n")
    offset = len(world.log_text())
    world.start()
    return offset


def verify(found, role, label=None):
    label = label or role
    controls, inside = found.get((role, "control"), {}), found.get((label, "sandbox"), {})
    check(len(inside) > 25, f"{label} made only {len(inside)} attempts")
    worked = {name: outcome for name, outcome in inside.items() if outcome not in DENIED}
    check(not worked, f"{label} succeeded, or failed for another reason than being denied: {worked}")
    if ROOT:
        broken = {name: outcome for name, outcome in controls.items() if outcome != "worked"}
        check(controls and not broken, f"outside of the sandbox these should work: {broken or 'none was tried'}")


def hostile(role):
    def test(world):
        offset = take_over(world, role)

        def ended():
            return f"process-died role={role} " in world.log_text()[offset:]
        wait_until(ended, f"the hostile {role} is ended")
        found = reports(world.log_text()[offset:])
        verify(found, role)
        messages = found.get((role, "message"), {})
        check(messages, f"{role} sent no forbidden message")
        went_on = {name: outcome for name, outcome in messages.items() if outcome != "EPIPE"}
        check(not went_on, f"peers of {role} went on talking to it: {went_on}")
        died = re.search(rf"process-died role={role} index=\d+ pid=\d+ signal=(\d+) status=(\d+)", world.log_text()[offset:])
        check_equal(died.groups(), ("0", "159"), f"how {role} ended (signal, status)")
        round_trip(world)
    test.__name__ = f"test_{role}_taken_over"
    return test


def test_forbidden_message_to_the_parent(world):
    offset = take_over(world, "tlskey", "parent")
    died = wait_until(lambda: re.search(r"process-died role=tlskey index=0 pid=\d+ signal=(\d+) status=(\d+)",
                                        world.log_text()[offset:]), "the parent ends the hostile process")
    check_equal(died.groups(), ("9", "0"), "how it ended (signal, status)")
    round_trip(world)


def test_flood_of_the_log(world):
    """A process that writes without end fills no disk, hides nobody's lines and signs none with another's name."""
    offset = take_over(world, "tlskey", "log")
    wait_until(lambda: "log-suppressed role=tlskey" in world.log_text()[offset:], "the parent says that lines were left out")
    address = f"{token()}@letterlock.test"
    world.add_account(address)
    text = world.log_text()[offset:]
    check(f'auth account-created address="{address}"' in text, "another process's line is missing")
    check(len(text) < 1 << 20, f"the log grew by {len(text)} bytes")
    lines = [line.split(" ", 3)[1:] for line in text.splitlines() if " flood n=" in line]
    check(len(lines) > 1000, f"only {len(lines)} lines came through at first")
    check_equal({role for _, role, _ in lines}, {"tlskey"}, "the processes that the lines are said to be from")
    check(any(rest.startswith("output error auth flood") for _, _, rest in lines), "the false lines are not marked")
    round_trip(world)


def test_dropped_peer_lives_on(world):
    """A process breaks the protocol once and is dropped by each peer, but nobody dies: they are joined again."""
    for role in ("tlskey", "delivery", "auth", "frontend", "store"):
        offset = take_over(world, role, "live")
        wait_until(lambda: (role, "message") in reports(world.log_text()[offset:]), f"{role} sent a forbidden message")
        wait_until(lambda: "pair-mended" in world.log_text()[offset:], f"{role} is joined with its peers again")
        for _ in range(4):  # whichever of several processes it is
            round_trip(world)
        text = world.log_text()[offset:]
        check("peer-dropped" in text and f"process-died role={role} " not in text, f"{role} was to live on, and to be dropped")


def test_session_of_an_account_taken_over(world):
    """The session reads hostile mail: it is the one to fear. It is after another account."""
    victim = account_id(world, BOB)
    offset = take_over(world, "session", victim)
    try:
        world.texts(ALICE)
    except Exception as e:  # the attacked connection may end in any way
        print("the hostile session's client:", e)

    def reported():
        return ("session-of-account", "message") in reports(world.log_text()[offset:]) and \
            len(reports(world.log_text()[offset:])[("session-of-account", "message")]) >= 2
    wait_until(reported, "the hostile session is done")
    found = reports(world.log_text()[offset:])
    verify(found, "session", "session-of-account")
    store = found.get(("session-of-account", "store"), {})
    check(len(store) >= 8, f"the session asked the store only for {sorted(store)}")
    check(all(outcome == "EPERM" for outcome in store.values()), f"the store answered the session: {store}")
    messages = found[("session-of-account", "message")]
    check(all(outcome == "EPIPE" for outcome in messages.values()), f"peers of the session went on talking: {messages}")
    round_trip(world)


# --- messages that it may send, with a content that is none of its business ---

def stages(world, offset, role):
    return {stage: found for (who, stage), found in reports(world.log_text()[offset:]).items() if who == role}


def test_frontend_asks_for_what_is_not_its_business(world):
    """Lookup, delivery and auth answer it, and give it nothing; floods end with them and the frontend at their work."""
    offset = take_over(world, "frontend", f"abuse {ALICE} {BOB}")
    wait_until(lambda: len(stages(world, offset, "frontend").get("flood", ())) == 2 and
               {"picture-gopher", "submission-held"} <= set(stages(world, offset, "frontend")["frontend"]), "it is done")
    asked = stages(world, offset, "frontend")["frontend"]
    check_equal(asked.pop("smtp"), "worked", "what it may do")
    check(len(asked) >= 30, f"only {sorted(asked)}")
    worked = {name: outcome for name, outcome in asked.items() if outcome != "EPERM"}
    check(not worked, f"this was not refused, or not in good order: {worked}")
    check_equal(stages(world, offset, "frontend")["flood"], {"pgp-query": "worked", "web-command": "worked"}, "floods were taken")
    round_trip(world)
    arrived = {name for t in world.texts(BOB) for name in re.findall(rb"abuse-([a-z-]+)", t)}
    check_equal(arrived, {b"smtp"}, "what came of it")


def test_session_sends_as_somebody_else(world):
    """The channel by which a session sends is for its own account's letters, in its own name; and what another account has held
    there is not to be cancelled by it, though it knows the id."""
    def held():
        return [e for e in json.loads(world.ctl("queue", "list", "--json")) if "later@example.net" in json.dumps(e)]
    victim = account_id(world, BOB)
    offset = take_over(world, "session", f"abuse {ALICE} {BOB} {victim}")
    sign_in_to_send(world, BOB)
    wait_until(lambda: "victim-holds" in stages(world, offset, "session-of-account").get("session", ()), "the victim's letter is held")
    check_equal(len(held()), 1, "held letters")
    sign_in_to_send(world, ALICE)
    wait_until(lambda: "vacation-oversize" in stages(world, offset, "session-of-account")["session"], "it is done")
    asked = stages(world, offset, "session-of-account")["session"]
    check_equal((asked.pop("victim-holds"), asked.pop("own")), ("worked", "worked"), "what it may do")
    check_equal(asked.pop("vacation-oversize"), "EPIPE", "a field that is too long")
    check(len(asked) >= 11, f"only {sorted(asked)}")
    worked = {name: outcome for name, outcome in asked.items() if outcome != "EPERM"}
    check(not worked, f"this was not refused, or not in good order: {worked}")
    check_equal(len(held()), 1, "held letters afterwards")
    round_trip(world)
    arrived = {name for t in world.texts(BOB) for name in re.findall(rb"Subject: abuse.*?abuse-([a-z-]+)", t, re.S)}
    check_equal(arrived - {b"smtp"}, {b"own"}, "what came of it")
    world.ctl("queue", "drop", held()[0]["id"])


def sign_in_to_send(world, address):
    """By JMAP: such a session gets its way to delivery."""
    c = http.client.HTTPSConnection(world.hostname, world.ports["https"])
    c.sock = world.connect_tls("https")
    word = base64.b64encode(f"{address}:{world.accounts[address]}".encode()).decode()
    try:
        c.request("GET", "/jmap/session", headers={"Host": world.hostname, "Authorization": f"Basic {word}"})
        print("the session says", c.getresponse().status)
    except (OSError, http.client.HTTPException) as e:  # the attacking one may end in any way
        print("the hostile session's client:", e)
    finally:
        c.close()


def account_id(world, address):
    for account in json.loads(world.ctl("account", "list", "--json")):
        if account["address"] == address:
            return account["account"]
    raise Failure(f"{address} is not in the list of accounts")


if __name__ == "__main__":
    main([hostile(role) for role in ROLES] + [
        test_forbidden_message_to_the_parent, test_flood_of_the_log, test_dropped_peer_lives_on, test_session_of_an_account_taken_over,
        test_frontend_asks_for_what_is_not_its_business, test_session_sends_as_somebody_else], setup, stop_and_inspect)
