"""The sections of a page, one module each: what of the runs it shows, in words, as charts and as tables."""
