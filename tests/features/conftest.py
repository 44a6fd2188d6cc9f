"""What the tests of stage 1 share."""

from collections.abc import Iterator

import pytest

from gsseg.threads import one_torch_thread


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As `gsseg.train` does: operations as small as these only wait for each other on more."""
    with one_torch_thread():
        yield
