"""Residual k-means: short vectors as sums of code words, plain or in clusters of equal size."""
