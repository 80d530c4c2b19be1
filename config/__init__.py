"""The frame: settings, addresses, and the processes that `make run` starts."""
