"""Runs -> pages."""
