"""Limits: what is too much is refused or cut into parts, and nobody else notices."""
import contextlib
import json
import re
import socket
import threading

from harness import Installation, check, letter, main, stop_and_inspect, token, wait_until

ALICE, BOB = "alice@letterlock.test", "bob@letterlock.test"
MEMORY = 48  # MiB
LARGE = 20 << 20


def setup():
    return Installation(settings={("limits", "session_memory"): MEMORY}).start().populate(ALICE, BOB)


@contextlib.contextmanager
def black_hole():
    """A name server that never answers: its address as [dns] forward wants it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket() as t:
        s.bind(("127.0.0.1", 0))
        t.bind(s.getsockname())
        t.listen()
        yield "127.0.0.1@%d" % s.getsockname()[1]


def data_kib(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmData:\s+(\d+)", f.read()).group(1))
    return 0


def append_large(world, outcomes):
    """One client that sends a large letter: what it was told."""
    text = letter(ALICE, ALICE, "Large", "x" * 70 + "\r\n")
    text += (b"y" * 998 + b"\r\n") * (LARGE // 1000)
    try:
        m = world.imap(ALICE)
        outcomes.append(m.append("INBOX", None, None, text)[0])
    except (m.abort, OSError) as e:
        outcomes.append(f"ended: {e}")
    with contextlib.suppress(Exception):
        m.logout()


def test_session_reaches_its_limit(world):
    neighbour = world.imap(BOB)
    neighbour.do("select", "INBOX")
    before = set(world.pids("session-of-account"))
    own = world.imap(ALICE)
    session = (set(world.pids("session-of-account")) - before).pop()
    outcomes, most, over = [], 0, threading.Event()

    def watch():
        nonlocal most
        while not over.is_set():
            most = max(most, data_kib(session))
            over.wait(0.01)
    threads = [threading.Thread(target=append_large, args=(world, outcomes)) for _ in range(6)]
    watcher = threading.Thread(target=watch)
    for t in threads + [watcher]:
        t.start()
    for t in threads:
        while t.is_alive():
            neighbour.do("noop")  # the neighbour is served all the while
            t.join(0.05)
    over.set()
    watcher.join()
    print("outcomes", outcomes, "most", most, "KiB")
    check(most <= MEMORY * 1024, f"the session had {most} KiB")
    check(most > MEMORY * 512, f"the session never came near its limit: {most} KiB")
    check(any(o != "OK" for o in outcomes), f"nothing was refused: {outcomes}")
    for o in outcomes:
        check(o in ("OK", "NO") or "BYE" in o or "Temporary" in o or "connect again" in o, f"a client was told {o!r}")
    # The account is as good as before: what was there is there, and small things work at once.
    word = token()
    world.deliver("someone@example.net", [ALICE], letter("someone@example.net", ALICE, word))
    world.wait_message(ALICE, word)
    with world.imap(ALICE) as m:
        count = int(m.do("select", "INBOX")[0])
        check(count == 1 + outcomes.count("OK"), f"{count} letters after {outcomes}")
    with contextlib.suppress(OSError, own.abort):
        own.logout()
    neighbour.do("noop")
    neighbour.logout()


def test_long_queue_is_listed_whole(_):
    with black_hole() as dns:
        world = Installation("queue", settings={("dns", "forward"): dns}).start().populate(ALICE)
        expected = {}
        for begin in range(0, 1500, 500):
            with world.submission(ALICE) as s:
                for i in range(begin, begin + 500):
                    to = [f"one{i}@somewhere.example"] if i % 20 else [f"many{i}-{k}@somewhere.example" for k in range(100)]
                    s.sendmail(ALICE, to, letter(ALICE, to[0], f"Number {i}"))
                    expected.update(dict.fromkeys(to, i))

        def listed():  # relay reads what is new in parts
            text = world.ctl("--json", "queue", "list")
            return text if len(json.loads(text)) >= 1500 else None
        text = wait_until(listed, "the list has every entry", 30)
        entries = json.loads(text)
        check(len(text) > 1 << 20, "this queue fits into one answer or a few")
        ids = [e["id"] for e in entries]
        check(len(ids) == len(set(ids)) == 1500, f"{len(ids)} entries, {len(set(ids))} different ones")
        found = sorted(r["address"] for e in entries for r in e["recipients"])
        check(found == sorted(expected), f"{len(found)} of {len(expected)} recipients")
        arrived = [int(e["arrived"]) for e in entries]
        check(arrived == sorted(arrived), "they are not in the order of their arrival")
        lines = world.ctl("queue", "list").splitlines()
        check(sum(line.startswith("  to ") for line in lines) == len(expected), "the list for people is not whole")
        stop_and_inspect(world)


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
