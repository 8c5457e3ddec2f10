"""Which photograph a VOC file is about."""

from collections.abc import Iterable
from pathlib import Path
from xml.etree.ElementTree import Element

from midlevel import errors
from midlevel.datasets import paths
from midlevel.images.names import is_hidden, is_image_name

ANNOTATIONS = ("annotations", "annotation", "xml", "xmls")  # folders of XML files,
PHOTOGRAPHS = (  # and those of their photographs
    *("jpegimages", "images", "image", "imgs", "img", "photographs", "photos"),
    "pictures",
)


class Shelf:
    """The photographs of a data set by folder and name without its ending."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._of_folder: dict[Path, dict[str, list[Path]]] = {}
        self._all: dict[str, list[Path]] | None = None

    def of_folder(self, place: Path) -> dict[str, list[Path]]:
        """Those in one folder."""
        if place not in self._of_folder:
            within = sorted(place.iterdir()) if place.is_dir() else []
            self._of_folder[place] = _by_stem(p for p in within if p.is_file())
        return self._of_folder[place]

    def everywhere(self) -> dict[str, list[Path]]:
        """Those in all folders."""
        if self._all is None:
            self._all = _by_stem(paths.photographs(self.folder))
        return self._all


def find(path: Path, root: Element, shelf: Shelf) -> tuple[Path, list[str]]:
    """The photograph that an annotation is about, and what is odd about that.

    The one of the file's own name comes first, as `<filename>` is often copied from
    another. Where files lie apart from all photographs, the only one of its name in
    the data serves.

    Raises:
        errors.DataError: there is none.
    """
    written = (root.findtext("filename") or "").strip()
    stated = written.replace("\\", "/").rpartition("/")[2]
    places = _places(path, shelf.folder)
    for place in places:
        here = shelf.of_folder(place)
        if path.stem in here:
            return _own(here[path.stem], place / stated, here)
    for place in places:
        named = place / stated
        if stated and named in shelf.of_folder(place).get(named.stem, []):
            return named, []
    if not shelf.of_folder(path.parent):
        for stem in dict.fromkeys((path.stem, Path(stated).stem)):
            found = shelf.everywhere().get(stem, [])
            if len(found) == 1:
                return found[0], []
    raise errors.DataError(
        f"its photograph is missing; expected {written or path.stem} in {places[0]}"
    )


def beside(place: Path) -> Path | None:
    """The folder of photographs beside a folder of XML files."""
    found = {folder.name.lower(): folder for folder in paths.folders(place.parent)}
    return next((found[name] for name in PHOTOGRAPHS if name in found), None)


def _places(path: Path, folder: Path) -> list[Path]:
    """Folders in which the photograph may lie, the likeliest first."""
    found = []
    for above in path.parents:
        if above == folder or not above.is_relative_to(folder):
            break
        if above.name.lower() in ANNOTATIONS and (photographs := beside(above)):
            within = path.parent.relative_to(above)
            found += [photographs / within, photographs]
    return list(dict.fromkeys((*found, path.parent)))


def _own(
    own: list[Path], stated: Path, here: dict[str, list[Path]]
) -> tuple[Path, list[str]]:
    """The photograph of the file's own name; what is said where another may be it."""
    if stated in own:
        return stated, []
    odd = []
    if stated in here.get(stated.stem, []):
        text = f"<filename> says {stated.name}, another photograph; "
        odd.append(f"{text}{own[0].name}, of its own name, is taken")
    if len(own) > 1:
        others = ", ".join(path.name for path in own[1:])
        odd.append(f"may be about {own[0].name} or {others}; the first is taken")
    return own[0], odd


def _by_stem(files: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in files:
        if is_image_name(path) and not is_hidden(path.name):
            found.setdefault(path.stem, []).append(path)
    return found
