import http.server
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from xmlrpc.server import SimpleXMLRPCServer

one = http.server.HTTPServer(("", 8080), SimpleHTTPRequestHandler)
two = ThreadingHTTPServer(("127.0.0.1", 8081), SimpleHTTPRequestHandler)
three = SimpleXMLRPCServer(("localhost", 8082), logRequests=False)
three.serve_forever()
