"""When something must go, making it go, and proving what was committed to."""
