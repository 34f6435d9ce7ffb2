"""Sections of `benchmarks.gpu`: each prints a table or a sentence, and needs no other."""
