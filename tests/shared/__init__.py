"""What several tests share: strategies, instances, and independent routes to the same numbers."""
