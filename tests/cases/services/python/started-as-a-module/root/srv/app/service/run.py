import argparse
import socket
import time

from .settings import BACKLOG

parser = argparse.ArgumentParser()
parser.add_argument('--port', type=int, default=8000)
args = parser.parse_args()
s = socket.socket()
s.bind(('127.0.0.1', args.port))
s.listen(BACKLOG)
while True:
    time.sleep(60)
