"""The paper in numpy alone: windows, labels, pooling, scores, metrics."""
