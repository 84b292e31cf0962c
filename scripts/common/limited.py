"""Calls in a process of their own, which is ended when one takes too long."""

import multiprocessing
import resource
import signal
from pathlib import Path


class ProcessLost(Exception):
    """The process of a call ended, or was ended; says in a few words why."""


class LimitedProcess:
    """Another process that computes a function, and is started again when it is lost.

    Parameters
    ----------
    function : callable
        At the top level of a module, because it goes to the other process.
    memory : int
        Bytes of its address space.
    """

    def __init__(self, function, memory):
        self._function, self._memory = function, memory
        self._start()

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._function, self._memory), daemon=True)
        self._process.start()
        # Of the other end there must be one holder, whose end is then noticed.
        other.close()
        # The time that imports take is not that of the first call.
        self._pipe.recv()

    def call(self, seconds, *arguments):
        """What the function gives; ProcessLost if it does not within so many seconds."""
        self._pipe.send(arguments)
        try:
            if self._pipe.poll(seconds):
                return self._pipe.recv()
        except EOFError:
            self._process.join()
            reason = f"the process ended with status {self._process.exitcode}"
        else:
            reason = f"no end within {seconds:g} s"
        self.restart()
        raise ProcessLost(reason)

    def restart(self):
        """Continue with a fresh process."""
        self.close()
        self._start()

    def close(self):
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def peak_memory():
    """Kilobytes of memory that this process has held at most.

    Not ``ru_maxrss``: a process that is started by a large one has the other's to begin with (vfork).
    """
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0])


def _serve(pipe, function, memory):
    """Calls, until the other end is closed."""
    # An interrupt is for the process that waits.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    pipe.send(None)
    while True:
        try:
            arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(function(*arguments))
