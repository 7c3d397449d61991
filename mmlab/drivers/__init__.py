"""drivers/: devices."""
