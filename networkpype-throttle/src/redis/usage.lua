-- What counts in a log. KEYS: the log. ARGV: the caller's clock, the window.
return used_in(KEYS[1], instant(ARGV[1]), tonumber(ARGV[2]), -1)
