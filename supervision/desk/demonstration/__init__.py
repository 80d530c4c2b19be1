"""The demonstration: a county that has lived with the system for months, up to the instant at which it is asked for."""
