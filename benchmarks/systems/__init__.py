"""One module for each thing that is measured; each offers a `System` (see `benchmarks.worker`)."""
