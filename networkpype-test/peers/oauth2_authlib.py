"""An authorization server: PyPI's Authlib gives out tokens for assertions (RFC 7523, section 2.1)."""

import http.server
import json
import os
import tempfile
import threading
import urllib.parse

from common import not_installed, ready

# It is for this machine alone.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
try:
    from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
    from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
    from authlib.oauth2.rfc6750 import BearerTokenGenerator
    from authlib.oauth2.rfc7523 import JWTBearerGrant
    from joserfc.jwk import ECKey, KeySet
except ModuleNotFoundError as error:
    not_installed(error)

CLIENT, SUBJECT, SCOPES = "robot", "user1", {"read", "write"}
key = ECKey.generate_key("P-256", {"kid": "rk1", "alg": "ES256"})


class Client(ClientMixin):
    """A service account, which is known by its key."""

    def get_client_id(self):
        return CLIENT

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in SCOPES)

    def check_grant_type(self, grant_type):
        return grant_type == JWTBearerGrant.GRANT_TYPE


class Grant(JWTBearerGrant):
    """What the library asks its user: who is known, by which key, and who may act for whom."""

    def resolve_issuer_client(self, issuer):
        return Client() if issuer == CLIENT else None

    def resolve_client_public_key(self, client):
        return KeySet([key])

    def get_audiences(self):
        return [issuer]

    def authenticate_user(self, subject):
        return subject if subject == SUBJECT else None

    def has_granted_permission(self, client, user):
        return True


class Server(AuthorizationServer):
    """The library's server, over the standard library's."""

    def query_client(self, client_id):
        return Client() if client_id == CLIENT else None

    def save_token(self, token, request):
        pass

    def send_signal(self, name, *args, **kwargs):
        pass

    def create_oauth2_request(self, request):
        return request

    def handle_response(self, status, body, headers):
        return status, body, headers


class Request(OAuth2Request):
    def __init__(self, uri, form, headers):
        super().__init__("POST", uri, headers=headers)
        self._body = form
        self.payload = BasicOAuth2Payload(form)


library = Server(scopes_supported=sorted(SCOPES))
library.register_grant(Grant)
library.register_token_generator("default", BearerTokenGenerator(lambda *_args, **_more: os.urandom(16).hex()))


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Or an answer waits for the client to acknowledge its head.
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True)) if is_form else {}
        status, answer, headers = library.create_token_response(Request(issuer + self.path, form, dict(self.headers)))
        text = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


with tempfile.TemporaryDirectory(prefix="networkpype-peer-") as folder:
    key_file = os.path.join(folder, "robot.pem")
    with open(key_file, "wb") as file:
        file.write(key.as_pem(private=True))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready(port=server.server_port, issuer=issuer, robot_key=key_file, robot_kid=key.kid)
