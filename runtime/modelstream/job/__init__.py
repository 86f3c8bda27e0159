"""From a ModelStream manifest to a Flink job."""
