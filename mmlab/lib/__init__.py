"""lib/: data structures that know nothing of memory."""
