"""One page to hand over: results and answers as a file that any browser opens, offline."""
