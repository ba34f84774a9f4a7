"""MTA-STS at both ends: one Letterlock publishes policies of its domains, another one's relay fetches and obeys them."""
import http.client
import json
import re
import shutil
import ssl

from harness import WORK, Failure, Installation, SERVICES, check, check_equal, free_ports, letter, main, stop_and_inspect, token, \
    wait_until
from nameserver import Authority, Nameserver, Zone
from sink import Sink

ALICE, ZONE = "alice@letterlock.test", "plain.example"
HOST, ADDRESS, OTHER = f"mx.{ZONE}", "127.0.0.40", "127.0.0.41"
HOME, AWAY = f"home.{ZONE}", f"away.{ZONE}"
NAMES = [HOST, f"mta-sts.{HOME}", f"mta-sts.{AWAY}", f"openpgpkey.{HOME}"]


class World:
    def __init__(self):
        self.ca = Authority(WORK / "ca")
        ports = dict(zip(SERVICES, free_ports(len(SERVICES), ADDRESS)))
        self.https = ports["https"]
        certificate, key = self.ca.certificate("mx", *NAMES)
        self.post = Installation("post", domains=(HOME, AWAY), hostname=HOST, address=ADDRESS, ports=ports,
                                 settings={("tls", "certificate"): certificate, ("tls", "key"): key}.items())
        shutil.copy(self.ca.file, self.post.ca)
        self.post.start()
        self.post.populate(f"bob@{HOME}", f"bob@{AWAY}")
        # A host that has a good certificate, and is in no policy.
        self.sink = Sink(OTHER, ports["smtp"], self.ca.certificate("other", f"other.{ZONE}"))
        self.zone = Zone(ZONE, WORK / "zones", signed=False)
        self.zone.add(f"mx A {ADDRESS}", f"other A {OTHER}", "home MX 10 mx", "away MX 10 other")
        for domain in (HOME, AWAY):
            self.post.ctl("domain", "mta-sts", domain, "enforce")
            for r in records(self, domain):
                if "mta-sts" in r["name"]:
                    name = r["name"].removesuffix(f".{ZONE}")
                    self.zone.add(f"{name} {r['type']} {r['value']}")
        self.ns = Nameserver([Zone("signed.example", WORK / "zones"), self.zone], WORK / "zones")
        self.one = Installation("one", settings={
            ("dns", "stub"): self.ns.stubs, ("dns", "trust_anchor"): self.ns.write_anchors(WORK / "anchor"),
            ("relay", "port"): ports["smtp"], ("relay", "https_port"): self.https, ("tls", "ca_file"): self.ca.file}.items())
        self.one.start()
        self.one.populate(ALICE)

    def send(self, to):
        mark = token()
        with self.one.submission(ALICE) as s:
            s.sendmail(ALICE, [to], letter(ALICE, to, mark))
        return mark


def records(w, domain):
    return json.loads(w.post.ctl("--json", "domain", "dns", domain, "--reports", f"tls@{domain}"))


def get(w, host, path="/.well-known/mta-sts.txt"):
    c = http.client.HTTPSConnection(host, w.https)
    c.sock = w.context.wrap_socket(w.post.connect("https"), server_hostname=host)
    c.request("GET", path)
    r = c.getresponse()
    return r.status, r.read().decode(), r.headers


def setup():
    w = World()
    w.context = ssl.create_default_context(cafile=str(w.ca.file))
    return w


# --- publishing ---

def test_the_policy_is_served(w):
    status, text, headers = get(w, f"mta-sts.{HOME}")
    check_equal((status, text), (200, f"version: STSv1\r\nmode: enforce\r\nmx: {HOST}\r\nmax_age: 604800\r\n"), "the policy")
    check(headers["content-type"].startswith("text/plain"), headers)
    check_equal(get(w, f"mta-sts.{HOME}", "/")[0], 421, "a page under that name")
    check_equal(get(w, f"mta-sts.{HOME}", "/jmap/session")[0], 421, "mail under that name")
    check_equal(get(w, HOST)[0], 404, "under the server's own name")
    check_equal(get(w, f"openpgpkey.{HOME}", f"/.well-known/openpgpkey/{HOME}/policy")[0], 200, "the directory of keys")
    check_equal(get(w, f"openpgpkey.{HOME}", "/")[0], 421, "a page under that name")


