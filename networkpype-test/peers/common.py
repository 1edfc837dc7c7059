"""What the starters in Python share: to be ready, and to end."""

import os
import signal
import stat
import sys
import threading

# The exit code by which a test knows that there is nothing to test against.
NOT_INSTALLED = 69


def not_installed(error):
    print(f"{error.name} is not installed", file=sys.stderr)
    sys.exit(NOT_INSTALLED)


def ready(**facts):
    """Tells that connections are accepted, and returns when the server is to end: at SIGTERM, or when stdin, a pipe, closes."""
    over = threading.Event()

    def read_to_the_end():
        while os.read(0, 4096):
            pass
        over.set()

    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: over.set())
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        threading.Thread(target=read_to_the_end, daemon=True).start()
    print("READY", *(f"{key}={value}" for key, value in facts.items()), flush=True)
    over.wait()
