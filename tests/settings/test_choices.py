"""What commands choose from, without loading it, is what there is."""

from midlevel import datasets
from midlevel.exports import formats
from midlevel.settings import choices


def test_formats_are_those_that_there_are():
    assert tuple(datasets.FORMATS) == choices.DATA_FORMATS
    assert choices.EXPORT_FORMATS == formats.NAMES
