"""A resource server: PyPI's oauthlib checks signatures of OAuth 1.0a, wherever they stand, and gives out tokens."""

import http.server
import os
import tempfile
import threading
import time

from common import not_installed, ready

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from oauthlib import oauth1
except ModuleNotFoundError as error:
    not_installed(error)

# The second has nothing in its secret that is encoded: of a query and a form the library decodes the parameters of OAuth
# twice, and so refuses `PLAINTEXT` there with the first, also as its own client writes it.
CONSUMERS = {"ck": "cs&é", "plain": "cs"}
TOKEN, TOKEN_SECRET = "tk", "ts"
LIFETIME = int(os.environ.get("TIMESTAMP_TTL", "300"))
rsa_key = rsa.generate_private_key(65537, 2048)


class Rules(oauth1.RequestValidator):
    """What the library asks its user: who is known, by which secrets, and what was seen before."""

    allowed_signature_methods = (
        "HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT",
    )
    timestamp_lifetime = LIFETIME
    enforce_ssl = False
    # The library goes on with these after a name that nobody knows, so that an answer takes as long as any other.
    dummy_client = dummy_access_token = dummy_request_token = "nobody"

    def __init__(self):
        super().__init__()
        self.seen = set()
        self.lock = threading.Lock()
        # By what they are known: the secret, and of temporary ones the callback and the verifier too.
        self.tokens = {TOKEN: TOKEN_SECRET}
        self.temporary = {}

    def check_client_key(self, client_key):
        return bool(client_key)

    def check_access_token(self, request_token):
        return bool(request_token)

    def check_nonce(self, nonce):
        return 4 <= len(nonce) <= 64

    def validate_client_key(self, client_key, request):
        return client_key in CONSUMERS

    def validate_access_token(self, client_key, token, request):
        return token in self.tokens

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, **_):
        with self.lock:
            new = (timestamp, nonce) not in self.seen
            self.seen.add((timestamp, nonce))
        return new and abs(time.time() - int(timestamp)) < LIFETIME

    def get_client_secret(self, client_key, request):
        return CONSUMERS.get(client_key, "nobody's")

    def get_access_token_secret(self, client_key, token, request):
        return self.tokens.get(token, "nobody's")

    def get_default_realms(self, client_key, request):
        return []

    def check_realms(self, realms):
        return True

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri == "oob" or redirect_uri.startswith("http://127.0.0.1")

    def save_request_token(self, token, request):
        kept = {"secret": token["oauth_token_secret"], "callback": request.redirect_uri, "verifier": None}
        self.temporary[token["oauth_token"]] = kept

    def verify_request_token(self, token, request):
        return token in self.temporary

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    def check_request_token(self, request_token):
        return bool(request_token)

    def check_verifier(self, verifier):
        return bool(verifier)

    def validate_request_token(self, client_key, token, request):
        return token in self.temporary

    def validate_verifier(self, client_key, token, verifier, request):
        return token in self.temporary and verifier == self.temporary[token]["verifier"]

    def get_request_token_secret(self, client_key, token, request):
        return self.temporary[token]["secret"] if token in self.temporary else "nobody's"

    def get_realms(self, token, request):
        return []

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = token["oauth_token_secret"]

    def invalidate_request_token(self, client_key, request_token, request):
        del self.temporary[request_token]

    def get_rsa_key(self, client_key, request):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return rsa_key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


rules = Rules()
endpoint = oauth1.ResourceEndpoint(rules)
# What answers a form of tokens, by its path. At the second the resource owner says yes.
steps = {
    "/initiate": oauth1.RequestTokenEndpoint(rules).create_request_token_response,
    "/authorize": oauth1.AuthorizationEndpoint(rules).create_authorization_response,
    "/token": oauth1.AccessTokenEndpoint(rules).create_access_token_response,
}


class Resource(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # Only the parameters of a form are part of what is signed.
        form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
        asked = {
            "uri": f"http://{self.headers['Host']}{self.path}",
            "http_method": self.command,
            "body": body.decode() if form else None,
            "headers": dict(self.headers),
        }
        step = steps.get(self.path.partition("?")[0])
        if step:
            headers, text, status = step(**asked)
            self.send(status, headers, (text or "").encode())
            return
        try:
            taken, _ = endpoint.validate_protected_resource_request(**asked)
        except ValueError as error:
            print(f"{self.path}: {error!r}", flush=True)
            taken = False
        if taken:
            self.send(200, {}, b"ok")
        else:
            self.send(401, {"WWW-Authenticate": 'OAuth realm="api"'}, b"refused")

    def send(self, status, headers, text):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer


with tempfile.TemporaryDirectory(prefix="networkpype-peer-") as folder:
    key_file = os.path.join(folder, "rsa.pem")
    with open(key_file, "wb") as file:
        form = serialization.PrivateFormat.PKCS8
        file.write(rsa_key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Resource)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready(port=server.server_port, rsa_key=key_file)
