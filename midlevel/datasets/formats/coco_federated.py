"""What COCO-like images say of whole categories, as LVIS's do.

LVIS (Gupta, Dollar and Girshick, CVPR 2019, section 2.2) asks of each image about a few
categories only: `neg_category_ids` are those that it certainly does not show; of those
in `not_exhaustive_category_ids`, which it shows, not all objects are annotated. Of what
is neither annotated nor negative nothing is said.
"""

from midlevel.datasets.formats import values
from midlevel.datasets.formats.coco_file import File, Names, among, identity
from midlevel.datasets.formats.draft import Draft

NEGATIVE, OPEN = "neg_category_ids", "not_exhaustive_category_ids"


class Stated:
    """The categories that the images of a file state.

    Attributes:
        is_federated: some image states negatives, so that nothing is said of others.
    """

    def __init__(self, file: File, names: Names):
        self._file, self._names = file, names
        items = file.lists["images"]
        self.is_federated = any(isinstance(i, dict) and NEGATIVE in i for i in items)

    def add(self, draft: Draft, i: int) -> None:
        """Take what image `i` states of its photograph, whose boxes are known."""
        line = self._file.line("images", i)
        if self.is_federated and draft.absent is None:
            draft.absent = {}
        for name in self._stated(draft, i, NEGATIVE):
            draft.absent = draft.absent or {}
            draft.absent[name] = (draft.source, line)
        for name in self._stated(draft, i, OPEN):
            if name in draft.names:
                draft.partly_boxed.append(name)
            else:
                draft.unboxed.append(name)

    def _stated(self, draft: Draft, i: int, key: str) -> list[str]:
        """Names of the categories that an image lists; of an id without one, why."""
        ids = self._file.lists["images"][i].get(key)
        line, place = self._file.line("images", i), f"images[{i}]: {key}"
        if ids is None:
            return []
        if not isinstance(ids, list):
            text = f"{place}: expected a list of ids. Received: {values.shown(ids)}"
            draft.refuse("annotation", text, line)
            return []
        found = []
        for value in ids:
            number = among(self._names, identity({"id": value}, "id"))
            if number in self._names:
                found.append(self._names[number])
            else:
                text = f"{place}: no category has the id {values.shown(value)}"
                draft.refuse("class", text, line)
        return found
