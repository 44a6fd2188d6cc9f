"""Disks that are full, take no more files, or may only be read: on a small tmpfs, where one can be mounted."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gsseg_kills_jobs import hidden, settled, snapshot

Mount = Callable[..., None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Mount]]:
    """A folder, and a function (*options) that mounts a tmpfs on it or changes the one that is there."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> None:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "gsseg", str(folder)], capture_output=True)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted: {done.stderr.decode()}")

    mount("size=16m")
    try:
        yield folder, mount
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _used(folder: Path) -> tuple[int, int]:
    """Bytes and files that a disk holds."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_files - found.f_ffree


def test_too_little_room(some_job, world, server, points, disk):
    job, (folder, mount) = world.jobs()[some_job], disk
    before = snapshot(world.templates / job.before)
    whole = world.place(job.before, folder / "place")
    bytes_before, files_before = _used(folder)
    assert server.job(world, some_job, whole).status == 0
    after = settled(whole)
    shutil.rmtree(whole)
    limits = [("remount,ro", "remount,rw")]
    limits += [(f"remount,size={bytes_before + more}", "remount,size=16m") for more in range(4096, 200_000, 16384)]
    limits += [(f"remount,nr_inodes={files_before + more}", "remount,nr_inodes=4096") for more in (1, 2, 3, 5, 8, 13)]
    refused = 0
    for less, more in limits if points == sys.maxsize else limits[some_job % 3 :: 9]:
        place = world.place(job.before, folder / "place")
        mount(less)
        ended = server.job(world, some_job, place)
        mount(more)
        found, left = settled(place), hidden(place)
        assert (ended.status, found) in ((0, after), (2, before)), (less, ended)
        if ended.status == 2:
            refused += 1
            assert ended.err.startswith("gsseg: error: "), (less, ended)
            assert ended.err.count("\n") == 1, (less, ended)
            assert left == [], (less, ended)
        if job.repeats or found == before:
            again = server.job(world, some_job, place)
            assert again.status == 0, (less, again)
            assert settled(place) == after
        assert hidden(place) == []
        shutil.rmtree(place)
    assert refused or after == before
