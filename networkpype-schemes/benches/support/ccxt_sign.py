"""Times ccxt's `sign()`: reads lines of a name and a count, and answers each with nanoseconds of processor time."""

import sys
import time

import ccxt

key, secret, passphrase = (sys.stdin.readline().rstrip("\n") for _ in range(3))
credentials = {"apiKey": key, "secret": secret, "password": passphrase}
exchanges = {"binance": ccxt.binance(credentials), "okx": ccxt.okx(credentials)}
paths = {"binance": "order", "okx": "trade/order"}
print("ccxt", ccxt.__version__, "on Python", sys.version.split()[0], flush=True)

for line in sys.stdin:
    name, count, *params = line.rstrip("\n").split("\t")
    params = dict(zip(params[::2], params[1::2]))
    sign, path = exchanges[name].sign, paths[name]
    start = time.thread_time_ns()
    for _ in range(int(count)):
        sign(path, ["private"], "POST", params)
    print(time.thread_time_ns() - start, flush=True)
