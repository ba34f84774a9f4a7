"""Processes that hang without dying: stopped with SIGSTOP under load, they are ended and replaced, and their clients get a
temporary error meanwhile. One that only pauses costs its callers a bounded time, and the pair is joined again."""
import os
import random
import signal
import ssl
import time

from harness import Failure, Installation, check, check_equal, letter, main, stop_and_inspect, token, wait_until
from test_kill import FOREIGN, PEOPLE, Load, verify

ROLES = ("store", "tlskey", "lookup", "session", "auth", "relay", "delivery", "frontend")
HANG = 4  # seconds; the default of a minute would make this test long
ALICE = PEOPLE[0]


def setup():
    world = Installation(settings={("limits", "hang"): HANG}).start().populate(*PEOPLE)
    world.killed = True
    return world


def test_each_process_hangs_under_load(world):
    load = Load(world)
    try:
        for role in ROLES:
            wait_until(lambda: load.sent > 0, "the load runs")
            pid = random.choice(world.pids(role))
            offset, before, began = len(world.log_text()), load.sent, time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            print("stop", role, flush=True)
            wait_until(lambda: f"process-hangs role={role} " in world.log_text()[offset:], f"the {role} is found to hang")
            waited = time.monotonic() - began
            check(waited >= HANG * 0.9, f"the {role} was given {waited:.1f} s only")
            wait_until(lambda: world.pids(role) and pid not in world.pids(role), f"another {role} takes its place")
            wait_until(lambda: load.sent >= before + 8, f"mail is taken again after the {role} hung")
    finally:
        load.done()
    print(load.sent, "sent,", load.read, "read,", load.broken, "broken connections", flush=True)
    check(load.read > 10 and load.broken > 3, f"the load was no load: {load.read} read, {load.broken} broken")
    verify(world, load)


def test_session_of_an_account_hangs(world):
    old = world.imap(ALICE)
    old.do("select", "INBOX")
    stopped = world.pids("session-of-account")  # those of others may linger
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    offset = len(world.log_text())
    try:
        waiting = world.connect_tls("imaps")  # goes to the session that hangs
        greeting(waiting)
        waiting.sendall(f"a login {ALICE} {world.accounts[ALICE]}\r\n".encode())
        wait_until(lambda: "session-hangs" in world.log_text()[offset:], "auth finds that the session hangs")
        with world.imap(ALICE) as m:  # a session of its own, at once
            m.do("select", "INBOX")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    # The old one goes on, finds itself forgotten, and says so to both.
    waiting.settimeout(60)
    text = b""
    while part := waiting.recv(4096):
        text += part
    check(b"BYE" in text, f"the connection that waited got {text!r}")
    try:
        old.noop()
        raise Failure("a session that was forgotten went on serving")
    except old.abort as e:
        print("the old connection:", e)
    wait_until(lambda: set(stopped) - set(world.pids("session-of-account")), "the old session is gone")


def greeting(sock):
    text = b""
    while not text.endswith(b"\r\n"):
        text += sock.recv(4096)
    check(text.startswith(b"* OK"), f"greeting {text!r}")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]


def pausing():
    """With the default patience: nobody is ended for a pause."""
    world = Installation("pause").start().populate(*PEOPLE)
    return world


def pause(world, role, seconds):
    pids = world.pids(role)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        return seconds(world)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def handshakes_fail(world):
    began = time.monotonic()
    try:
        world.connect_tls("imaps")
        raise Failure("a handshake was signed by a process that is stopped")
    except ssl.SSLError as e:
        check("INTERNAL_ERROR" in str(e).upper(), f"the handshake ended with {e!r}")
    first = time.monotonic() - began
    check(4 < first < 20, f"the handshake was given up after {first:.1f} s")
    # Those who come after need not wait as long, as far as the same frontend takes them.
    for _ in range(8):
        began = time.monotonic()
        try:
            world.connect_tls("imaps")
            raise Failure("a handshake was signed by a process that is stopped")
        except ssl.SSLError:
            last = time.monotonic() - began
    check(last < 2, f"the last handshake was given up after {last:.1f} s")


def test_tlskey_pauses(_):
    world = pausing()
    try:
        pids = world.pids("tlskey")
        pause(world, "tlskey", handshakes_fail)
        wait_until(lambda: world.connect_tls("imaps"), "handshakes are signed again")
        check_equal(world.pids("tlskey"), pids, "the same process")
        # The other frontend may have signed meanwhile.
        wait_until(lambda: "pair-mended" in world.log_text(), "the pair is joined again")
    finally:
        stop_and_inspect(world)


def reads_fail(world, m):
    began = time.monotonic()
    try:
        answer = m.append("INBOX", None, None, letter(FOREIGN, ALICE, "While the store pauses"))
        check(answer[0] == "NO", f"an append succeeded without a store: {answer}")
    except m.abort as e:  # a BYE, or the end of the connection
        print("the session ended:", e)
    waited = time.monotonic() - began
    check(10 < waited < 60, f"the session gave the store up after {waited:.1f} s")


def test_store_pauses(_):
    world = pausing()
    try:
        pids = world.pids("store")
        m = world.imap(ALICE)
        m.do("select", "INBOX")
        pause(world, "store", lambda w: reads_fail(w, m))
        wait_until(lambda: world.imap(ALICE).logout()[0] == "BYE", "the account opens again")
        word = token()
        wait_until(lambda: world.deliver(FOREIGN, [ALICE], letter(FOREIGN, ALICE, word)) == {}, "mail is taken again")
        world.wait_message(ALICE, word)
        check_equal(world.pids("store"), pids, "the same process")
    finally:
        stop_and_inspect(world)


TESTS += [test_tlskey_pauses, test_store_pauses]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
