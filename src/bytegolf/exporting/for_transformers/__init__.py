"""Modules that an exported folder carries, with what they need of this package: no code here imports them."""
