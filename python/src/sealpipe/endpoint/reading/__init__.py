"""Messages on their way to the application."""
