"""Both directions of the lanes: what is under way, and how far."""
