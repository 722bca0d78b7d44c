import socket
import sys
import time

port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
s = socket.socket()
s.bind(('127.0.0.1', port))
s.listen(int(sys.argv[2]))
while True:
    time.sleep(60)
