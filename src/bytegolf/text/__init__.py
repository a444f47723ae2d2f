"""Documents -> tokens."""
