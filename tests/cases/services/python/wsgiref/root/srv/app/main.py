from wsgiref.simple_server import make_server


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]


with make_server("", 8083, app) as httpd:
    httpd.serve_forever()
