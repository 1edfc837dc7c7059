"""Passwords: PyPI's httpbin, where user, password and algorithm stand in the path."""

import threading

from common import not_installed, ready

try:
    from httpbin import app
    from werkzeug.serving import make_server
except ModuleNotFoundError as error:
    not_installed(error)

server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
ready(port=server.port)
