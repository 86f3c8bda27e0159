"""What runs in a pod: the image's entry point and what it starts beside Flink."""
