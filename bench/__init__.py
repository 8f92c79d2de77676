"""The benchmarks: each pits the product against its own floor in the same run and prints the ratio."""
