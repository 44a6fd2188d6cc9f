"""Damaged inputs for every reader, as many as asked for: ``python -m tests.reliability.fuzz --cases 20000``.

Prints what became of the cases of each reader, and each kind of finding with the words that repeat one of it. Ends with
status 1 where there is one. A case is decided by seed, reader and number alone.
"""

import argparse
import math
import multiprocessing
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from tests.reliability.fuzz_files import misplace
from tests.reliability.fuzz_pool import SECONDS, Case, Result, Run, run_cases
from tests.reliability.fuzz_readers import READERS
from tests.reliability.fuzz_seeds import make_seeds

CHILDREN = 2


def seeds_into(folder: Path) -> None:
    """Makes the sound inputs in a process of its own: this one must start no threads before it is forked."""
    process = multiprocessing.get_context("fork").Process(target=make_seeds, args=(folder,))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the sound inputs could not be made")


def runner(seeds: Path) -> Run:
    """The function that damages and reads one case."""
    readers = {reader.name: (index, reader) for index, reader in enumerate(READERS)}

    def run(case: Case, folder: Path) -> None:
        index, reader = readers[case.reader]
        rng = np.random.default_rng([case.seed, index, case.number])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signal.setitimer(signal.ITIMER_PROF, 6 * SECONDS)  # packing large pictures is slow, and not judged
            reader.damage(rng, seeds, folder)
            misplace(rng, seeds, folder)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        reader.read(folder)

    return run


def cases_of(count: int, seed: int, reader: str | None = None) -> list[Case]:
    """So many cases of all readers, in their shares, or of one."""
    if reader is not None:
        return [Case(reader, seed, number) for number in range(count)]
    whole = sum(each.share for each in READERS)
    cases = [Case(each.name, seed, n) for each in READERS for n in range(math.ceil(count * each.share / whole))]
    return sorted(cases, key=lambda case: case.number)[:count]


def table(results: list[Result]) -> str:
    """A line for each reader: how many cases were accepted, refused and found wanting."""
    counts = Counter((result.case.reader, result.outcome) for result in results)
    lines = [f"{'reader':28}{'accepted':>10}{'refused':>10}{'findings':>10}"]
    for reader in READERS:
        row = [counts[reader.name, outcome] for outcome in ("accepted", "refused", "finding")]
        if any(row):
            lines.append(f"{reader.name:28}{row[0]:>10}{row[1]:>10}{row[2]:>10}")
    row = [sum(result.outcome == outcome for result in results) for outcome in ("accepted", "refused", "finding")]
    return "\n".join([*lines, f"{'all':28}{row[0]:>10}{row[1]:>10}{row[2]:>10}"])


def findings(results: list[Result]) -> list[str]:
    """A line for each kind of finding: how often, what, and how to repeat the first."""
    kinds: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(results, key=lambda result: result.case.number):
        if result.outcome == "finding":
            kinds.setdefault((result.case.reader, result.place), []).append(result)
    return [
        f"{len(found)} x {reader}: {found[0].detail}\n"
        f"    --reader {reader!r} --seed {found[0].case.seed} --only {found[0].case.number}"
        for (reader, _), found in sorted(kinds.items())
    ]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Damaged inputs for every reader.")
    parser.add_argument("--cases", type=int, default=2000, help="number of cases")
    parser.add_argument("--seed", type=int, default=0, help="decides them")
    parser.add_argument("--reader", choices=[reader.name for reader in READERS], help="one reader alone")
    parser.add_argument("--lines", action="store_true", help="print every refusal")
    parser.add_argument("--only", type=int, help="number of one case of that reader, kept in ./fuzz_case")
    options = parser.parse_args()
    started, results = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="fuzz_seeds_") as folder:
        seeds_into(Path(folder))
        run = runner(Path(folder))
        cases = cases_of(options.cases, options.seed, options.reader)
        if options.only is not None:
            cases = [Case(options.reader or READERS[0].name, options.seed, options.only)]
            shutil.rmtree("fuzz_case", ignore_errors=True)
            run = _keeping(run, Path("fuzz_case").absolute())
        run_cases(run, cases, CHILDREN, report=results.append)
    if options.only is not None:
        print(f"{results[0].outcome}: {results[0].detail}")
    if options.lines:
        print(
            "\n".join(f"{each.case.reader} {each.case.number}: {each.outcome} {each.detail[:160]}" for each in results)
        )
    found = findings(results)
    print("\n".join([table(results), *found]))
    print(f"{len(results)} cases, {len(found)} kinds of findings, {time.monotonic() - started:.0f} s")
    return int(bool(found))


def _keeping(run: Run, kept: Path) -> Run:
    def again(case: Case, folder: Path) -> None:
        kept.mkdir()
        run(case, kept)

    return again


if __name__ == "__main__":
    sys.exit(main())
