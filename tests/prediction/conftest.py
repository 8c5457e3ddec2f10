"""What several tests of this room need."""

import pytest
import stub


@pytest.fixture(scope="package")
def with_whole(trained, tmp_path_factory):
    """A run with a whole model, made by hand; not to be changed."""
    return stub.with_whole(trained, tmp_path_factory.mktemp("with_whole") / "run")
