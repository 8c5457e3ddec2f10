"""One CSV file while its rows are taken: what each says of its photograph."""

from collections.abc import Iterable
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.formats import open_images, table_cells
from midlevel.datasets.formats.draft import Draft
from midlevel.datasets.formats.table_layout import Layout


class File:
    """A file while its rows are taken.

    Attributes:
        flags: what the cells of its columns of classes say.
        is_partial: of some classes it says nothing of some photographs.
    """

    def __init__(
        self,
        path: Path,
        folder: Path,
        layout: Layout,
        rows: list[list[str]],
        words: Iterable[str],
    ):
        """`words` are those of the columns of classes of all files, see `Flags`."""
        self.path, self.folder, self.layout = path, folder, layout
        good = [row for row in rows if len(row) >= layout.count]
        self.flags = table_cells.Flags(layout.flagged(rows), words)
        denied = (self._confidence(row) for row in good)
        self.is_verified = any(cell in ("0", "0.0") for cell in denied)
        self.is_partial = self.is_verified or not self.flags.is_whole
        places = (folder, path.parent) if layout.is_open_images else ()
        self._names = open_images.class_names(places)
        self._whole: set[Path] = set()  # photographs of which all is said

    def draft(self, split: str, stated: str, cells: list[str]) -> Draft:
        """A photograph of which nothing is said yet.

        Raises:
            errors.DataError: it is missing.
        """
        own = [name for name, key in paths.SPLITS.items() if key == split]
        here = self.path.parent
        near = (self.folder, self.folder / "images", here / "images")
        places = (*near, *(self.folder / name for name in own))
        found = paths.photograph(self.folder, stated, here, places)
        size_wh, is_relative = self.layout.size_wh(cells), self.layout.is_open_images
        return Draft(found, self.path, size_wh, relative=is_relative)

    def open(self, draft: Draft) -> None:
        """Note that nothing is said of classes that no row names."""
        if draft.absent is None and draft.path not in self._whole:
            draft.absent = {}

    def add(self, draft: Draft, row: list[str], line: int) -> None:
        """Take what a row says of its photograph, or say why not."""
        cell, layout = self.layout.cell, self.layout
        label = cell(row, "label")
        label = self._names.get(label, label)
        try:
            box = layout.corners(row) if label else None
            if box:
                draft.add(box, label, line, cell(row, "group") == "1")
            elif any(cell(row, key) for key in layout.box):
                raise errors.DataError("has a box, and no label")
            else:
                self._add_labels(draft, label, row, line)
        except errors.DataError as error:
            draft.refuse("annotation", str(error), line, self.path)

    def _add_labels(self, draft: Draft, label: str, row: list[str], line: int) -> None:
        """Take what a row says of a whole photograph."""
        for i, name in self.layout.flags.items():
            try:
                self._note(draft, name, self.flags.read(row[i]), line)
            except errors.DataError as error:
                text = f"{draft.path.name}: {name}: {error}"
                draft.refuse("annotation", text, line, self.path)
        is_shown = table_cells.is_verified(self._confidence(row))
        names = [label] if label in self._names.values() else table_cells.names(label)
        for name in names:
            self._note(draft, name, is_shown, line)
        if self.is_verified and not names:
            self._whole.add(draft.path)

    def _confidence(self, row: list[str]) -> str:
        """What a verified label of Open Images says; nothing elsewhere."""
        is_of_labels = self.layout.is_open_images and not self.layout.box
        return self.layout.cell(row, "confidence") if is_of_labels else ""

    def _note(self, draft: Draft, name: str, is_shown: bool | None, line: int) -> None:
        """Note that a class is shown or, where the file does not say all, is absent."""
        if is_shown:
            draft.unboxed.append(name)
        elif is_shown is not None and self.is_partial:
            draft.absent = draft.absent or {}
            draft.absent[name] = (self.path, line)
