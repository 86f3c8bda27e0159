"""From what is wanted and what is seen to what is done and said. Pure: no I/O, no clock."""
