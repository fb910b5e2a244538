"""The ids of requests, and cancels that came before them."""
