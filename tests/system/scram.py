"""A SCRAM-SHA-256 client (RFC 5802, RFC 7677) without channel binding."""
import base64
import hashlib
import hmac
import secrets


class Scram:
    def __init__(self, user, password, gs2="n,,"):
        self.password, self.gs2 = password.encode(), gs2
        self.nonce = secrets.token_urlsafe(18)
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"

    def first(self):
        return (self.gs2 + self.bare).encode()

    def final(self, server_first):
        """The answer to the server's first message."""
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        if not fields["r"].startswith(self.nonce) or fields["r"] == self.nonce:
            raise ValueError("the server did not add to the nonce")
        salt, count = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password, salt, count)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c={base64.b64encode(self.gs2.encode()).decode()},r={fields['r']}"
        message = ",".join((self.bare, server_first.decode(), without_proof)).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final):
        """Whether the server proved that it knows the verifier."""
        return server_final.decode() == "v=" + base64.b64encode(self.server_signature).decode()
