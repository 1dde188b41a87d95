"""A process, run to its end or to its time limit, and what it took."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

# What a shell says about threads must not decide the comparison.
THREAD_SETTINGS = ("BLIS_", "BNES_", "GOTO_", "KMP_", "MKL_", "NUMEXPR_", "OMP_", "OPENBLAS_", "RAYON_", "TF_", "XLA_")


class Failed(Exception):
    """A process that did not end well: what it said, or that it took too long."""


@dataclass(frozen=True)
class Ended:
    output: str
    wall_s: float
    cpu_s: float
    peak_mib: float


def environment(threads=None):
    """The shell's, without its thread settings; `threads` for whatever reads such a variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(THREAD_SETTINGS)}
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
            kept[name] = str(threads)
    return kept | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}


def run(command, limit_s, variables):
    """Raises `Failed` where the process cannot start, takes longer than `limit_s` or ends with an error."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        try:
            # A session of its own, so that its children go down with it.
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=variables,
                start_new_session=True,
            )
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        late = threading.Event()

        def end():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if late.is_set():
            raise Failed(f"ended after {limit_s:.0f} s, unfinished")
        if process.returncode != 0:
            errors.seek(0)
            last = " ".join(" ".join(errors.read().splitlines()[-5:]).split())
            raise Failed(f"exit code {process.returncode}: {last}")
        output.seek(0)
        per_mib = 2**20 if sys.platform == "darwin" else 2**10
        return Ended(output.read(), wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_mib)
