"""What a run was made with."""

import platform
import sys
import time
from importlib import metadata

PACKAGES = (
    *("midlevel", "tensorflow", "tensorflow-cpu", "keras", "openvino"),
    *("numpy", "opencv-python-headless", "albumentations", "pydantic"),
)


def environment() -> dict:
    """Versions, machine and command line."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions,
    }
