"""k-means on (items, dim) arrays: plain, inside blocks of codes, and in clusters of equal size.

Codebooks of scenes and residual quantizers are both made of two half-steps, the nearest code of each item (`nearest`)
and the mean of the items of each code (`means`). A *label* is the number of the code that an item has.
"""
