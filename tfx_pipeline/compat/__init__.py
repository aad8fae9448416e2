"""Everything that knows the inside of another library."""
