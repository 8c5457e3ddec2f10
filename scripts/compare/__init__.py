"""Measuring without fooling ourselves; `python scripts/compare --help`.

The protocol: what a run chooses, it chooses on held-out photographs of its own training
split; what is measured chose nothing. Every setting learns from the same photographs
with the same seeds and is measured on the same photographs, so differences are paired:
their interval is over photographs drawn again (`midlevel.method.intervals`), their
standard deviation over seeds.
"""
