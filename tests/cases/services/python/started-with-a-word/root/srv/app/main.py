import argparse
import socket
import time

parser = argparse.ArgumentParser()
parser.add_argument('host')
parser.add_argument('port', nargs='?', type=int, default=8000)
args = parser.parse_args()
s = socket.socket()
s.bind((args.host, args.port))
s.listen(5)
while True:
    time.sleep(60)
