"""Benchmarks in worlds of virtual time."""
