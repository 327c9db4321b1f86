"""`python deploy/probe.py 8000 /readyz` exits 0 if the web server on that port of this host answers 200, else 1."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=4)
try:
    connection.request("GET", sys.argv[2])
    answer = connection.getresponse()
except OSError as error:
    sys.exit(str(error))
if answer.status != 200:
    sys.exit(answer.read().decode())
