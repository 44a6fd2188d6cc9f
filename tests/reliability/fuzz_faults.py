"""What a reader must not do, done on purpose: prints the place of each finding, one a line, in the order of the faults.

Run by the tests as a process of its own: ``python -m tests.reliability.fuzz_faults``.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from gsseg.errors import InputError
from tests.reliability import fuzz_pool
from tests.reliability.fuzz_pool import Case, Result, run_cases


def _refuse() -> None:
    raise InputError("file", "is wrong")


def _spin() -> None:
    while True:
        pass


FAULTS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "a refusal": _refuse,
    "another error": lambda: 1 / 0,
    "a warning": lambda: warnings.warn("something", stacklevel=1),
    "a word on stderr": lambda: print("hello", file=sys.stderr),
    "a word of native code": lambda: os.write(2, b"hello"),
    "an end of the process": lambda: os._exit(0),
    "a crash": os.abort,
    "too much memory": lambda: bytearray(1 << 33),
    "too much time": _spin,
    "a wait without end": lambda: time.sleep(3600),
}


def main() -> None:
    """Runs each fault as a case, with little patience."""
    fuzz_pool.SECONDS, fuzz_pool.PATIENCE = 0.5, 3.0
    results: list[Result] = []

    def run(case: Case, folder: Path) -> None:
        FAULTS[case.reader]()

    run_cases(run, [Case(name, 0, 0) for name in FAULTS], 2, report=results.append, memory=1 << 28)
    for name in FAULTS:
        result = next(result for result in results if result.case.reader == name)
        print(f"{name}: {result.outcome}: {result.detail}")


if __name__ == "__main__":
    main()
