"""A photograph in a file of one size: shrunk in its shape, between bars.

The example of LiteRT has this function's own text, so that what is verified is what
people copy. Grey bars change scores less than what else was tried: docs/exporting.md.
"""

import numpy

from midlevel.system import runtime

cv2 = runtime.load_opencv()


def letterbox(image, width, height):
    """The image at the size, in its shape, between grey bars."""
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = (max(1, round(scale * side)) for side in image.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    page = numpy.full((height, width, 3), 128, numpy.uint8)
    x, y = (width - w) // 2, (height - h) // 2
    page[y : y + h, x : x + w] = cv2.resize(image, (w, h), interpolation=how)
    return page
