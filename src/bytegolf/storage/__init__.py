"""Files on disk: atomic writing, the data folder, the run folder, and the provenance of results."""
