"""What this machine lets the process use: cores and memory."""

import os
from pathlib import Path

UNKNOWN_MEMORY = 8_000_000_000  # bytes, where the system does not tell
CONTAINER = (  # what a container may take, in Linux's control groups of either version
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_of_machine() -> int:
    """Bytes of memory that this process may have: the machine's, or its container's."""
    limits = [_limit(Path(path)) for path in CONTAINER]
    try:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # Windows
        limits.append(UNKNOWN_MEMORY)
    return min(limit for limit in limits if limit)


def _limit(path: Path) -> int:
    """The number in a file of Linux's control groups; 0 where it sets none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0
