"""How Flink is asked: tables, streams, functions and SQL. What is decided lies in `scoring`."""
