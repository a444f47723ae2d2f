"""Model and tokens -> bits: the ledger and the protocols."""
