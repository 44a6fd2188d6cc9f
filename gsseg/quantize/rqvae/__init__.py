"""RQ-VAE and RQ-KMeans+: residual codes of what a network makes of the vectors."""
