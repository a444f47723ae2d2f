"""Predictor -> verdict: black-box tests of whatever claims to predict text."""
