"""Rooms put together, one module a verb."""
