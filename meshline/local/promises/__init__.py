"""What the demo check asks of the story: Meshline's word beside the vendors' own books."""
