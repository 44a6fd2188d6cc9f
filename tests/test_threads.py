"""The shared threads: results in order, errors raised here, and nothing that hangs after a fork."""

import os
import signal
import time
import warnings

import numpy as np
import pytest
import torch

from gsseg.quantize import ResidualKMeans
from gsseg.threads import one_torch_thread, run_all, spans


@pytest.mark.parametrize("parts", [None, 1, 3, 100])
@pytest.mark.parametrize("length", [1, 7, 1000])
def test_spans_cover_everything_once(length: int, parts: int | None):
    pieces = spans(length, parts)
    assert [i for a, b in pieces for i in range(a, b)] == list(range(length))
    sizes = [b - a for a, b in pieces]
    assert max(sizes) - min(sizes) <= 1


def test_results_come_in_order_and_errors_are_raised():
    assert run_all([lambda k=k: (time.sleep(0.01 * (3 - k)), k)[1] for k in range(4)]) == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        run_all([lambda: 1, lambda: 1 // 0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_works(tmp_path):
    """As DataLoader and multiprocessing make them; the parent's threads are used first."""
    x = np.random.default_rng(0).normal(size=(40_000, 6)).astype(np.float32)
    quantizer = ResidualKMeans(2, 8, seed=0).fit(x[:2000])
    codes = np.asarray(quantizer.encode(x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of every fork beside threads
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(np.asarray(quantizer.encode(x)), codes) else 1)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("it waits for threads that it has not")


def test_torch_has_its_threads_back_however_blocks_overlap():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        first, second = one_torch_thread(), one_torch_thread()
        first.__enter__()
        second.__enter__()
        assert torch.get_num_threads() == 1
        first.__exit__(None, None, None)
        assert torch.get_num_threads() == 1, "the other one is still inside"
        second.__exit__(None, None, None)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
