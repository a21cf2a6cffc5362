"""Runs a command that must not outlive its parent: `python guard.py PARENT_PID COMMAND...`.

On Linux the kernel sends SIGTERM to this process when the thread that started it ends, also after
kill -9 of the parent; the request survives the exec. Elsewhere the pid file of the next start finds
what is left. Standard library only, and run with -I -S: it is on the way of every child.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, look whether the parent died before that, become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execv(command[0], command)  # noqa: S606 (no shell is wanted: this replaces the process)


if __name__ == "__main__":
    main()
