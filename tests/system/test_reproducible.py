"""The web client is the same bytes wherever and whenever it is built: two builds in folders of their own, under different names, times,
rules for new files, languages and orders of folders. What a release signs rests on this."""
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess

from harness import BINARY, HERE, WORK, Skip, check, check_equal, main

WEB = HERE.parents[1] / "web"
PARTS = ("build", "src", "static", "build.mjs", "package.json", "package-lock.json", "tsconfig.json")

# What a build must not depend on, changed before it begins.
OTHER_TIMES = """
const fs = require("node:fs"), RealDate = Date, later = 400 * 86400e3;
globalThis.Date = class extends RealDate { constructor(...a) { a.length ? super(...a) : super(RealDate.now() + later); } static now() { return RealDate.now() + later; } };
Math.random = () => 0.5;
const sync = fs.readdirSync;
fs.readdirSync = (path, options) => { const found = sync(path, options); return options?.recursive ? found : found.reverse(); };
const { readdir } = fs.promises;
fs.promises.readdir = async (path, options) => (await readdir(path, options)).reverse();
require("node:module").syncBuiltinESMExports();
"""


def prepare(name):
    """A copy of the sources with files of its own, the packages too: a link to them would lead both builds to one folder."""
    folder = WORK / name / "web"
    folder.mkdir(parents=True)
    for part in PARTS:
        here = WEB / part
        if here.is_dir():
            shutil.copytree(here, folder / part, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(here, folder / part)
    shutil.copytree(WEB / "node_modules", folder / "node_modules", copy_function=os.link if same_disk() else shutil.copy, symlinks=True,
                    ignore=lambda at, names: [n for n in names if n.startswith(".test-")])
    return folder


def same_disk():
    return os.stat(WEB / "node_modules").st_dev == os.stat(WORK).st_dev


def age(folder, seconds):
    """The sources are as old as that, to the file system."""
    for path in folder.rglob("*"):
        if "node_modules" not in path.parts:
            os.utime(path, (seconds, seconds))


def build(folder, umask, **env):
    out = folder.parent / "web.pack"
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("LC_", "LANG", "TZ", "NODE_"))}
    done = subprocess.run(["node", "build.mjs", "--out", str(out), "--places", str(folder.parent / "places.bin")], cwd=folder, umask=umask,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, env=clean | env, check=False)
    check_equal(done.returncode, 0, f"{folder}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return out


def manifest(pack):
    done = subprocess.run([BINARY, "manifest", "show", "--pack", str(pack)], capture_output=True, check=True, timeout=120)
    return done.stdout


def setup():
    if not shutil.which("node"):
        raise Skip("node is not installed")
    if not (WEB / "node_modules" / "esbuild").exists():
        raise Skip("the packages of the web client are not installed")
    one, two = prepare("one"), prepare("another place, with a longer name/ünd/deeper")
    shim = WORK / "other_times.cjs"
    shim.write_text(OTHER_TIMES)
    age(one, 1_000_000_000)
    age(two, 1_700_000_000)
    packs = [build(one, 0o022, LC_ALL="C", TZ="UTC"),
             build(two, 0o077, LC_ALL="de_DE.UTF-8", LANG="de_DE.UTF-8", TZ="Pacific/Auckland", HOME=str(WORK), USER="somebody",
                   NODE_OPTIONS=f"--require={shim}")]
    return packs


def test_two_builds_are_the_same_bytes(packs):
    one, two = (p.read_bytes() for p in packs)
    check(len(one) > 1_000_000, f"{len(one)} bytes")
    check(one == two, f"the packs differ: {hashlib.sha256(one).hexdigest()} {hashlib.sha256(two).hexdigest()}")
    check_equal(manifest(packs[0]), manifest(packs[1]), "manifests")
    check_equal(*((p.parent / "places.bin").read_bytes() for p in packs), "tables of countries")


def test_the_build_beside_the_program_is_that_one(packs):
    """Meson's build is no other than that by hand."""
    beside = pathlib.Path(BINARY).with_name("web.pack")
    if not beside.exists():
        raise Skip("no web client stands beside the program")
    check(beside.read_bytes() == packs[0].read_bytes(), "web.pack beside the program differs")


def test_it_was_another_time_and_place(packs):
    """The differences above were there: without them this file would show nothing."""
    check_equal([stat.S_IMODE(os.stat(p).st_mode) for p in packs], [0o644, 0o600], "modes of new files")
    shim = WORK / "other_times.cjs"
    said = [json.loads(subprocess.run(["node", *option, "-e", "console.log(JSON.stringify([new Date().getFullYear(), fs.readdirSync('.')]))"],
                                      cwd=WEB / "src", capture_output=True, check=True, timeout=60).stdout) for option in ((), ("--require", str(shim)))]
    check(said[0][0] < said[1][0], f"years: {said}")
    check_equal(said[0][1], list(reversed(said[1][1])), "orders of a folder")


def test_a_changed_source_shows(packs):
    """The comparison is no comparison of nothing: one text changed gives another manifest."""
    folder = packs[0].parent / "web"
    path = folder / "src" / "i18n" / "en.ts"
    text = path.read_text()
    check("Inbox" in text, "the word is there")
    before = manifest(packs[0])
    path.write_text(text.replace("Inbox", "Inbocks", 1))
    check(manifest(build(folder, 0o022)) != before, "a changed source gives the same manifest")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_") and callable(value)]

if __name__ == "__main__":
    main(TESTS, setup)
