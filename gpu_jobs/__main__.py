"""Takes jobs from the queue `gpu-jobs` until it is empty, then exits.

    python -m gpu_jobs            # what a container job runs when messages wait
    python -m gpu_jobs --watch    # goes on waiting, for a demonstration

The storage is named as for the functions: `LABELRY_STORAGE`, or `LABELRY_STORAGE__blobServiceUri` and so on.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys

# Two threads that wait by spinning take ten times the time of one image.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from gpu_jobs.worker import HELD_S, Worker
from labeling.adapters.azure import connect, connection
from labeling.settings import Settings


def main() -> int:
    """Work, and tell by the exit status that nothing went wrong with the worker itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--watch", action="store_true", help="wait for more when the queue is empty"
    )
    parser.add_argument(
        "--held",
        type=int,
        default=HELD_S,
        metavar="SECONDS",
        help="after which others take the job of a process that was killed",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("azure").setLevel(logging.WARNING)
    settings = Settings()
    worker = Worker(connect(connection(settings)), settings, held_s=options.held)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: worker.stop())
    worker.work(watch=options.watch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
