"""The command line: each verb parses, calls one function of the public API, and prints."""
