"""Models that remember the stream: their hidden state in Flink's keyed state."""
