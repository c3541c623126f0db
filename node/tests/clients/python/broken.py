"""Servers in this process that break off, or say nothing, in the middle of a conversation."""

import contextlib
import socket
import struct
import threading

SILENCE = "silence"
RESET = "reset"

USUAL = {
    "": "220 relay",
    "EHLO": "250-relay\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "MAIL": "250 good",
    "RCPT": "250 good",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


class Broken:
    """Takes connections, and holds a conversation on each; `stop` ends it. `reached` is set once it came to what is broken."""

    def __init__(self):
        self.reached = threading.Event()
        self.heard = []
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        """Listens no more, and ends every connection."""
        for one in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            self.converse(connection, connection.makefile("rb"))

    def converse(self, connection, lines):
        """One conversation."""
        raise NotImplementedError

    def breaks(self, connection, lines, does):
        """What is broken: silence, a reset, or the beginning of an answer and then silence."""
        self.reached.set()
        if does == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if does != SILENCE:
            connection.sendall(does.encode())
        lines.read()


class Relay(Broken):
    """A relay for mail that works up to a step: "" is the greeting, "." the end of a message, and others are commands."""

    def __init__(self, at, does):
        self.at, self.does = at, does
        super().__init__()

    def converse(self, connection, lines):
        step = ""
        while step in USUAL:
            says = USUAL[step]
            if step == self.at:
                if not self.does[:3].isdigit():
                    self.breaks(connection, lines, self.does)
                    return
                self.reached.set()
                says = self.does
            connection.sendall(f"{says}\r\n".encode())
            end = step == "DATA" and says.startswith("3")
            line = lines.readline()
            while end and line not in (b".\r\n", b""):
                line = lines.readline()
            self.heard.append(line.decode().strip())
            step = line.decode().split(" ")[0].strip() or "gone"


class Provider(Broken):
    """A provider over HTTP that takes a request whole, and then does this."""

    def __init__(self, does):
        self.does = does
        super().__init__()

    def converse(self, connection, lines):
        length = 0
        while (line := lines.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        lines.read(length)
        self.breaks(connection, lines, self.does)


@contextlib.contextmanager
def black_hole():
    """A port at which nobody accepts, and the queue of those who wait is full: whoever connects hears nothing."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(8):
            one = sockets.enter_context(socket.socket())
            one.settimeout(0.2)
            try:
                one.connect(address)
            except TimeoutError:
                break
        else:
            raise AssertionError("connections are taken although nobody accepts them")
        yield address[1]
