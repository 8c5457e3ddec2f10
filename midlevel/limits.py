"""How large a photograph may be: a few bytes can claim to be gigabytes of pixels."""

import os

_STATED = os.environ.get("MIDLEVEL_MAX_PIXELS", "")
MAX_PIXELS = int(_STATED) if _STATED.isascii() and _STATED.isdecimal() else 250_000_000
MAX_BYTES = 2**31 - 1  # of a file; OpenCV counts them in an int

# A second net below `decoding`'s: OpenCV reads it when it is loaded, if it is not yet.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
