"""Becomes the program that it is given, tied to the life of its parent.

Run as a script with nothing but the standard library: it asks the kernel for SIGTERM when
the thread that started it ends, kill -9 included, and then replaces itself (the request
survives exec). Where the kernel has no such request, the lock on the data directory finds
the orphan at the next start.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """`tether.py PARENT_PID PROGRAM ARGUMENT…`."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
            sys.exit(f"{program[0]}: prctl: {os.strerror(ctypes.get_errno())}")
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(f"{program[0]}: its parent {parent} is gone")
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
