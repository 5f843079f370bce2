"""What must not be written: secrets, found and replaced. No I/O."""
