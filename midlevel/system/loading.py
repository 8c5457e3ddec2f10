"""What is loaded late and takes long says so, to who listens: by Python's logging.

It is loaded where it is first needed, far from those who know what a user wants to see.
"""

import contextlib
from collections.abc import Callable, Iterator

LOGGER = "midlevel"
TITLES = {"tensorflow": "TensorFlow"}


def say(module: str) -> None:
    """That a module is loaded now."""
    import logging  # late, as all that `--help` does without

    title = TITLES.get(module, module)
    logging.getLogger(LOGGER).info("loading %s ...", title)


@contextlib.contextmanager
def told(is_wanted: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile, what is loaded is said on stderr, if it is wanted then."""
    import logging

    from midlevel.system.progress import Progress

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if is_wanted():
                Progress().say(record.getMessage())

    logger, lines = logging.getLogger(LOGGER), Lines()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before)
