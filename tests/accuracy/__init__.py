"""The public benchmark of right causes: simulated archives whose truth is known, disturbed, and asked about.

`make accuracy` runs all of it and writes RESULTS.md and results.json beside this file; the tests run a part
(tests/test_accuracy.py) and fail when it falls behind what is written there.
"""
