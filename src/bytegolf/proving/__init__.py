"""Score -> evidence: the file that codes a scored text, its decoding in a sandbox, the receipt, and its verification."""
