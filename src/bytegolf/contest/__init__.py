"""What a contestant hands in, and what can be said of it: read, never run."""
