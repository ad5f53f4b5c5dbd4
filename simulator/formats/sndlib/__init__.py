"""SNDlib: native and XML networks, and their demands."""
