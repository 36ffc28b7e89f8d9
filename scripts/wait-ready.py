"""Waits until URL/readyz answers: wait-ready.py URL PID [CA-FILE]. Fails when the process
ends first, or after ten seconds."""

import os
import ssl
import sys
import time
import urllib.error
import urllib.request

url, pid = sys.argv[1], int(sys.argv[2])
context = ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else None
end = time.monotonic() + 10
while True:
    try:
        urllib.request.urlopen(url + "/readyz", timeout=2, context=context)
        break
    except (urllib.error.URLError, OSError) as error:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            sys.exit("the server ended before it was ready")
        if time.monotonic() > end:
            sys.exit(f"{url} is not ready: {error}")
        time.sleep(0.03)
