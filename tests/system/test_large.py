"""A mailbox of 100,000 messages on a real server, in the web client and over IMAP. They are brought there by MULTIAPPEND."""
import email.utils
import os

from harness import Installation, check_equal, main, stop_and_inspect
from test_web import DOMAIN, Browser, add_person, browser_test, ready, tests

PARTS = ("large",)
COUNT = int(os.environ.get("LETTERLOCK_TEST_LARGE", "100000"))
RARE = "quincunx"
FIRST = 1_500_000_000


def message(n):
    """The nth, a minute after the one before; every 40,000th has a rare word, every tenth answers the one before."""
    word = RARE if n % 40_000 == 7 else "weather"
    answers = f"In-Reply-To: <{n - 1}@large.example>\r\nReferences: <{n - 1}@large.example>\r\n" if n % 10 == 9 else ""
    subject = f"Re: Letter {n - 1:06}" if answers else f"Letter {n:06}"
    return (f"From: Writer {n % 100} <writer{n % 100}@large.example>\r\nTo: alice@{DOMAIN}\r\nSubject: {subject}\r\n"
            f"Date: {email.utils.formatdate(FIRST + 60 * n)}\r\nMessage-ID: <{n}@large.example>\r\n{answers}\r\n"
            f"The {word} of day {n // 1440}.\r\n").encode()


def setup():
    ready()
    world = Installation(domains=(DOMAIN,)).start().populate()
    people = {"alice": add_person(world, "alice")}
    with world.imap(f"alice@{DOMAIN}") as m:
        m.fill((FIRST + 60 * n, message(n)) for n in range(COUNT))
    world.browser = Browser(world, people | {"large": {"count": COUNT, "rare": RARE}}, PARTS)
    return world


def teardown(world):
    world.browser.close()
    stop_and_inspect(world)


def test_imap_agrees(world):
    """What IMAP counts, finds and sorts in them."""
    with world.imap(f"alice@{DOMAIN}") as m:
        check_equal(int(m.do("select", "INBOX")[0]), COUNT, "messages")
        rare = len(range(7, COUNT, 40_000))
        check_equal(len(m.do("search", None, "TEXT", RARE)[0].split()), rare, "with the rare word")
        check_equal(len(m.do("search", None, "FROM", "writer42@")[0].split()), len(range(42, COUNT, 100)), "from one writer")
        newest = m.do("sort", "(REVERSE DATE)", "UTF-8", "ALL")[0].split()
        check_equal((len(newest), int(newest[0]), int(newest[-1])), (COUNT, COUNT, 1), "sorted by date")


if __name__ == "__main__":
    main([test_imap_agrees, *tests(*PARTS)], setup, teardown)
