"""mockserver between real clients and a real Agent Server."""
