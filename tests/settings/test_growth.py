import pytest

from midlevel import errors
from midlevel.networks.growing import NewUnits
from midlevel.settings import config


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, NewUnits("none", 2048, 20.0)),
        ({"kind": "wa"}, NewUnits("wa", 2048, 20.0)),
        ({"kind": "da", "units": 512, "scale": 10}, NewUnits("da", 512, 10.0)),
        ({"kind": "dwa", "norm": "none"}, NewUnits("dwa", 2048, None)),
    ],
)
def test_settings_say_by_what_a_head_grows(settings, expected):
    given = {f"growth.{name}": value for name, value in settings.items()}
    assert config.load(settings=given).growth.new_units == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"kind": "wide"},
            r"growth\.kind: expected one of auto, none, da, wa, dwa, wwa",
        ),
        ({"kind": "wa", "units": 1}, r"growth\.units: expected a whole number from 2"),
        (
            {"kind": "none", "units": 64},
            r"growth\.units needs growth\.kind=da, wa, dwa or wwa",
        ),
        ({"kind": "wa", "scale": 0}, r"growth\.scale: expected a number above 0"),
        ({"learn": "fc8"}, r"growth\.learn: expected one of new, fc7, fc6"),
        ({"kind": "wa", "new_factor": -1}, r"growth\.new_factor: expected a number"),
    ],
)
def test_nonsense_is_refused_in_a_line(settings, message):
    given = {f"growth.{name}": value for name, value in settings.items()}
    with pytest.raises(errors.MidlevelError, match=message) as caught:
        config.load(settings=given)
    assert "\n" not in str(caught.value)
