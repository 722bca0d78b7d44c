from http.server import HTTPServer, SimpleHTTPRequestHandler


def serve(port=8080):
    server = HTTPServer(("0.0.0.0", port), SimpleHTTPRequestHandler)
    server.serve_forever()


if __name__ == "__main__":
    serve()
