"""Data folder -> verdict: held-out documents that are in the training shards too, whole or nearly so.

`exact` finds copies by hash, `near` near duplicates by MinHash, `shard_copies` files that are one shard under two names, and
`report` puts the three together. Training documents are read in a stream; what stays in memory is of the held-out side alone.
"""
