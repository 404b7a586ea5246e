"""Runs a command that must not outlive the process that asked for it.

Usage: python -I -S dev/tether.py PARENT_PID COMMAND [ARGUMENT ...]

A step between fork and exec of its own, because Python code run there (`preexec_fn`) can
deadlock in a parent that has threads. Whereabouts than on Linux the command just runs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; kept over exec


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
