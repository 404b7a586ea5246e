"""`python -m dev.host [APP_DIR] --port 7071 --host 127.0.0.1 [--no-keys] [--hidden-s 600]`.

Prints one JSON line when ready and one for each invocation; everything else goes to stderr.
SIGTERM or SIGINT stops it after what runs has ended; a second one stops it at once.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from dev.host.app import import_app
from dev.host.http import Keys
from dev.host.listeners import Timing
from dev.host.runtime import Host
from dev.host.settings import HostError, read_local_settings


def main() -> int:
    """Host an app until a signal; the exit status is 0, or 1 for an app that cannot be hosted."""
    parser = argparse.ArgumentParser(prog="python -m dev.host", description=__doc__)
    parser.add_argument("directory", nargs="?", default=".", type=Path, metavar="APP_DIR")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", default=7071, type=int, help="0 takes any free one")
    parser.add_argument("--no-keys", action="store_true", help="accept requests without keys")
    parser.add_argument(
        "--hidden-s",
        default=Timing.receive_visibility_s,
        type=int,
        help="how long messages stay hidden that a host had as it was killed (Azure: %(default)s)",
    )
    options = parser.parse_args()
    directory: Path = options.directory.resolve()
    _log_to_console()
    try:
        for name, value in read_local_settings(directory).items():
            os.environ.setdefault(name, value)
        keys = Keys.generate(os.environ, enforced=not options.no_keys)
        timing = Timing(receive_visibility_s=options.hidden_s)
        host = Host(import_app(directory), directory, os.environ, keys=keys, timing=timing)
        address = socket.create_server((options.host, options.port))
    except (HostError, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    asyncio.run(_serve(host, address))
    return 0


async def _serve(host: Host, address: socket.socket) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(_signal: int, _frame: object) -> None:
        if stopping.is_set():
            os._exit(130)
        loop.call_soon_threadsafe(stopping.set)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    async with host.running(address) as url:
        ready = {"event": "ready", "url": url, "functions": [f.name for f in host.functions]}
        if host.keys.enforced:
            ready |= {"master_key": host.keys.master, "host_key": host.keys.host}
        print(json.dumps(ready), flush=True)
        await stopping.wait()


def _log_to_console() -> None:
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # One line a storage request would drown the app's own.
    logging.getLogger("azure").setLevel(logging.WARNING)
    invocations = logging.getLogger("dev.host.invocations")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    invocations.addHandler(handler)
    invocations.propagate = False


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Not sys.exit: a function that ran out of time still has its thread, and Python would join it.
    os._exit(status)
