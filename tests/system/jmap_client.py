"""The smallest JMAP client, for tests that are not about JMAP's own form."""
import http.client
import json

from harness import PATIENCE, check, check_equal
from wire import authorization

USING = ["urn:ietf:params:jmap:" + name for name in ("core", "mail", "submission", "blob")]
# What two clients that do not know of each other's last step may be told; anything else is a fault.
SET_ERRORS = {"notFound", "invalidProperties", "mailboxHasEmail", "mailboxHasChild", "alreadyExists", "blobNotFound"}


class Jmap:
    """One connection, one account. A connection that rested too long and was closed is made anew, unless `once`: then whoever
    asks is told that it ended, and knows nothing of what became of the request."""

    def __init__(self, world, address, once=False):
        self.world, self.once = world, once
        self.http = None
        self.fields = dict([authorization(address, world.accounts[address])])
        self.account = next(iter(self.request("GET", "/jmap/session")["accounts"]))

    def request(self, method, path, body=None, kind="application/json"):
        for last in (True,) if self.once else (False, True):
            if not self.http:
                self.http = http.client.HTTPSConnection(self.world.hostname, timeout=PATIENCE)
                self.http.sock = self.world.connect_tls("https")
            try:
                self.http.request(method, path, body, dict(self.fields, **{"Content-Type": kind}))
                answer = self.http.getresponse()
                data = answer.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.http = None
                if last:
                    raise
        check_equal(answer.status // 100, 2, f"{path}: {data[:300]}")
        return json.loads(data)

    def call(self, name, error=(), **args):
        out = self.request("POST", "/jmap/api", json.dumps({"using": USING, "methodCalls": [[name, dict(args, accountId=self.account), "0"]]}))
        method, result, _ = out["methodResponses"][0]
        check(method == name or result.get("type") in error, f"{name} {args}: {result}")
        return result

    def upload(self, data):
        return self.request("POST", f"/jmap/upload/{self.account}", data, "message/rfc822")["blobId"]

    def set(self, name, **args):
        """Returns how much of it was done."""
        r = self.call(name, **args)
        for kind in ("notCreated", "notUpdated", "notDestroyed"):
            for error in (r.get(kind) or {}).values():
                check(error["type"] in SET_ERRORS, f"{name} {args}: {error}")
        return sum(len(r.get(kind) or ()) for kind in ("created", "updated", "destroyed"))
