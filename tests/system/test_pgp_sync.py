"""What all browsers of one person know, kept sealed on the server: web/browser/sync.mjs has the tests."""
from harness import main
from test_pgp_web import setup
from test_web import teardown, tests

PARTS = ("sync",)

if __name__ == "__main__":
    main(tests(*PARTS), lambda: setup(PARTS), teardown)
