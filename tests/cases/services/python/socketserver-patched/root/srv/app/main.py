import socketserver
from http.server import BaseHTTPRequestHandler, HTTPServer

socketserver.TCPServer.request_queue_size = 77

HTTPServer(("", 9996), BaseHTTPRequestHandler).serve_forever()
