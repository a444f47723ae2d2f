"""The command line: each verb parses its options, calls one function of the public API, and prints the result."""
