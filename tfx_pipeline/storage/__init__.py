"""Where files are, how they are written, and how remote object stores are reached."""
