"""Model and tokens -> bits: the protocols, the ledger, test-time training, and what compressors make of the same text."""
