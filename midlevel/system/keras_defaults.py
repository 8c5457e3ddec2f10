"""Keras as it comes, whatever the user or another program has set.

`~/.keras/keras.json` and `keras.config.set_*` change the type, the layout and the
arithmetic of every model that is made afterwards. Models of midlevel are made, loaded
and fitted with Keras' own defaults, and what was set is put back.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from midlevel.system import runtime

POLICY = "float32"


@dataclass(frozen=True)
class Settings:
    """What Keras keeps for the whole process, and its defaults."""

    floatx: str = "float32"
    epsilon: float = 1e-7
    image_data_format: str = "channels_last"

    @classmethod
    def now(cls) -> "Settings":
        """As they are."""
        config = runtime.load_keras().config
        return cls(config.floatx(), config.epsilon(), config.image_data_format())

    def set(self) -> None:
        """Make them so."""
        config = runtime.load_keras().config
        config.set_floatx(self.floatx)
        config.set_epsilon(self.epsilon)
        config.set_image_data_format(self.image_data_format)


_lock = threading.Lock()
_kept: list[Settings] = []  # of each thread that is inside, what it found


@contextlib.contextmanager
def keras_defaults() -> Iterator[None]:
    """Keras has its own defaults until the block ends; also a decorator.

    Several threads may be inside: the first keeps what was set, and the last puts it
    back. The policy is each thread's own.
    """
    config = runtime.load_keras().config
    policy = config.dtype_policy()  # first: Keras derives it from floatx
    with _lock:
        _kept.append(Settings.now())
        Settings().set()
    config.set_dtype_policy(POLICY)
    try:
        yield
    finally:
        config.set_dtype_policy(policy)
        with _lock:
            found = _kept.pop()
            if not _kept:
                found.set()
