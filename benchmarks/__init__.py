"""Speed and memory, measured: each figure beside a raw limit from the same run.

Run one with `python -m benchmarks NAME [--quick] [--json]`, all with `make bench`.
"""
