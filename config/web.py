"""The web server: waitress, one process with threads.

Listens on HOST:PORT (127.0.0.1:8000), or takes over the listening socket whose descriptor DUBAN_WEB_FD names, so
that visitors wait instead of being refused while it is restarted. WEB_THREADS (8). Behind a proxy that sets
X-Forwarded-For and X-Forwarded-Proto, TRUSTED_PROXY is the address it comes from; from others they are dropped.
"""

import os
import signal
import socket
import sys
from types import FrameType
from typing import Any

import waitress


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any free one. Raises OSError when it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1024)
    except OSError:
        sock.close()
        raise
    return sock


def _leave(number: int, frame: FrameType | None) -> None:
    # waitress takes SystemExit as the wish to finish what is being answered and return.
    raise SystemExit(0)


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    if fd := os.environ.get("DUBAN_WEB_FD"):
        sock = socket.socket(fileno=int(fd))
    else:
        host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
        try:
            sock = listening_socket(host, port)
        except OSError as fault:
            print(f"Duban's web server cannot listen on {host}:{port}: {fault.strerror}.", file=sys.stderr)
            return 1
    from config.wsgi import application  # late: a taken port should be told before settings are read

    options: dict[str, Any] = {}
    if proxy := os.environ.get("TRUSTED_PROXY"):
        options = {
            "trusted_proxy": proxy,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
            "clear_untrusted_proxy_headers": True,
        }
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    waitress.serve(
        application,
        sockets=[sock],
        threads=int(os.environ.get("WEB_THREADS", "8")),
        ident=None,
        _quiet=True,
        **options,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