def test_the_record_changes_with_the_policy(w):
    def record():
        found = {(r["name"], r["type"]): r["value"] for r in records(w, HOME)}
        check_equal(found[(f"mta-sts.{HOME}", "CNAME")], f"{HOST}.", "where the policy is")
        check_equal(found[(f"openpgpkey.{HOME}", "CNAME")], f"{HOST}.", "where keys are")
        check_equal(found[(f"_smtp._tls.{HOME}", "TXT")], f'"v=TLSRPTv1; rua=mailto:tls@{HOME}"', "where reports go")
        return re.fullmatch(r'"v=STSv1; id=(\w{1,32})"', found[(f"_mta-sts.{HOME}", "TXT")]).group(1)
    ids = [record()]
    for args in (["testing"], ["testing", "--mx", f"{HOST},*.example.net"], ["testing", "--max-age", "3600", "--mx", HOST], ["none"], ["enforce"]):
        w.post.ctl("domain", "mta-sts", HOME, *args)
        ids.append(record())
        w.post.ctl("domain", "mta-sts", HOME, *args)
        check_equal(record(), ids[-1], "the same policy again")
        shown = json.loads(w.post.ctl("--json", "domain", "mta-sts", HOME))
        check_equal((shown["mode"], str(shown["id"])), (args[0], ids[-1]), "what is shown")
        check(f"mode: {args[0]}\r\n" in get(w, f"mta-sts.{HOME}")[1], "what is served")
    check_equal(len(set(ids)), len(ids), f"ids: {ids}")


def test_what_cannot_be_set(w):
    for args in (["strict"], ["enforce", "--mx", "other.example"], ["enforce", "--mx", "a b"], ["enforce", "--mx", "x\r\nmode: none"],
                 ["enforce", "--max-age", "0"], ["enforce", "--max-age", "99999999"]):
        try:
            w.post.ctl("domain", "mta-sts", HOME, *args)
        except Failure:
            pass
        else:
            check(False, f"{args} was taken")
    check("not one of our domains" in w.post.ctl("domain", "mta-sts", "elsewhere.example", "none", ok=False), "another's domain")
    check("mode: enforce" in get(w, f"mta-sts.{HOME}")[1], "what was there")
    w.post.add_domain("third.plain.example")
    check("has no policy" in w.post.ctl("domain", "mta-sts", "third.plain.example"), "a new domain")


# --- obeying ---

def test_a_relay_obeys_it(w):
    w.post.wait_message(f"bob@{HOME}", w.send(f"bob@{HOME}"))
    mark = w.send(f"bob@{AWAY}")

    def waits():
        return [r for e in json.loads(w.one.ctl("--json", "queue", "list")) for r in e["recipients"]
                if r["address"] == f"bob@{AWAY}" and e["tries"] and not e["active"]]
    wait_until(waits, "a message to a host that is not in the policy waits")
    check_equal(w.sink.having(mark), [], "messages at that host")
    check("TLS" in waits()[0]["text"] or "polic" in waits()[0]["text"], waits()[0]["text"])


def test_it_outlives_a_restart(w):
    before = get(w, f"mta-sts.{AWAY}")[1]
    check("mode: enforce" in before, before)
    w.post.stop()
    w.post.start()
    wait_until(lambda: get(w, f"mta-sts.{AWAY}")[0] == 200, "it is served again", 10)
    check_equal(get(w, f"mta-sts.{AWAY}")[1], before, "after a restart")


def teardown(w):
    w.sink.close()
    w.ns.stop()
    stop_and_inspect(w.one, w.post)


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    main(TESTS, setup, teardown)
