"""Messages between app servers and clients: how they travel, and what traces they leave in the logs."""
