"""Real processes killed (SIGKILL) at random moments, and files that may not grow: the earlier state or the new one."""

import random
import shutil
import sys

from gsseg_kills_jobs import hidden, settled, snapshot

LARGEST = (0, 100, 400, 1000)
"""Bytes that files may grow to; each job writes longer ones."""


def test_killed_at_random_moments(some_job, world, server, points, figure, tmp_path):
    job = world.jobs()[some_job]
    before = snapshot(world.templates / job.before)
    place = world.place(job.before, tmp_path / "whole")
    ended = server.job(world, some_job, place)
    assert ended.status == 0, ended.err
    after = settled(place)
    moments, killed, findings = random.Random(some_job), 0, []
    for _ in range(1 if points < sys.maxsize else 40):
        place = world.place(job.before, tmp_path / "killed")
        moment = moments.uniform(0.0, 1.1 * ended.seconds)
        killed += server.job(world, some_job, place, after=moment).status is None
        found = settled(place)
        if found not in (before, after):
            findings.append(f"killed after {moment:.3f} s: a mixture")
        if job.repeats or found == before:
            again = server.job(world, some_job, place)
            if again.status != 0 or settled(place) != after or hidden(place):
                findings.append(f"killed after {moment:.3f} s, and repeated: {again.err!r}, {hidden(place)}")
        shutil.rmtree(place)
    figure(f"{job.name}: {killed} processes killed at random moments, {len(findings)} findings")
    assert findings == []


def test_files_that_may_not_grow(some_job, world, server, points, tmp_path):
    """RLIMIT_FSIZE, which ends writes like a full disk or a quota in the middle of a file."""
    job = world.jobs()[some_job]
    before = snapshot(world.templates / job.before)
    for largest in LARGEST if points == sys.maxsize else [LARGEST[some_job % len(LARGEST)]]:
        place = world.place(job.before, tmp_path / "place")
        ended = server.job(world, some_job, place, largest=largest)
        assert ended.status == 2
        assert ended.err.startswith("gsseg: error: ")
        assert ended.err.count("\n") == 1
        assert snapshot(place) == before
        assert hidden(place) == []
        again = server.job(world, some_job, place)
        assert again.status == 0, again.err
        shutil.rmtree(place)
