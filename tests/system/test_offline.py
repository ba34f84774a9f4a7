"""The web client without its server, in Chromium with a profile on the disk: web/browser/offline.mjs holds the tests, this stops and
starts the server, reads mailboxes and the profile, and makes another build of the client."""
import shutil
import subprocess

from harness import WORK, check, main, quote, token
from test_web import DOMAIN, WEB, Browser, setup, teardown, tests

ALICE = f"alice@{DOMAIN}"


class OfflineBrowser(Browser):
    def ask_stop(self):
        self.world.stop()
        return {}

    def ask_start(self):
        self.world.start()
        return {}

    def ask_mark(self):
        """A letter with two words that stand nowhere else."""
        subject, text = token(), token()
        whole = f"From: Someone <someone@sender.example>\r\nTo: {ALICE}\r\nSubject: Mark {subject}\r\n\r\nThe word is {text}.\r\n"
        self.world.deliver("someone@sender.example", [ALICE], whole)
        return {"subject": subject, "text": text}

    def ask_state(self, subject, mailbox="INBOX"):
        """Flags and number of the messages with that subject."""
        with self.world.imap(ALICE) as m:
            m.do("select", quote(mailbox), True)
            found = m.do("search", None, "SUBJECT", quote(subject))[0].split()
            flags = m.do("fetch", found[0].decode(), "(FLAGS)")[0].decode() if found else ""
            return {"count": len(found), "flags": flags}

    def ask_remove(self, subject):
        with self.world.imap(ALICE) as m:
            m.do("select", "INBOX")
            for number in m.do("search", None, "SUBJECT", quote(subject))[0].split():
                m.do("store", number.decode(), "+FLAGS", "(\\Deleted)")
            m.do("expunge")
        return {}

    def ask_grep(self, folder, words):
        """Which of the words stand anywhere below a folder, however a browser writes text."""
        found = set()
        for path in (WORK / folder).rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                found |= {w for w in words if w.encode() in data or w.encode("utf-16-le") in data}
        return {"found": sorted(found)}

    def ask_build(self, old, new):
        """Another build of the client, in which one text is another; the server gives it out from now on."""
        copy = WORK / "web"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for part in ("src", "build", "static"):
            shutil.copytree(WEB / part, copy / part)
        for part in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json"):
            shutil.copy(WEB / part, copy / part)
        (copy / "node_modules").symlink_to((WEB / "node_modules").resolve())
        changed = 0
        for path in copy.rglob("src/i18n/en.ts"):
            text = path.read_text()
            changed += text.count(f'"{old}"')
            path.write_text(text.replace(f'"{old}"', f'"{new}"'))
        check(changed == 1, f"{changed} texts are {old}")
        pack = WORK / "next.pack"
        done = subprocess.run(["node", "build.mjs", "--out", str(pack)], cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        check(done.returncode == 0, done.stdout.decode())
        self.world.stop()
        self.world.configure({("server", "web"): pack})
        self.world.start()
        return {}

    def ask_verify(self):
        """What `letterlock verify` says of the build that is given out."""
        return {"said": self.world.ctl("verify", f"https://localhost:{self.world.ports['https']}", "--ca", self.world.ca, "--pack", WORK / "next.pack")}


if __name__ == "__main__":
    main(tests("offline"), lambda: setup(lambda world, people: OfflineBrowser(world, people, ("offline",))), teardown)
