"""Uploads -> records, by a few threads, with a bounded queue before them."""

import asyncio
import base64
import contextlib
import threading
from collections.abc import Awaitable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from midlevel.features import batch
from midlevel.images import headers
from midlevel.method import scores
from midlevel.pages import drawing
from midlevel.prediction import localising, records
from midlevel.prediction.model import Model
from midlevel.prediction.window_scores import WindowScores
from midlevel.serving.schema import AGAIN, Refused
from midlevel.serving.uploads import Upload

PLACES = 32  # requests in hand; each holds its files in memory
LARGE = 50_000_000  # pixels; larger photographs are decoded one at a time


class Gone(Exception):
    """The client went away before its answer."""


@dataclass(frozen=True)
class Answer:
    """What is said of one file.

    Attributes:
        record: see `records.of_image`.
        maps: score maps by class, as data URIs.
        picture: the photograph as a small upright JPEG, as a data URI.
    """

    record: records.Record
    maps: dict[str, str] = field(default_factory=dict)
    picture: str | None = None


@dataclass(frozen=True)
class Extras:
    """What is wanted besides the record.

    Attributes:
        maps: classes whose score maps are.
        pictures: whether the photograph itself is.
    """

    maps: Sequence[str] = ()
    pictures: bool = False


class Scorer:
    """Scores uploads with as many threads as the engine needs.

    Its methods are called in one event loop; only the work is done in threads.
    """

    def __init__(self, model: Model, places: int = PLACES) -> None:
        self._model = model
        self._places = places
        self.in_hand = 0
        self._one_at_a_time = threading.Lock()
        workers = model.extractor.backbone.engine.workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="midlevel")

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, until the block ends.

        Raises:
            Refused: all are taken.
        """
        if self.in_hand >= self._places:
            raise Refused(
                503,
                f"{self._places} requests are in hand already. Try again soon.",
                AGAIN,
            )
        self.in_hand += 1
        try:
            yield
        finally:
            self.in_hand -= 1

    async def answers(
        self, uploads: Sequence[Upload], extras: Extras, gone: Awaitable[None]
    ) -> list[Answer]:
        """What is said of each upload, in their order.

        Args:
            gone: ends when the client goes away; what is not begun then is not done.

        Raises:
            Gone: it did.
        """
        loop = asyncio.get_running_loop()
        jobs = [
            loop.run_in_executor(self._threads, self._answer, upload, extras)
            for upload in uploads
        ]
        left = asyncio.ensure_future(gone)
        begun: list[asyncio.Future[Any]] = [left, *jobs]
        try:
            waiting = set(begun)
            while len(waiting) > 1:
                done, waiting = await asyncio.wait(
                    waiting, return_when=asyncio.FIRST_COMPLETED
                )
                if left in done:
                    raise Gone
            return [job.result() for job in jobs]
        finally:
            for future in begun:
                future.cancel()

    def close(self) -> None:
        """End the threads, after what they have begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _answer(self, upload: Upload, extras: Extras) -> Answer:
        source = batch.Named(upload.name, upload.data)
        with self._turn(upload):
            photograph = batch.read(source, self._model.extractor.of_bytes)
        if isinstance(photograph, batch.Failure):
            return Answer(records.of_failure(upload.name, photograph.reason))
        (found,) = self._model.many([photograph])
        record = self._model.record_of(found, upload.name)
        picture = None
        if extras.pictures:
            picture = drawing.data_uri(drawing.fitted(photograph.pixels))
        return Answer(record, score_maps(found, extras.maps), picture)

    def _turn(self, upload: Upload) -> contextlib.AbstractContextManager[object]:
        """Where the photograph is large, a lock; several at once take much memory."""
        width, height = headers.size_wh(upload.data) or (0, 0)
        is_large = width * height > LARGE
        return self._one_at_a_time if is_large else contextlib.nullcontext()


def score_maps(found: WindowScores, names: Sequence[str]) -> dict[str, str]:
    """Score maps as small grey pictures, by class: 255 times the score."""
    if not names:
        return {}
    columns = [1 + found.classes.index(name) for name in names]
    size_wh = found.plan.size_wh
    maps = scores.score_map(
        found.plan.boxes,
        found.scores[:, columns],
        size_wh,
        localising.map_size(size_wh),
    )
    grey = np.rint(255 * np.clip(maps, 0, 1)).astype(np.uint8)
    return {name: _data_uri(grey[..., i]) for i, name in enumerate(names)}


def _data_uri(grey: np.ndarray) -> str:
    picture = drawing.png(np.repeat(grey[..., None], 3, axis=2))
    return "data:image/png;base64," + base64.b64encode(picture).decode()
