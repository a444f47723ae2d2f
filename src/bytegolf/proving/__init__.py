"""Score -> evidence: the proof file, its decoding, and the receipt."""
