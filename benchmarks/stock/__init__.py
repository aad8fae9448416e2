"""Stock TFX on the same data: its own components, runner and taxi-template modules."""
