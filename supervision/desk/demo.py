"""What the demonstration's accounts sign in with. Shown under DUBAN_DEMO=1 and nowhere else."""

PASSWORD = "duban-demo-2026"
"""The password of every demonstration account."""
