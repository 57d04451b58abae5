"""Points and graphs that several processes hold in shares, with the same answer for any number of them."""
