"""Messages, and the data that can be written."""
