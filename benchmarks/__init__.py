"""Side-by-side measurements: `python -m benchmarks`. What they found stands in docs/benchmarks.md."""
