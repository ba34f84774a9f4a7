"""After a day's work no word of the mail, no address, no folder name and no domain stands in any file of the data directory,
in whatever usual form. The same search does find a word that is planted there."""
import base64
import json
import re
import secrets

from harness import Installation, check, letter, main, quote, stop_and_inspect, wait_until

PEOPLE = [f"{name}@quietharbour.test" for name in ("veronica", "maximilian", "josephine")]
OUTSIDE = "penelope@faraway-correspondent.example"
# No name server is there: mail to the outside stays in the queue.
NO_DNS = {("dns", "forward"): "127.0.0.1@9", ("relay", "port"): "9"}
WORDS = ["thunderstorm", "marmalade", "wheelbarrow", "constellation", "hippopotamus", "lighthouse", "velociraptor", "saxophone"]


def setup():
    world = Installation(domains=("quietharbour.test", "secondharbour.test"), settings=NO_DNS).start().populate(*PEOPLE)
    world.ctl("alias", "add", "enquiries@quietharbour.test", *PEOPLE[:2])
    world.ctl("alias", "add", "@secondharbour.test", PEOPLE[2])
    return world


class Day:
    """What was done, and every word of it that must not be found."""
    secrets = set()


def word():
    new = f"{secrets.choice(WORDS)}{secrets.token_hex(5)}"
    Day.secrets.add(new)
    return new


def work(world):
    Day.secrets.update(WORDS)
    for address in PEOPLE + [OUTSIDE, "enquiries@quietharbour.test"]:
        Day.secrets.update((address, address.partition("@")[0], address.partition("@")[2]))
    Day.secrets.add("secondharbour")
    for i in range(120):
        to = PEOPLE[i % 3] if i % 5 else ("enquiries@quietharbour.test", "whoever@secondharbour.test")[i // 5 % 2]
        body = f"{word()} {word()}\r\n" * (1 if i % 10 else 400)
        if i % 7 == 0:
            body = base64.encodebytes(body.encode()).decode().replace("\n", "\r\n")
        kind = {"Content_Transfer_Encoding": "base64"} if i % 7 == 0 else {}
        world.deliver(OUTSIDE, [to], letter(OUTSIDE, to, f"About {word()}", body, X_Note=word(), **kind))
    for i, person in enumerate(PEOPLE):
        world.imap(person).logout()
        with world.submission(person) as s:
            for _ in range(5):
                s.sendmail(person, [PEOPLE[(i + 1) % 3]], letter(person, PEOPLE[(i + 1) % 3], f"Between us {word()}", word() + "\r\n"))
                s.sendmail(person, [OUTSIDE], letter(person, OUTSIDE, f"To the outside {word()}", word() + "\r\n"))
    for person in PEOPLE:
        tidy(world, person)


def tidy(world, person):
    with world.imap(person) as m:
        folders = [f"Folder-{word()}" for _ in range(3)]
        for folder in folders:
            m.do("create", quote(folder))
            m.do("append", quote(folder), rf"(\Flagged $Label{word()})", None, letter(person, person, f"Draft {word()}", f"{word()}\r\n"))
        count = wait_until(lambda: int(m.do("select", "INBOX")[0]), "mail in the inbox")
        m.do("store", f"1:{count // 2}", "+FLAGS", rf"(\Seen {word()})")
        m.do("copy", f"1:{count // 3}", quote(folders[0]))
        m.do("search", None, "TEXT", word())
        m.do("search", None, "SUBJECT", WORDS[0])
        m.do("store", "1:3", "+FLAGS", r"(\Deleted)")
        m.do("expunge")
        m.do("rename", quote(folders[1]), quote(f"Renamed-{word()}"))
        m.do("delete", quote(folders[2]))


def forms(text):
    """The usual ways in which a word may stand in a file; base64 at each of the three places it can begin."""
    raw = text.encode()
    yield raw
    yield raw.upper()
    yield raw.capitalize()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # The first characters and the last two depend on the neighbours.
        first = (0, 2, 3)[shift]
        yield encoded[first:].rstrip(b"=")[:-2]
    yield raw[::-1]


def files(world):
    return [p for p in sorted(world.data.rglob("*")) if p.is_file()]


def find(world, words):
    pattern = re.compile(b"|".join(re.escape(f) for f in sorted({f for w in words for f in forms(w)}, key=len, reverse=True)))
    hits = {}
    for path in files(world):
        found = pattern.search(path.read_bytes())
        if found:
            hits[str(path.relative_to(world.data))] = found.group()
        found = pattern.search(path.name.encode())
        if found:
            hits[f"the name {path.name}"] = found.group()
    return hits


def test_a_day_of_work_leaves_no_word_on_the_disk(world):
    work(world)
    check(len(Day.secrets) > 300, "too little was written")
    size = sum(p.stat().st_size for p in files(world))
    check(size > 500_000, f"the data directory holds only {size} bytes")
    hits = find(world, Day.secrets)
    check(not hits, f"found while it runs: {hits}")
    world.stop()
    hits = find(world, Day.secrets)
    check(not hits, f"found after it stopped: {hits}")
    world.start()
    check(all(world.texts(person) for person in PEOPLE), "the mail is there")


def test_the_queue_is_sealed_too(world):
    queued = json.loads(world.ctl("queue", "list", "--json"))
    check(len(queued) == 15, f"15 messages wait for the outside: {len(queued)}")
    hits = find(world, [OUTSIDE, OUTSIDE.partition("@")[2]])
    check(not hits, f"{hits}")


def test_deleting_leaves_nothing_either(world):
    world.ctl("account", "delete", "--yes", PEOPLE[2])
    hits = find(world, Day.secrets)
    check(not hits, f"{hits}")


def test_the_log_has_no_content(world):
    text = world.log_text().lower()
    found = {w for w in Day.secrets - {"quietharbour.test", "secondharbour"} if "@" not in w and w not in PEOPLE_WORDS and w in text}
    check(not found, f"{found}")


# Names of accounts and domains, and of hosts mail is sent to, are in the operator's log on purpose; no word of a letter is.
PEOPLE_WORDS = {part for address in PEOPLE + [OUTSIDE, "enquiries@x"] for part in address.split("@")}


def test_the_search_finds_what_is_there(world):
    """Every form that is searched for is found when it is planted."""
    planted = f"planted{secrets.token_hex(6)}"
    check(not find(world, [planted]), "not there yet")
    for i, form in enumerate(forms(planted)):
        path = world.data / "planted"
        path.write_bytes(b"\x00\xff" * 1000 + form + b"\xfe" * 999)
        hits = find(world, [planted])
        path.unlink()
        check(hits, f"form {i} ({form!r}) is not found")
    for shift in range(3):
        path = world.data / "planted"
        path.write_bytes(base64.b64encode(b"x" * (30 + shift) + planted.encode() + b" and more"))
        hits = find(world, [planted])
        path.unlink()
        check(hits, f"base64 at place {shift} is not found")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
