"""How often the verdict is right, measured on leads whose truth was decided before they were told.

`python -m benchmarks.accuracy` prints it. The generator (`shapes`, `symptoms`, `teller`, `plots`, `noise`) shares nothing
with the judge but the documented conventions; only `judged` and `stored` import it.
"""
