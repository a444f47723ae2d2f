"""Files on disk: atomic writing, the data folder, the run folder, and what a result depends on."""
