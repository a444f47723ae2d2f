"""Text to tokens: corpora, splits, tokenizers, shards and training batches."""
