"""Starts the real `doorward` binary on free ports with a data folder of its own, and runs its command line.

With DOORWARD_TEST_NODES it is several nodes behind a forwarder, on a CQL cluster (`node/tests/nodes/doorward.mjs`).
"""

import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[4]
CLUSTER = bool(os.environ.get("DOORWARD_TEST_NODES"))
PROGRAM = "node/tests/nodes/doorward.mjs" if CLUSTER else os.environ.get("DOORWARD_BIN") or "target/debug/doorward"
BINARY = (ROOT / PROGRAM).resolve()
SWITCHES = {name: value for name, value in os.environ.items() if name.startswith(("DOORWARD_TEST_", "DOORWARD_BIN"))}
READY_WITHIN_SECS = 90 if CLUSTER else 20
POLL_SECS = 0.025
STOP_WITHIN_SECS = 60 if CLUSTER else 15
LOG_TAIL = 60
PORTS_EACH = 40
FIRST_PORT = 12_000 + PORTS_EACH * (os.getpid() % 500)
GIVEN = itertools.count()


class Server:
    """A running server; `stop` ends it and removes its data folder.

    All tests come from one address, so the bounds per address are raised; those per account stay as they are.
    """

    def __init__(self, name, **settings):
        port, management = free_ports(2)
        self.origin = f"http://localhost:{port}"
        self.management = f"http://127.0.0.1:{management}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="doorward-"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **SWITCHES,
            "DOORWARD__HTTP__LISTEN": f"127.0.0.1:{port}",
            "DOORWARD__MANAGEMENT__LISTEN": f"127.0.0.1:{management}",
            "DOORWARD__ISSUER": self.origin,
            "DOORWARD__STORE__URL": f"embedded:{self.folder / 'data'}",
            "DOORWARD__LIMITS__FAILURES_PER_ADDRESS": "100000",
            "DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS": "100000",
            **settings,
        }
        logs = ROOT / "target" / "test-logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{name}.log"
        self.log.write_bytes(b"")
        self.start()

    def start(self):
        """Starts the process, and waits until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _wait(self):
        """Polls the readiness probe, and gives up at once when the process ends."""
        deadline = time.monotonic() + READY_WITHIN_SECS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{BINARY} ended with exit code {self.process.returncode}\n{self.tail()}")
            try:
                with urllib.request.urlopen(f"{self.management}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(POLL_SECS)
        raise RuntimeError(f"{BINARY} was not ready within {READY_WITHIN_SECS} s\n{self.tail()}")

    def tail(self):
        """The last lines of what the server printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:])

    def command(self, *words):
        """Runs a verb of the command line against this server; returns what it printed."""
        done = subprocess.run(
            [BINARY, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"doorward {' '.join(words)}: exit code {done.returncode}\n{done.stderr}\n{self.tail()}")
        return done.stdout

    def create_client(self, *flags):
        """Registers a client; returns its `client_id` and `client_secret`."""
        return json.loads(self.command("client", "create", *flags, "--output", "json"))

    def kill(self):
        """Ends the process without a word to it."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends the process as an operator does; one that does not end by itself is an error."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_WITHIN_SECS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none within the time"
        shutil.rmtree(self.folder, ignore_errors=True)
        if code != 0:
            raise RuntimeError(f"{BINARY} on SIGTERM: exit code {code}\n{self.tail()}")


def free_ports(count):
    """Ports that are free; none is named again before its turn comes round.

    As in `node/tests/nodes/ports.mjs` they are below those that the system gives to outgoing connections, and each process has a few
    of its own: nobody else takes one before it is listened at.
    """
    found = []
    for _ in range(PORTS_EACH):
        port = FIRST_PORT + next(GIVEN) % PORTS_EACH
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
                one.listen()
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"{count} ports from {FIRST_PORT} on are not free")
