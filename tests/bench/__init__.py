"""Benchmarks: what the service does in a second, beside its peers in the same run."""
