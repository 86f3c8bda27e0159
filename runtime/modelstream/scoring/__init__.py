"""What becomes of a record and its model: batches, results, failures. Knows no Flink."""
