"""What is there before the server stops is there when it starts again; and a copy of the folder is a whole backup."""
import shutil

from harness import Installation, check, check_equal, command, letter, main, stop_and_inspect, token

ALICE, FOREIGN = "alice@letterlock.test", "someone@example.net"


def setup():
    world = Installation().start().populate(ALICE)
    world.ctl("alias", "add", "office@letterlock.test", ALICE)
    return world


def fill(world):
    word = token()
    world.deliver(FOREIGN, ["office@letterlock.test"], letter(FOREIGN, ALICE, f"Delivered {word}"))
    world.wait_message(ALICE, word)
    with world.imap(ALICE) as m:
        m.do("create", f"Folder-{word}")
        m.do("append", f"Folder-{word}", r"(\Seen \Flagged)", None, letter(ALICE, ALICE, f"Appended {word}"))
    # Delivered, and not looked at before the server stops.
    world.deliver(FOREIGN, [ALICE], letter(FOREIGN, ALICE, f"Unseen {word}"))
    return word


def state(world):
    """Every folder with its identity, and every message with what is known of it."""
    found = {}
    with world.imap(ALICE) as m:
        for line in m.do("list", '""', "*"):
            name = line.decode().rpartition(" ")[2].strip('"')
            status, _ = m.select(name, True)
            check_equal(status, "OK", f"SELECT {name}")
            rows = [row for row in m.do("fetch", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE EMAILID)")
                    if row] if m.response("EXISTS")[1] != [b"0"] else []
            m.select(name, True)
            rows = [row.replace(rb" \Recent", b"").replace(rb"\Recent", b"") for row in rows]  # of the session only
            found[name] = (m.response("UIDVALIDITY")[1], m.response("UIDNEXT")[1], rows)
    return found


def test_nothing_is_lost_by_a_restart(world):
    word = fill(world)
    world.wait_message(ALICE, f"Unseen {word}")
    before = state(world)
    world.stop()
    world.start()
    check_equal(state(world), before, "folders, UIDs, flags and dates after a restart")
    check(any(f"Unseen {word}".encode() in t for t in world.texts(ALICE)), "what came last is there")


def test_delivered_before_the_stop_is_admitted_after_it(world):
    word = fill(world)
    world.stop()
    world.start()
    world.wait_message(ALICE, f"Unseen {word}")


def test_app_passwords_survive_and_can_be_revoked(world):
    world.stop()
    world.start()
    world.imap(ALICE).logout()
    world.ctl("app-password", "revoke", ALICE, "test")
    try:
        world.imap(ALICE).logout()
    except Exception as e:  # imaplib.error
        check("AUTHENTICATIONFAILED" in str(e), f"{e}")
    else:
        check(False, "a revoked app password signs in")
    world.stop()
    world.start()
    try:
        world.imap(ALICE).logout()
    except Exception as e:  # imaplib.error
        check("AUTHENTICATIONFAILED" in str(e), f"{e}")
    else:
        check(False, "a revoked app password signs in after a restart")


def test_a_copy_is_a_backup(world):
    """Data directory, configuration and boot secret, copied while the server stands still, are the installation."""
    bob = "bob@letterlock.test"
    world.add_account(bob)
    word = token()
    world.deliver(FOREIGN, [bob], letter(FOREIGN, bob, f"Kept {word}"))
    world.stop()
    copy = world.dir.with_name("copy")
    command("cp", "-a", world.dir, copy)
    original = world.dir.with_name("original")
    world.dir.rename(original)
    copy.rename(world.dir)
    world.start()
    world.wait_message(bob, word)
    world.stop()
    shutil.rmtree(world.dir)
    original.rename(world.dir)
    world.start()


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, stop_and_inspect)
