"""The Kubernetes operator that runs ModelStream resources as Flink application clusters."""
