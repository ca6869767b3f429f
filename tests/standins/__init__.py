"""Small local servers that speak the wire protocols of the services across the network."""
