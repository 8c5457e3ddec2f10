"""Build the voc-animals set from your own copy of PASCAL VOC 2012.

The photographs come from Flickr under VOC's terms and may not be passed on, so this
repository holds the ids alone (data/voc-animals/). Get VOC 2012 from its own site,
https://host.robots.ox.ac.uk/pascal/VOC/voc2012/, unpack it, and run

    python scripts/data/make_voc_animals.py VOCdevkit/VOC2012 voc-animals
"""

import pathlib
import shutil

import click

LISTS = pathlib.Path(__file__).parents[2] / "data" / "voc-animals"
SPLITS = ("train", "val")
FOLDERS = {"JPEGImages": ".jpg", "Annotations": ".xml"}


def read_ids(lists: pathlib.Path) -> dict[str, list[str]]:
    return {split: (lists / f"{split}.txt").read_text().split() for split in SPLITS}


def check_source(source: pathlib.Path, image_ids: list[str]) -> None:
    """Ends with an error unless every photograph and annotation is there to copy."""
    for folder in FOLDERS:
        if not (source / folder).is_dir():
            raise click.ClickException(
                f"{source} has no folder {folder}; name the folder VOCdevkit/VOC2012."
            )
    missing = [
        image_id
        for image_id in image_ids
        if not all((source / path).is_file() for path in paths(image_id))
    ]
    if missing:
        raise click.ClickException(
            f"{source} lacks {len(missing)} of {len(image_ids)} ids: "
            f"{', '.join(missing[:3])}{', ...' if missing[3:] else ''}; unpack all of "
            "VOCtrainval_11-May-2012.tar again, and name its VOCdevkit/VOC2012."
        )


def check_output(output: pathlib.Path, source: pathlib.Path, image_ids) -> None:
    """Ends with an error where writing would mix or harm another set."""
    if output.resolve() == source.resolve():
        raise click.ClickException(
            f"{output} is VOC itself; name another output folder."
        )
    ours = {path for image_id in image_ids for path in paths(image_id)}
    for folder in FOLDERS:
        for path in sorted((output / folder).glob("*")):
            if path.relative_to(output) not in ours:
                raise click.ClickException(
                    f"{output} holds other files, such as {path}; name a new folder."
                )


def paths(image_id: str) -> list[pathlib.Path]:
    return [pathlib.Path(folder, image_id + end) for folder, end in FOLDERS.items()]


def copy(source: pathlib.Path, output: pathlib.Path, ids: dict[str, list[str]]) -> None:
    """Copies photographs and annotations, then writes the lists.

    The lists come last, and those of an earlier run go first: a set without lists
    does not look whole.
    """
    lists = output / "ImageSets" / "Main"
    for folder in (lists, *(output / name for name in FOLDERS)):
        folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        (lists / f"{split}.txt").unlink(missing_ok=True)
    for path in (
        path for names in ids.values() for name in names for path in paths(name)
    ):
        shutil.copyfile(source / path, output / path)
    for split, names in ids.items():
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


@click.command()
@click.argument(
    "source",
    metavar="VOC2012_FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path),
)
@click.argument("output", type=click.Path(file_okay=False, path_type=pathlib.Path))
@click.option(
    "--lists",
    type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path),
    default=LISTS,
    help="Folder of train.txt and val.txt.  [default: data/voc-animals]",
)
def main(source: pathlib.Path, output: pathlib.Path, lists: pathlib.Path) -> None:
    """Build the voc-animals set in OUTPUT from a copy of PASCAL VOC 2012.

    \b
    python scripts/data/make_voc_animals.py VOCdevkit/VOC2012 voc-animals
    """
    ids = read_ids(lists)
    image_ids = [image_id for names in ids.values() for image_id in names]
    check_source(source, image_ids)
    check_output(output, source, image_ids)
    try:
        copy(source, output, ids)
    except OSError as error:
        raise click.ClickException(
            f"{error}; {output} is not whole, so run this again once that is mended."
        ) from error
    counts = ", ".join(f"{len(names)} {split}" for split, names in ids.items())
    click.echo(f"Wrote {output}: {counts}.")


if __name__ == "__main__":
    main()
