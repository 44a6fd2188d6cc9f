"""The GPUs of this machine, and which command has which.

A command sees no card but those it was given (``CUDA_VISIBLE_DEVICES``), so that two never fill one card unless the
list says that each takes only a share of it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition

import torch

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""What CUDA reads: the cards that a process may use, by number or name."""

ROUNDING = 1e-9
"""Shares are sums of fractions: so much less than the whole is the whole."""


def cards_here() -> list[str]:
    """How CUDA calls the GPUs that this process may use; none where PyTorch finds none."""
    count = torch.cuda.device_count()
    named = [each.strip() for each in os.environ.get(VISIBLE, "").split(",") if each.strip()]
    return named[:count] if named else [str(each) for each in range(count)]


class Cards:
    """Cards that commands take and give back; safe to use from many threads."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._free = [1.0] * len(names)
        self._queue: list[object] = []
        self._changed = Condition()
        self._closed = False

    @contextmanager
    def taken(self, share: float) -> Iterator[list[str]]:
        """Waits for its turn and for ``share`` of a card, or for that many whole ones, and holds them in the block.

        First come, first served, so that who asks for several is not passed by for ever. None where nothing is asked
        for, and where it was closed meanwhile. ValueError for more than there are.
        """
        count = _count(share)
        if count > len(self.names):
            raise ValueError(f"{share:g} of {len(self.names)} GPUs")
        me = object()
        with self._changed:
            self._queue.append(me)
            self._changed.wait_for(
                lambda: self._closed or (self._queue[0] is me and len(self._fitting(share)) >= count)
            )
            self._queue.remove(me)
            mine = [] if self._closed else self._fitting(share)[:count]
            for each in mine:
                self._free[each] -= min(share, 1.0)
            self._changed.notify_all()
        try:
            yield [self.names[each] for each in mine]
        finally:
            with self._changed:
                for each in mine:
                    self._free[each] = min(1.0, self._free[each] + min(share, 1.0))
                self._changed.notify_all()

    def close(self) -> None:
        """Lets nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fitting(self, share: float) -> list[int]:
        """Cards with so much room, those that others use first: whole ones are kept for who needs whole ones."""
        fitting = [each for each, free in enumerate(self._free) if free + ROUNDING >= min(share, 1.0)]
        return sorted(fitting, key=lambda each: self._free[each])


def _count(share: float) -> int:
    """Cards of a share: whole ones beyond the first."""
    return 0 if share <= 0 else 1 if share <= 1 else round(share)
