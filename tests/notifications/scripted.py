"""An SMTP server that answers as a test tells it, for the faults that a well-behaved one has no words for."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HANG_UP = "hang up"
ENDS = "."
"""The command under which the answer to a whole message is asked for; its argument is the recipient."""

Answer = str | tuple[float, str] | None
"""A line, a line after so many seconds, HANG_UP, or None: as any server answers."""

USUAL = {"banner": "220 here", "DATA": "354 go on", "QUIT": "221 bye"}


class ScriptedServer:
    """`answer` is given each command with its argument; `taken` are the messages received in full, as (recipient, bytes)."""

    def __init__(self, answer: Callable[[str, str], Answer]) -> None:
        self.answer = answer
        self.taken: list[tuple[str, bytes]] = []
        outer = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    outer._converse(self)
                except OSError:
                    return  # the other side has hung up, or we have

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Conversation)
        self.port: int = self.server.server_address[1]

    def _converse(self, line: socketserver.StreamRequestHandler) -> None:
        recipient = ""
        self._say(line, "banner", "")
        while received := line.rfile.readline():
            command, _, argument = received.decode().strip().partition(" ")
            if command.upper() == "RCPT":
                recipient = argument[argument.find("<") + 1 : argument.find(">")]
            said = self._say(line, command.upper(), argument)
            if said.startswith("354"):
                content = b""
                while (row := line.rfile.readline()) and row != b".\r\n":
                    content += row
                self.taken.append((recipient, content))
                self._say(line, ENDS, recipient)
            elif command.upper() == "QUIT":
                return

    def _say(self, line: socketserver.StreamRequestHandler, command: str, argument: str) -> str:
        said = self.answer(command, argument) or USUAL.get(command, "250 well")
        if isinstance(said, tuple):
            time.sleep(said[0])
            said = said[1]
        if said == HANG_UP:
            line.connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        line.wfile.write(f"{said}\r\n".encode())
        return said


@contextmanager
def scripted_server(answer: Callable[[str, str], Answer]) -> Iterator[ScriptedServer]:
    """One on a free port of 127.0.0.1, in threads of its own."""
    scripted = ScriptedServer(answer)
    thread = threading.Thread(target=scripted.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        scripted.server.shutdown()
        scripted.server.server_close()
        thread.join(10)
