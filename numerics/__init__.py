"""Float64, interval and Monte Carlo evaluation of what ``theory`` derives."""
