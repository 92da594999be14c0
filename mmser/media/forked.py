"""A decoder process as a fork of its caller: it has all that is imported, so it starts at once.

A fork cannot use threads beside another thread's locks, nor a GPU that its parent has touched:
`may_fork` says when it is safe. `mmser.media.decoder` starts processes from nothing elsewhere.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable


def may_fork() -> bool:
    """Whether this process may be forked: it has one thread, and has not loaded torch."""
    return sys.platform == "linux" and threading.active_count() == 1 and "torch" not in sys.modules


class Forked:
    """A fork that runs ``serve(descriptor of its socket)``; used as a `subprocess.Popen` is."""

    def __init__(self, channel: socket.socket, serve: Callable[[int], None]) -> None:
        self._code: int | None = None
        with warnings.catch_warnings():
            # Of the threads of numeric libraries, which stand still and know of forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            _serve(channel.fileno(), serve)

    def kill(self) -> None:
        """End it."""
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """How it ended: negative for a signal."""
        if self._code is None:
            _, status = os.waitpid(self.pid, 0)
            self._code = os.waitstatus_to_exitcode(status)
        return self._code


def _serve(descriptor: int, serve: Callable[[int], None]) -> None:
    """The life of a fork: nothing of its parent's is closed, written or cleaned up by it."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nothing, standard)
        # Sockets of the others, locks: a parent that is gone must not be kept alive in them.
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
        # What the parent holds stays shared with it: collecting garbage would write to all of it.
        gc.freeze()
        _one_thread()
        serve(descriptor)
        code = 0
    finally:
        os._exit(code)


def _one_thread() -> None:
    """As there are as many processes as cores, each computes on one."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(1)
