"""How good a run is: scores of a split, measures, mistakes."""
