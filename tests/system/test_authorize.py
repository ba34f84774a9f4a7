#!/usr/bin/env python3
"""The page that asks whether a program may have access, in Chromium; the program is this file."""
from harness import Installation, main
from test_oauth import form, jmap, proof, register
from test_web import DOMAIN, Browser, add_person, ready, teardown, tests


class Programs(Browser):
    def ask_program(self, name, uri):
        verifier, challenge = proof()
        return {"clientId": register(self.world, name, (uri,)), "verifier": verifier, "challenge": challenge}

    def ask_exchange(self, **fields):
        return form(self.world, "/oauth/token", grant_type="authorization_code", **fields)[1]

    def ask_reads(self, access):
        status, _, session = jmap(self.world, access)
        return {"address": session["username"] if status == 200 else None}


def setup():
    ready()
    world = Installation(domains=(DOMAIN,)).start().populate()
    world.browser = Programs(world, {"alice": add_person(world, "alice")}, ("authorize",))
    return world


if __name__ == "__main__":
    main(tests("authorize"), setup, teardown)
