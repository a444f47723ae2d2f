"""Bytes <-> weights: what decodes a model, and nothing that trains one."""
