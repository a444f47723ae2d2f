"""Predictor or data -> verdict: black-box tests of what claims to predict text, and the overlap of training with held-out text.

`adapter` says what can be audited and reads bits and distributions out of it; `bench` holds a predictor under test and
the text it is tried with; `checks` are the tests T1 to T13, by theme; `audit` runs them all, in a sandbox if asked;
`protocol_scorer` puts a packed model under test. docs/audit.md explains the tests to users. `overlap` compares the training
documents of a data folder with the held-out ones; docs/data.md explains how.

A new cheat goes to `tests/support/cheats/`; if no check catches it, a new check goes to the module of its theme in `checks/`.
"""
