"""The demonstration of ./run in Chromium (web/browser/demonstration.mjs), at the address that it shows."""
import signal
import types

import test_run
from harness import WORK, check_equal, main
from test_web import Browser, ready, tests


def setup():
    ready()
    running = test_run.Running()
    credentials = running.wait_ready()
    people = {one["address"].partition("@")[0]: one for one in credentials["accounts"]}
    place = types.SimpleNamespace(netns=None, hostname="localhost", address="127.0.0.1", ports=credentials["ports"], dir=test_run.DEMO)
    running.browser = Browser(place, people, ("demonstration",))
    return running


def teardown(running):
    running.browser.close()
    check_equal(running.stop(signal.SIGTERM), 0, f"its exit status; {WORK}/run.log")


if __name__ == "__main__":
    main(tests("demonstration"), setup, teardown)
