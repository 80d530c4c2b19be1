"""The parts of the benchmark: each measures its cells and writes its section of RESULTS.md."""
